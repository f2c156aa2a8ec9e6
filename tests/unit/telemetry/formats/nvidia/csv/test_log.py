"""nvidia-smi CSV logs in all their shapes."""

import pytest

from gpurules.telemetry import TelemetryError, replay
from gpurules.telemetry.formats.nvidia.query_fields import gpu_from_cells, query_name

MIB = 1 << 20
NOON = 1_777_118_400.0  # 2026-04-25 12:00:00 UTC


@pytest.fixture
def play(tmp_path):
    def player(text, **options):
        path = tmp_path / "gpu.csv"
        path.write_text(text)
        source = replay(path, **options)
        return list(source), source

    return player


def gpu(play, text, **options):
    (snapshot,), _ = play(text, **options)
    (found,) = snapshot.gpus
    return found


HEADER = "timestamp, index, memory.used [MiB], memory.total [MiB], power.draw [W]\n"


def test_units_stand_in_the_cells(play):
    found = gpu(play, HEADER + "2026/04/25 12:00:00.000, 0, 59 MiB, 81559 MiB, 653.21 W\n")
    assert (found.memory_used, found.memory_total, found.power) == (59 * MIB, 81559 * MIB, 653.21)


def test_units_stand_in_the_header_alone(play):
    found = gpu(play, HEADER.replace("[MiB]", "[GiB]") + "2026/04/25 12:00:00.000, 0, 2, 80, 653.21\n")
    assert (found.memory_used, found.memory_total, found.power) == (2 << 30, 80 << 30, 653.21)


def test_without_header_and_units_the_columns_are_given(play):
    found = gpu(play, "3, 59, 81559, 653.21\n", columns="index,memory.used,memory.total,power.draw")
    assert (found.index, found.memory_used, found.power) == (3, 59 * MIB, 653.21)


def test_memory_is_used_over_total_and_never_the_controller(play):
    found = gpu(play, "utilization.memory [%], memory.used [MiB], memory.total [MiB]\n23 %, 3640 MiB, 100000 MiB\n")
    assert (found.memory, found.memory_busy) == (3.64, 23)


def test_without_a_total_memory_is_the_share_of_used_and_free(play):
    found = gpu(play, "memory.used [MiB], memory.free [MiB]\n573 MiB, 19575 MiB\n")
    assert found.memory == pytest.approx(100 * 573 / 20148)
    assert found.memory_total is None


@pytest.mark.parametrize(
    "word",
    [
        "[N/A]", "N/A", "n/a", "[Not Supported]", "Not Supported", "[Unknown Error]", "[GPU requires reset]", "ERR!",
        "", "[Insufficient Permissions]", "[GPU is lost]", "[Requested functionality has been deprecated]",
        "[Something new]", "-", "nan", "inf", "1e999", "55 C", "55 parsecs", "0x10", "1_5", "-3 W", "٣",
    ],
)  # fmt: skip
def test_a_cell_without_a_value_is_missing_and_never_0(play, word):
    found = gpu(play, f"index, power.draw [W], temperature.gpu\n0, {word}, 40\n")
    assert found.power is None
    assert found.missing["power"]
    assert found.temperature == 40


def test_a_lost_gpu_is_unhealthy_and_knows_nothing(play):
    found = gpu(play, "index, uuid, utilization.gpu [%], power.draw [W]\n1, GPU-a, [GPU is lost], [GPU is lost]\n")
    assert (found.status, found.healthy, found.is_lost) == ("lost", False, True)
    assert (found.utilization, found.power, found.uuid) == (None, None, "GPU-a")


def test_a_gpu_of_which_every_number_fails_is_lost(play):
    assert gpu(play, "index, utilization.gpu [%], power.draw [W]\n1, [Unknown Error], ERR!\n").status == "lost"


def test_a_gpu_of_which_one_number_fails_is_degraded(play):
    found = gpu(play, "index, utilization.gpu [%], power.draw [W]\n1, 5 %, [GPU requires reset]\n")
    assert (found.status, found.healthy) == ("degraded", True)


def test_what_a_device_does_not_offer_does_not_degrade_it(play):
    assert gpu(play, "index, utilization.gpu [%], fan.speed [%]\n1, 5 %, [N/A]\n").status == "ok"


def test_a_name_with_commas_is_put_together(play):
    found = gpu(play, "index, name, temperature.gpu\n0, Graphics Device, rev. A, engineering, 40\n")
    assert (found.name, found.temperature) == ("Graphics Device, rev. A, engineering", 40)


