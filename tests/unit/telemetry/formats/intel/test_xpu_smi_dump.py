"""Logs of ``xpu-smi dump``."""

import os
from datetime import UTC, datetime

import pytest

from gpurules.telemetry import TelemetryError, replay

HEADER = (
    "Timestamp, DeviceId, GPU Utilization (%), GPU Power (W), GPU Frequency (MHz), "
    "GPU Core Temperature (Celsius Degree), GPU Memory Temperature (Celsius Degree), GPU Memory Utilization (%)\n"
)
ROWS = (
    "10:00:00.500,    0,  N/A, 281.13, 1600.00, 35.50, 31.50,  N/A\n"
    "10:00:00.501,    1,   42, 286.48, 1500.00, 38.50, 35.00, 1.67\n"
    "10:00:01.502,    0,    7, 293.78, 1600.00,      , 32.00, 20.41\n"
    "10:00:01.503,    1,    8, 287.05, 1600.00, 38.50, 35.00, 1.67\n"
)
START = datetime(2026, 4, 25, 10, 0, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def play(tmp_path):
    def player(text, **options):
        path = tmp_path / "dump.csv"
        path.write_text(text)
        os.utime(path, (START + 60, START + 60))
        source = replay(path, **options)
        return list(source), source

    return player


def test_rows_of_a_poll_are_one_snapshot(play):
    snapshots, source = play(HEADER + ROWS)
    assert source.format == "xpu-smi dump CSV"
    assert [snapshot.timestamp for snapshot in snapshots] == [START + 0.5, START + 1.502]
    first, second = snapshots[0].gpus
    assert (first.index, first.vendor, first.power, first.clock_sm) == (0, "intel", 281.13, 1_600_000_000)
    assert (first.temperature, first.memory_temperature) == (35.5, 31.5)
    assert (first.utilization, first.missing["utilization"], first.memory) == (None, "n/a", None)
    assert (second.index, second.utilization, second.memory) == (1, 42, 1.67)
    assert snapshots[1].gpus[0].temperature is None
    assert source.problem_count == 0


def test_times_without_a_date_are_of_the_day_of_the_file_with_a_notice(play):
    _, source = play(HEADER + ROWS)
    assert source.notices == (
        f"{source.name.removeprefix('replay:')}:2: the times have no date; the first is assumed to be on 2026-04-25, "
        "from the modification time of the file (override it with --date YYYY-MM-DD)",
    )


def test_a_time_after_that_of_the_file_is_of_the_day_before(play):
    snapshots, _ = play(HEADER + ROWS.replace("10:00:0", "23:00:0"))
    assert snapshots[0].timestamp == START - 11 * 3600 + 0.5


def test_the_date_and_the_zone_can_be_given(play):
    snapshots, source = play(HEADER + ROWS, date="2026-01-02", timezone="+02:00")
    assert snapshots[0].timestamp == datetime(2026, 1, 2, 8, 0, 0, 500_000, tzinfo=UTC).timestamp()
    assert source.notices == ()
    with pytest.raises(TelemetryError, match="is not a date; write it as 2026-04-25"):
        play(HEADER + ROWS, date="25.4.2026")


def test_the_day_goes_on_at_midnight(play):
    row = "{}, 0, 1, 2, 3, 4, 5, 6\n"
    times = ("23:59:59.000", "00:00:00.000", "00:00:01.000")
    snapshots, source = play(HEADER + "".join(row.format(time) for time in times), date="2026-04-24")
    assert [snapshot.timestamp - snapshots[0].timestamp for snapshot in snapshots] == [0, 1, 2]
    assert source.problem_count == 0


def test_a_damaged_time_moves_no_other(play):
    row = "{}, 0, 1, 2, 3, 4, 5, 6\n"
    times = ("23:50:00.000", "03:50:01.000", "23:50:02.000")
    snapshots, source = play(HEADER + "".join(row.format(time) for time in times), date="2026-04-24")
    assert (snapshots[2].timestamp - snapshots[0].timestamp, source.problem_count) == (2, 1)


def test_tiles_of_a_device_become_one_gpu(play):
    text = (
        "Timestamp, DeviceId, TileId, GPU Power (W), GPU Core Temperature (Celsius Degree), GPU Memory Used (MiB)\n"
        "10:00:00.000, 0, 0, 140, 40, 10\n10:00:00.000, 0, 1, 141, 60, 30\n10:00:00.001, 1, 0, 100, 50, \n"
        "10:00:00.001, 1, 1, N/A, 51, 2\n"
    )
    snapshots, _ = play(text)
    assert [(gpu.power, gpu.temperature, gpu.memory_used) for gpu in snapshots[0].gpus] == [
        (281, 60, 40 << 20), (None, 51, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("10:00:00.000, 0{}\n10:00:00.001, 1{}\n10:00:01.000, 1{}\n", [[0, 1], [1]]),
        ("10:00:00.000, 0{}\n10:00:01.000, 1{}\n", [[0], [1]]),
        ("10:00:00.000, 1{}\n10:00:00.400, 0{}\n", [[1], [0]]),
    ],
    ids=["the first is gone", "one at a time", "out of order"],
)
def test_a_device_that_is_gone_does_not_mix_polls(play, text, times):
    snapshots, _ = play(HEADER + text.replace("{}", ", 1, 2, 3, 4, 5, 6"))
    assert [[gpu.index for gpu in snapshot.gpus] for snapshot in snapshots] == times


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("10:00:02.000, 0, 1, 2\n", "4 cells for 8 columns"),
        ("10:00:02.000, x, 1, 2, 3, 4, 5, 6\n", "not a device: 'x'"),
        ("noon, 0, 1, 2, 3, 4, 5, 6\n", "not a time: 'noon'"),
        ("99:00:00.000, 0, 1, 2, 3, 4, 5, 6\n", "not a time"),
        ("Error: device not found\n", "1 cells for 8 columns"),
        ("10:00:02.000, 0, 1, 2, 3, 4, 5, 6", "it may be cut off"),
    ],
)
def test_damage_costs_only_its_row(play, damage, what):
    snapshots, source = play(HEADER + ROWS + damage)
    assert len(snapshots) == 2
    assert (source.problem_count, what in source.problems[0]) == (1, True)


