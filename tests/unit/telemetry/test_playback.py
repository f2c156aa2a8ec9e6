"""Replaying recordings: the project's own JSONL, and what can be wrong with a file."""

import json

import pytest

from gpurules.model import GPU, Snapshot
from gpurules.telemetry import EndOfTelemetry, TelemetryError, replay
from gpurules.telemetry.recordings.lines import MAX_LINE


@pytest.fixture
def write(tmp_path):
    def writer(content, name="recording"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return writer


def lines(*snapshots):
    return "".join(json.dumps(snapshot) + "\n" for snapshot in snapshots)


def test_each_line_is_a_snapshot(write):
    path = write(lines({"timestamp": 1, "gpus": [{"index": 0, "power": 653.21}]}, {"timestamp": 2, "gpus": []}))
    assert list(replay(path)) == [Snapshot(timestamp=1, gpus=(GPU(index=0, power=653.21),)), Snapshot(timestamp=2)]


def test_reading_past_the_end_is_the_end_of_telemetry(write):
    source = replay(write(lines({"timestamp": 1, "gpus": []})))
    source.read()
    for _ in range(2):
        with pytest.raises(EndOfTelemetry, match="ends after 1 snapshots"):
            source.read()


def test_a_bad_line_is_counted_with_its_place_and_passed_over(write):
    path = write(lines({"timestamp": 1, "gpus": []}) + "{torn\n[1]\n" + lines({"timestamp": 2, "gpus": []}))
    source = replay(path)
    assert [snapshot.timestamp for snapshot in source] == [1, 2]
    assert source.problem_count == 2
    assert source.problems[0].startswith(f"{path}:2: not JSON: ")
    assert source.problems[1] == f"{path}:3: a snapshot must be a mapping, not list"


def test_only_the_first_problems_are_kept_but_all_are_counted(write):
    source = replay(write(lines({"timestamp": 1, "gpus": []}) + "x\n" * 500))
    list(source)
    assert (len(source.problems), source.problem_count) == (20, 500)


def test_a_time_that_goes_back_is_passed_on(write):
    path = write(lines(*({"timestamp": t, "gpus": []} for t in (5, 3, 9))))
    assert [snapshot.timestamp for snapshot in replay(path)] == [5, 3, 9]


def test_snapshots_without_a_time_go_by_the_interval(write):
    path = write(lines({"gpus": []}, {"gpus": []}, {"gpus": []}))
    assert [snapshot.timestamp for snapshot in replay(path, interval=2.5)] == [0, 2.5, 5]


def test_a_host_that_is_given_stands_in_every_snapshot(write):
    path = write(lines({"timestamp": 1, "host": "a", "gpus": []}))
    assert replay(path, host="b").read().host == "b"


def test_utf_16_as_powershell_writes_it_is_read(write):
    assert replay(write(lines({"timestamp": 7, "gpus": []}).encode("utf-16"))).read().timestamp == 7


def test_a_byte_order_mark_is_no_part_of_the_text(write):
    assert replay(write(b"\xef\xbb\xbf" + lines({"timestamp": 7, "gpus": []}).encode())).read().timestamp == 7


def test_a_close_gives_the_file_back(write):
    source = replay(write(lines({"timestamp": 1, "gpus": []})))
    source.close()
    source.close()
    with pytest.raises(EndOfTelemetry):
        source.read()


def test_deep_nesting_and_huge_numbers_are_problems(write):
    good = lines({"timestamp": 1, "gpus": []})
    source = replay(write(good + '{"a":' + "[" * 100_000 + "\n" + '{"timestamp":' + "9" * 5000 + "}\n"))
    assert [snapshot.timestamp for snapshot in source] == [1]
    assert source.problem_count == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; record something first"),
        (b"\n  \n", "is empty"),
        (b"hello world\n", ":1: unknown format: 'hello world'"),
        (b"\xff\xfa\n", ":1: unknown format"),
        (bytes(range(256)) * 16, "neither text"),
        (b"\x04\x22\x4d\x18" + b"x" * 99, "compressed with lz4; decompress it first"),
        (b"7z\xbc\xaf\x27\x1c" + b"x" * 99, "an archive of 7-Zip"),
        (b"PAR1" + b"x" * 99, "a Parquet file"),
        (b'{"timestamp": 1, "gpus": []}\n' + b"x" * (MAX_LINE + 10), ":2: the line is longer than 1 MiB"),
        (b'{"timestamp": 1, "gpus": [\n', "has no snapshot that can be read; "),
        ("{".encode("utf-16") + b"\x00", ":1: unknown format"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_place(write, content, message):
    with pytest.raises(TelemetryError, match=message) as caught:
        list(replay(write(content)))
    assert "recording" in str(caught.value)
    assert not isinstance(caught.value, EndOfTelemetry)


def test_a_folder_and_a_file_that_is_not_there_are_named(tmp_path):
    with pytest.raises(TelemetryError, match="is a directory"):
        replay(tmp_path)
    with pytest.raises(TelemetryError, match="no such file"):
        replay(tmp_path / "gone.csv")
    with pytest.raises(TelemetryError, match="is not the path of a file"):
        replay("a\0b")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "America", "+99:00"])
def test_an_unknown_time_zone_is_refused(write, zone):
    with pytest.raises(TelemetryError, match="no time zone is named"):
        replay(write(lines({"timestamp": 1, "gpus": []})), timezone=zone)


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf")])
def test_an_interval_that_is_no_span_is_refused(write, interval):
    with pytest.raises(TelemetryError, match=r"interval.* must be a number"):
        replay(write(lines({"gpus": []})), interval=interval)