def test_quoted_cells_as_spreadsheets_save_them_are_read(play):
    found = gpu(play, '"index","name","temperature.gpu"\n"0","Graphics Device, rev. A","40"\n')
    assert (found.name, found.temperature) == ("Graphics Device, rev. A", 40)


def test_rows_of_several_gpus_are_one_snapshot(play):
    rows = [
        f"2026/04/25 12:00:{second:02d}.{10 * index:03d}, {index}, {index} MiB, 100 MiB, 5 W\n"
        for second in (0, 1, 2)
        for index in (0, 1, 2)
    ]
    snapshots, _ = play(HEADER + "".join(rows))
    assert [snapshot.timestamp for snapshot in snapshots] == [NOON, NOON + 1, NOON + 2]
    assert [[gpu.index for gpu in snapshot.gpus] for snapshot in snapshots] == [[0, 1, 2]] * 3


def test_a_gpu_that_drops_out_does_not_shift_the_others(play):
    rows = "2026/04/25 12:00:00.000, 0, 1 MiB, 9 MiB, 5 W\n2026/04/25 12:00:05.000, 1, 1 MiB, 9 MiB, 5 W\n"
    snapshots, _ = play(HEADER + rows)
    assert [[gpu.index for gpu in snapshot.gpus] for snapshot in snapshots] == [[0], [1]]


def test_a_log_that_names_no_gpu_is_never_grouped_by_the_time(play):
    text = (
        "timestamp, power.draw [W]\n2026/04/25 12:00:00.000, 5 W\n2026/04/25 12:00:00.002, 6 W\n"
        "2026/04/25 12:00:01.000, 7 W\n2026/04/25 12:00:01.002, 8 W\n"
    )
    with pytest.raises(TelemetryError, match=r"bursts of 2; add index to --query-gpu.*--gpus N"):
        play(text)
    snapshots, _ = play(text, gpus=2)
    assert [[gpu.power for gpu in snapshot.gpus] for snapshot in snapshots] == [[5, 6], [7, 8]]
    snapshots, _ = play(text, single_gpu=True)
    assert [[gpu.power for gpu in snapshot.gpus] for snapshot in snapshots] == [[5], [6], [7], [8]]


def test_without_times_a_gpu_that_comes_again_begins_a_snapshot(play):
    snapshots, _ = play("index, power.draw [W]\n0, 1 W\n1, 2 W\n0, 3 W\n1, 4 W\n", interval=3)
    assert [(snapshot.timestamp, len(snapshot.gpus)) for snapshot in snapshots] == [(0, 2), (3, 2)]


def test_times_are_local_to_the_recorder(play):
    row = "2026/04/25 12:00:00.500, 0, 1 MiB, 9 MiB, 5 W\n"
    (snapshot,), _ = play(HEADER + row, timezone="Europe/Berlin")
    assert snapshot.timestamp == NOON - 7200 + 0.5


def test_a_header_that_comes_again_is_no_row(play):
    row = "2026/04/25 12:00:00.000, 0, 1 MiB, 9 MiB, 5 W\n"
    snapshots, source = play(HEADER + row + HEADER + row.replace("12:00:00", "12:00:05"))
    assert (len(snapshots), source.problem_count) == (2, 0)


def test_torn_rows_and_messages_are_counted_problems(play):
    row = "2026/04/25 12:00:00.000, 0, 1 MiB, 9 MiB, 5 W\n"
    text = HEADER + row + "Unable to determine the device handle: GPU is lost\n" + "2026/04/25 12:00:05.000, 0, 1 M"
    snapshots, source = play(text)
    assert (len(snapshots), source.problem_count) == (1, 2)
    assert ":3: 1 cells for 5 columns" in source.problems[0]


def test_a_row_without_a_time_is_a_problem(play):
    with pytest.raises(TelemetryError, match=":2: not a time: 'yesterday'"):
        play(HEADER + "yesterday, 0, 1 MiB, 9 MiB, 5 W\n")


