"""Which GPU a row is of, how rows with commas are fitted, and headers without a reading."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from gpurules.model import Snapshot
from gpurules.telemetry import Replay, TelemetryError, replay

START = 1_777_118_400.0  # 2026-04-25 12:00:00 UTC


@pytest.fixture
def play(tmp_path: Path) -> Any:
    def player(text: str, **options: Any) -> tuple[list[Snapshot], Replay]:
        (tmp_path / "smi.csv").write_text(text)
        source = replay(tmp_path / "smi.csv", **options)
        return list(source), source

    return player


def fans(snapshots: list[Snapshot]) -> list[list[Any]]:
    return [[gpu.fan_speed for gpu in snapshot.gpus] for snapshot in snapshots]


def log(
    times: list[float], names: tuple[str, ...] = ("NVIDIA T4",), header: str = "timestamp, name, fan.speed [%]"
) -> str:
    rows = (
        f"2026/04/25 12:{int(time) // 60:02d}:{time % 60:06.3f}, {names[n % len(names)]}, {n} %"
        for n, time in enumerate(times)
    )
    return "\n".join([header, *rows, ""])


@pytest.mark.parametrize(
    "times",
    [
        [0.001 * n for n in range(9)],
        [0.491, 0.497, 0.504, 0.519, 0.525, 0.532, 0.621, 0.630],
        [5.0 * n for n in range(9)],
        [0, 5, 10, 700, 705, 710, 715],
        [0.0, 900.0],
    ],
)
def test_where_all_times_differ_each_row_is_a_poll_of_one_gpu_and_that_is_said(play: Any, times: list[float]) -> None:
    snapshots, source = play(log(times))
    assert [snapshot.timestamp - START for snapshot in snapshots] == pytest.approx(times, abs=1e-6)
    assert fans(snapshots) == [[n] for n in range(len(times))]
    assert source.problem_count == 0
    assert "treated as a poll of a single GPU" in source.notices[0]
    _, confirmed = play(log(times), single_gpu=True)
    assert confirmed.notices == ()


BOARDS = [second + 0.031 * board for second in (0, 5, 10) for board in range(3)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (log(BOARDS), "bursts of 3"),
        (log(BOARDS[:7]), "bursts of 3"),
        (log(BOARDS[:4]), "bursts of 3"),
        (log([0, 0, 5, 5]), "the same time"),
        (log([0, 1, 2, 3], ("NVIDIA T4", "NVIDIA L4")), "several names"),
        ("fan.speed [%], power.draw [W]\n1 %, 2 W\n3 %, 4 W\n", "no times"),
    ],
)
def test_where_rows_may_be_of_several_gpus_the_missing_column_is_named(play: Any, text: str, why: str) -> None:
    with pytest.raises(
        TelemetryError, match=f"no index, uuid or pci.bus_id.*{why}.*add index to --query-gpu.*--gpus N"
    ):
        play(text)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_number_of_gpus_can_be_given(play: Any, count: int) -> None:
    snapshots, source = play(log([second for second in range(4) for _ in range(count)]), gpus=count)
    assert fans(snapshots) == [[count * poll + board for board in range(count)] for poll in range(4)]
    assert [[gpu.index for gpu in snapshot.gpus] for snapshot in snapshots] == [list(range(count))] * 4
    assert (source.problem_count, source.notices) == (0, ())


def test_a_row_that_cannot_be_used_keeps_its_place_among_the_gpus(play: Any) -> None:
    lines = log([0, 0, 0, 5, 5, 5]).splitlines()
    lines[2] = "torn"
    snapshots, source = play("\n".join([*lines, ""]), gpus=3)
    assert [[(gpu.index, gpu.fan_speed) for gpu in snapshot.gpus] for snapshot in snapshots] == [
        [(0, 0), (2, 2)],
        [(0, 3), (1, 4), (2, 5)],
    ]
    assert source.problem_count == 1


def test_a_poll_with_rows_missing_is_reported_and_not_read(play: Any) -> None:
    snapshots, source = play(log([0, 0, 5, 5, 9]), gpus=2)
    assert (fans(snapshots), source.problem_count) == ([[0, 1], [2, 3]], 1)
    assert "a poll of 1 rows for 2 GPUs" in source.problems[0]


HEADER = "power.draw [W], fan.speed [%]"


def test_a_header_at_each_call_says_which_rows_are_of_one_poll(play: Any) -> None:
    for count in (1, 2, 3):
        rows = [[f"{10 * poll + board}.00 W, {board} %" for board in range(count)] for poll in range(4)]
        snapshots, source = play("".join("\n".join([HEADER, *poll, ""]) for poll in rows))
        powers = [[gpu.power for gpu in snapshot.gpus] for snapshot in snapshots]
        assert powers == [[10 * poll + board for board in range(count)] for poll in range(4)]
        assert source.problem_count == 0


def test_a_header_of_each_start_of_a_logger_is_not_one_of_each_poll(play: Any) -> None:
    day = [log([60 * start + 5 * poll for poll in range(3)]) for start in range(4)]
    snapshots, source = play("".join(day))
    assert (fans(snapshots), len(source.notices)) == ([[0], [1], [2]] * 4, 1)


def test_a_call_that_printed_fewer_rows_than_the_others_is_not_read(play: Any) -> None:
    calls = [f"{HEADER}\n{poll}.00 W, 1 %\n{poll}.50 W, 2 %\n" for poll in range(1200)]
    calls[1100] = calls[1100].replace("1100.00 W, 1 %\n", "")
    snapshots, source = play("".join(calls))
    assert (len(snapshots), source.problem_count) == (1199, 1)
    assert all([gpu.fan_speed for gpu in snapshot.gpus] == [1, 2] for snapshot in snapshots)
    with pytest.raises(TelemetryError, match="no times"):
        play("".join(calls[1090:1110]))


ROWS = ("GPU-a", "0", "00000000:01:00.0"), ("GPU-a", "1", "00000000:02:00.0")


@pytest.mark.parametrize("uuid", ["GPU-a", "N/A", "[N/A]", ""])
def test_gpus_with_one_uuid_or_none_are_distinguished_by_index(play: Any, uuid: str) -> None:
    rows = "".join(
        f"2026/04/25 12:00:{second:02d}.000, {uuid}, {index}, {second + index} %\n"
        for second in (0, 5)
        for index in (0, 1)
    )
    snapshots, _ = play("timestamp, uuid, index, fan.speed [%]\n" + rows)
    assert fans(snapshots) == [[0, 1], [5, 6]]
    assert [[gpu.index for gpu in snapshot.gpus] for snapshot in snapshots] == [[0, 1], [0, 1]]


TIMES = ("2026/04/25 12:00:00.123", "2026-04-25T12:00:00,123456789+02:00", "2026-04-25 12:00:00,123")
NAMES = ("NVIDIA T4", "Graphics Device, rev. A", "a, b, c")
POWERS = ("63.10 W", "63,10 W", "63", "[N/A]", "63,5")


@pytest.mark.parametrize(("time", "name", "power"), [*itertools.product(TIMES, NAMES, POWERS)])
def test_commas_in_times_names_and_numbers_are_read_as_they_were_meant_or_refused(
    play: Any, time: str, name: str, power: str
) -> None:
    row = f"{time}, 0, {name}, 35 %, {power}, 54\n"
    text = "timestamp, index, name, fan.speed [%], power.draw [W], temperature.gpu\n" + row
    (snapshot,), source = play(text)
    (gpu,) = snapshot.gpus
    reported = None if power == "[N/A]" else float(power.removesuffix(" W").replace(",", "."))
    assert (gpu.name, gpu.fan_speed, gpu.power, gpu.temperature) == (name, 35, reported, 54)
    assert snapshot.timestamp == pytest.approx(START + (-7200 if "+02:00" in time else 0) + 0.123, abs=1e-3)
    assert source.problem_count == 0


def test_a_row_that_fits_in_more_than_one_way_is_refused(play: Any) -> None:
    header = "index, power.draw, power.limit, fan.speed\n"
    with pytest.raises(TelemetryError, match="5 cells for 4 columns"):
        play(header + "0, 63, 5, 70, 8\n")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_logs_of_spreadsheets_with_decimal_commas_are_read(play: Any, delimiter: str) -> None:
    rows = [["index", "power.draw [W]", "fan.speed [%]"], ["0", "63,10 W", "7,5 %"], ["0", "1,234 W", "8 %"]]
    snapshots, _ = play("".join(delimiter.join(row) + "\n" for row in rows))
    assert [(s.gpus[0].power, s.gpus[0].fan_speed) for s in snapshots] == [(63.1, 7.5), (None, 8)]
    assert "thousands" in snapshots[1].gpus[0].missing["power"]


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("timestamp,gpu_index,power_w,util_gpu_pct", ("power_w", "util_gpu_pct", "--map util_gpu_pct=", "--columns")),
        ("timestamp,name,gpu_utilization", ("gpu_utilization", "--map gpu_utilization=")),
        ("index,name,pstate", ("index, name, pstate", "--columns")),
        ("timestamp, gpu_uuid, pid, process_name, used_gpu_memory [MiB]", ("--query-compute-apps", "--query-gpu=")),
    ],
)
def test_a_header_without_a_reading_is_refused_with_its_columns_and_the_remedy(
    play: Any, header: str, named: tuple[str, ...]
) -> None:
    row = ",".join("2026/04/25 12:00:00" if name == "timestamp" else "1" for name in header.split(","))
    with pytest.raises(TelemetryError) as caught:
        play(f"{header}\n{row}\n")
    assert all(text in str(caught.value) for text in named)
    assert "smi.csv:1:" in str(caught.value)


def test_columns_of_other_names_can_be_mapped_with_their_units(play: Any) -> None:
    text = "when;gpu;Power (W);mem\n2026-04-25 12:00:00;3;63,1;2\n"
    names = ("when=timestamp", "gpu=index", "Power (W)=power.draw", "mem=memory.used [GiB]")
    (snapshot,), _ = play(text, map=names)
    (gpu,) = snapshot.gpus
    assert (snapshot.timestamp, gpu.index, gpu.power, gpu.memory_used) == (START, 3, 63.1, 2 << 30)


def test_columns_that_are_passed_over_are_noted_and_those_of_nvidia_smi_are_not(play: Any) -> None:
    _, source = play("index, serial, pcie.link.gen.current, room, fan.speed [%]\n0, 1, 4, 20, 7 %\n")
    assert len(source.notices) == 1
    assert "ignored: room (" in source.notices[0]


@pytest.mark.parametrize(("last", "is_read"), [("40", False), ("4", False), ("40 W", True), ("[N/A]", True)])
def test_the_last_cell_of_a_line_without_an_end_may_be_cut_off(play: Any, last: str, is_read: bool) -> None:
    snapshots, source = play(f"index, fan.speed [%], power.draw [W]\n0, 7 %, 40\n0, 8 %, {last}")
    gpu = snapshots[1].gpus[0]
    assert (gpu.fan_speed, source.problem_count) == (8, 0 if is_read else 1)
    if not is_read:
        assert (gpu.power, gpu.missing["power"]) == (None, "the line is cut off")


def test_a_row_that_says_of_no_gpu_in_a_log_of_several_is_reported(play: Any) -> None:
    snapshots, source = play("index, fan.speed [%]\n0, 1 %\n[N/A], 2 %\n1, 3 %\n")
    assert (fans(snapshots), source.problem_count) == ([[1, 3]], 1)


def test_why_a_value_is_absent_keeps_its_text(play: Any) -> None:
    (snapshot,), _ = play("index, fan.speed [%], power.draw [W]\n0, 1 %, N/A (Secondary die)\n")
    assert snapshot.gpus[0].missing["power"] == "N/A (Secondary die)"