def test_a_number_out_of_range_is_missing(play):
    snapshots, _ = play(HEADER + "10:00:00.000, 0, 4294967295, 2, 3, 4, 5, 150000\n")
    gpu = snapshots[0].gpus[0]
    assert (gpu.utilization, gpu.memory, gpu.power) == (None, None, 2)


def test_a_log_without_a_known_reading_is_refused(play):
    with pytest.raises(TelemetryError, match="none of the columns is a known reading: reset counter"):
        play("Timestamp, DeviceId, Reset Counter\n10:00:00.000, 0, 0\n")


TILED = "Timestamp, DeviceId, TileId, GPU Power (W), GPU Core Temperature (Celsius Degree)\n"
TWO = "10:00:00.500, 0, 0, 100.5, 40\n10:00:00.500, 0, 1, 120.5, 44\n"
NEXT = TWO.replace("10:00:00", "10:00:01")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (TWO + NEXT, [(221.0, 44), (221.0, 44)]),
        (TWO.splitlines(keepends=True)[0] + NEXT, [(None, None), (221.0, 44)]),
        (TWO + NEXT.splitlines(keepends=True)[1], [(221.0, 44), (None, None)]),
        (TWO + TWO.splitlines(keepends=True)[1], [(221.0, 44)]),
        (TWO + "10:00:00.501, 0, 1, 130.5, 44\n", [(None, None)]),
    ],
    ids=["whole", "the first poll lacks a tile", "the last poll lacks a tile", "a row twice", "two rows of one tile"],
)
def test_a_gpu_whose_tiles_are_not_all_there_has_no_figures(play, rows, expected):
    snapshots, _ = play(TILED + rows)
    assert [(snapshot.gpus[0].power, snapshot.gpus[0].temperature) for snapshot in snapshots] == expected
    assert all(gpu.power is not None or gpu.missing["power"] for snapshot in snapshots for gpu in snapshot.gpus)


def test_two_rows_of_a_device_at_one_time_without_a_tile_are_none(play):
    (snapshot,), source = play(TILED.replace("TileId", "My Tile") + TWO)
    assert (snapshot.gpus[0].power, snapshot.gpus[0].missing["power"]) == (None, "reported twice")
    assert "a second row of device 0 at one time" in source.problems[0]


def test_a_log_of_one_tile_says_so(play):
    _, source = play(TILED + TWO.splitlines(keepends=True)[0])
    assert any("the log has the tile 0 only" in notice for notice in source.notices)


def test_a_header_that_is_cut_off_is_a_problem(play):
    with pytest.raises(TelemetryError, match="the log ends with a header, which may be cut off"):
        play(TILED.rstrip("\n"))[1].read()