def test_without_header_the_message_shows_the_row_and_proposes_columns(play):
    text = (
        "2026/04/25 12:00:00.000, 0, NVIDIA A10, 7 %, 3 %, 500 MiB, 24000 MiB, 41, 60.5 W\n"
        "2026/04/25 12:00:01.000, 0, NVIDIA A10, 7 %, 3 %, 900 MiB, 24000 MiB, 41, 60.5 W\n"
    )
    with pytest.raises(TelemetryError) as caught:
        play(text)
    assert "'2026/04/25 12:00:00.000, 0, NVIDIA A10" in str(caught.value)
    assert str(caught.value).endswith(
        "--columns timestamp,index,name,utilization.gpu,utilization.memory,memory.used,memory.total,temperature.gpu,"
        "power.draw"
    )


def test_the_proposed_columns_read_the_log(play):
    text = "2026/04/25 12:00:00.000, 0 %, 2 MiB, 98 MiB\n2026/04/25 12:00:01.000, 0 %, 12 MiB, 88 MiB\n"
    with pytest.raises(TelemetryError) as caught:
        play(text)
    columns = str(caught.value).split("--columns ")[1]
    assert columns == "timestamp,utilization.gpu,memory.used,memory.free"
    assert [snapshot.gpus[0].memory for snapshot in play(text, columns=columns)[0]] == [2, 12]


def test_columns_that_name_nothing_are_refused(play):
    with pytest.raises(TelemetryError, match="columns 'a,b' name no reading of nvidia-smi"):
        play("1, 2\n", columns="a,b")


def test_a_column_can_be_passed_over(play):
    assert gpu(play, "what, 40\n", columns="-,temperature.gpu").temperature == 40


REASONS = (
    "index, clocks_event_reasons.sw_power_cap, clocks_event_reasons.hw_slowdown, "
    "clocks_event_reasons.hw_thermal_slowdown, clocks_event_reasons.hw_power_brake_slowdown, "
    "clocks_event_reasons.sw_thermal_slowdown\n"
)


@pytest.mark.parametrize(
    ("active", "expected"),
    [
        ((), (False, False, False)),
        ((0,), (False, False, True)),
        ((1,), (True, False, False)),
        ((2,), (True, True, False)),
        ((3,), (True, False, True)),
        ((4,), (True, True, False)),
    ],
)
def test_brakes_are_derived_from_the_reasons(play, active, expected):
    cells = ["Active" if at in active else "Not Active" for at in range(5)]
    found = gpu(play, REASONS + f"0, {', '.join(cells)}\n")
    assert (found.throttled, found.throttle_thermal, found.throttle_power) == expected


def test_brakes_are_derived_from_the_bitmask_of_old_drivers(play):
    found = gpu(play, "index, clocks_throttle_reasons.active\n0, 0x0000000000000040\n")
    assert (found.throttled, found.throttle_thermal, found.throttle_power) == (True, True, False)
    idle = gpu(play, "index, clocks_throttle_reasons.active\n0, 0x0000000000000001\n")
    assert (idle.throttled, idle.throttle_thermal, idle.throttle_power) == (False, False, False)


def test_brakes_of_a_device_that_does_not_report_them_are_missing(play):
    found = gpu(play, "index, clocks_throttle_reasons.active\n0, [N/A]\n")
    assert (found.throttled, found.missing["throttled"]) == (None, "n/a")


@pytest.mark.parametrize(
    ("slowdown", "thermal", "power", "throttled"),
    [
        ("Not Active", False, False, False),
        ("Active", None, None, True),
        ("[N/A]", None, None, None),
    ],
)
def test_hw_slowdown_implies_its_causes_only_where_it_is_absent(slowdown, thermal, power, throttled):
    """nvmlClocksEventReasonHwSlowdown: heat, a power brake, too high a draw, or a change of clocks."""
    prefix = "clocks_throttle_reasons."
    cells = {query_name(prefix + name): text for name, text in (
        ("hw_slowdown", slowdown), ("sw_thermal_slowdown", "Not Active"), ("sw_power_cap", "Not Active")
    )}  # fmt: skip
    gpu = gpu_from_cells({"index": "0", **cells})
    assert (gpu.throttle_thermal, gpu.throttle_power, gpu.throttled) == (thermal, power, throttled)
    assert ("cause is not reported" in gpu.missing.get("throttle_thermal", "")) is (slowdown == "Active")


def test_a_cause_that_the_driver_reports_wins_over_what_is_implied():
    cells = {
        "clocks_event_reasons.hw_slowdown": "Not Active",
        "clocks_event_reasons.hw_thermal_slowdown": "Active",
        "clocks_event_reasons.hw_power_brake_slowdown": "Not Active",
    }
    assert gpu_from_cells({"index": "0", **cells}).throttle_thermal is True
