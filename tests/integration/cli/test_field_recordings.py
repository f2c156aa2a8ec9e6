"""Recordings as people have them, where they are at hand: each is read right, or refused with the remedy."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpurules.model import Snapshot
from gpurules.telemetry import Replay, replay

MIB = 1 << 20


def played(path: Path, **options: Any) -> tuple[list[Snapshot], Replay]:
    source = replay(path, **options)
    return list(source), source


def values(snapshots: list[Snapshot], *names: str) -> list[list[tuple[Any, ...]]]:
    return [[tuple(getattr(gpu, name) for name in names) for gpu in snapshot.gpus] for snapshot in snapshots]


def test_02_a_recording_that_is_cut_off_is_an_error_and_record_ends(field: Path, gpurules: Any) -> None:
    done = gpurules("record", "--source", f"replay:{field}/02-record-hangs-on-unreadable-recording.xml")
    assert (done.code, done.out) == (2, "")
    assert "cut off" in done.err


def test_02_reports_of_rocm_smi_one_after_the_other_are_read(field: Path) -> None:
    snapshots, _ = played(field / "02-record-hangs-on-unreadable-recording-2.json")
    assert (
        values(snapshots, "utilization", "memory_used", "memory_total", "name")
        == [[(0, 27856896, 21458059264, "Radeon RX 7900 XT")]] * 2
    )


def test_07_a_counter_is_not_a_share(field: Path) -> None:
    (snapshot,), _ = played(field / "07-rocm-memory-activity-counter.json")
    (gpu,) = snapshot.gpus
    assert gpu.memory_busy is None
    assert "Memory Activity" in gpu.missing["memory_busy"]
    reported = (gpu.utilization, gpu.temperature, gpu.memory_temperature, gpu.power, gpu.power_limit)
    assert reported == (100, 45, 49, 128, 560)
    assert (gpu.clock_sm, gpu.clock_memory, gpu.labels["pci_bus_id"]) == (1.7e9, 1.6e9, "0000:C9:00.0")


def test_11_warnings_between_documents_cost_no_document(field: Path) -> None:
    snapshots, source = played(field / "11a-xml-log-with-warning-between.xml")
    assert [snapshot.timestamp - snapshots[0].timestamp for snapshot in snapshots] == [0, 5, 10]
    assert values(snapshots, "temperature", "memory_used", "power") == [[(42, 121634816, 11.6)]] * 3
    assert source.problem_count > 0


def test_11_a_document_that_is_cut_off_costs_itself(field: Path) -> None:
    snapshots, source = played(field / "11b-xml-truncated-then-good.xml")
    assert [snapshot.timestamp - snapshots[0].timestamp for snapshot in snapshots] == [0, 10]
    assert source.problem_count >= 1


def test_11_a_warning_before_the_document_costs_nothing(field: Path) -> None:
    snapshots, _ = played(field / "11c-xml-after-warning-line.xml")
    assert values(snapshots, "temperature", "memory_used", "power") == [[(42, 121634816, 11.6)]]
    assert snapshots[0].timestamp == 1740927722


def test_12_what_record_and_lint_leave_out_is_reported(field: Path, gpurules: Any) -> None:
    path = field / "12-record-silent-about-dropped-lines.csv"
    for arguments in (("record", "--source", f"replay:{path}"), ("lint", "gpurules:thermal", "--history", path)):
        done = gpurules(*arguments)
        assert [f".csv:{line}:" in done.err for line in range(4, 11)] == [False, True, True, True, True, True, False]
    snapshots, _ = played(path)
    assert values(snapshots, "status") == [[("ok",)], [("degraded",)], [("lost",)], [("ok",)]]


def test_13_the_hour_that_comes_twice_is_read_as_it_was(field: Path, gpurules: Any) -> None:
    path = field / "13-dst-fall-back.csv"
    snapshots, source = played(path, timezone="Europe/Berlin")
    assert [snapshot.timestamp for snapshot in snapshots] == [1761440390, 1761440395, 1761440400, 1761440405]
    assert values(snapshots, "utilization") == [[(10,)], [(11,)], [(12,)], [(13,)]]
    assert len(source.notices) == 1
    done = gpurules("run", "gpurules:thermal", "--source", f"replay:{path}", "--timezone", "Europe/Berlin")
    assert "4 snapshots" in done.out


@pytest.mark.parametrize(("name", "busy"), [("16-rocm-json-after-warning", 0), ("16-rocm-json-after-warning-2", 3)])
def test_16_a_warning_before_json_costs_nothing(field: Path, name: str, busy: float) -> None:
    snapshots, source = played(field / f"{name}.json")
    assert values(snapshots, "memory_used", "memory_total", "utilization") == [[(27856896, 21458059264, busy)]]
    assert source.problem_count == 1


def test_22_one_gpu_of_four_has_its_own_index(field: Path) -> None:
    (snapshot,), _ = played(field / "22-subset-of-gpus-index.xml")
    assert values([snapshot], "index", "temperature", "memory_used", "memory_total") == [[(3, 33, 0, 2095054848)]]


def test_04_labels_of_pods_hide_no_scrape(field: Path) -> None:
    snapshots, _ = played(field / "04-dcgm-pod-label-change.prom")
    assert values(snapshots, "temperature", "utilization") == [[(40, 0)], [(41, 1)], [(70, 99)], [(71, 98)], [(50, 0)]]
    pods = [{key: value for key, value in s.gpus[0].labels.items() if key != "pci_bus_id"} for s in snapshots]
    assert pods == [{}, {}, *[{"pod": "train-1", "container": "c", "namespace": "ns"}] * 2, {}]


def test_05_several_nodes_in_one_text_are_refused_or_chosen(field: Path, gpurules: Any) -> None:
    path = field / "05-prometheus-federate-several-nodes.prom"
    for arguments in (("snapshot",), ("run", "gpurules:thermal"), ("record",)):
        done = gpurules(*arguments, "--source", f"replay:{path}")
        assert done.code == 2
        assert "several nodes (node-a, node-b)" in done.err
        assert "--node" in done.err
    for node, temperature, used, free in (("node-a", 40, 1000, 80000), ("node-b", 60, 70000, 11000)):
        snapshots, _ = played(path, node=node)
        assert values(snapshots, "temperature", "memory_used", "memory_free") == [
            [(temperature, used * MIB, free * MIB)]
        ]
        assert [snapshot.host for snapshot in snapshots] == [node]


def test_06_a_utilization_beyond_100_is_missing(field: Path) -> None:
    (snapshot,), _ = played(field / "06-dcgm-util-beyond-100.prom")
    assert values([snapshot], "utilization", "temperature") == [[(None, 41), (None, 43)]]
    assert all("utilization" in gpu.missing for gpu in snapshot.gpus)


def test_08_times_of_openmetrics_are_seconds(field: Path) -> None:
    snapshots, _ = played(field / "08-openmetrics-seconds.prom")
    assert [snapshot.timestamp for snapshot in snapshots] == [1700000000, 1700000015, 1700000030]
    assert values(snapshots, "temperature") == [[(40,)], [(41,)], [(42,)]]


def test_09_a_whole_page_of_an_exporter_is_read(field: Path, gpurules: Any) -> None:
    path = field / "09-nvidia-gpu-exporter-whole-scrape.metrics"
    (snapshot,), _ = played(path)
    assert values([snapshot], "name", "utilization", "memory_total") == [
        [("NVIDIA GeForce RTX 2080 SUPER", 35, 8589934592)]
    ]
    assert snapshot.driver_version == "471.11"
    assert gpurules("lint", "gpurules:thermal", "--history", path).code == 0


def test_18_names_in_lower_case_are_read(field: Path) -> None:
    (snapshot,), _ = played(field / "18-dcgm-lower-case-names.prom")
    assert values([snapshot], "index", "utilization", "memory_used")[0][1] == ("0:1", 25, 1 << 30)


def test_23_a_series_of_the_board_takes_nothing_from_its_instances(field: Path) -> None:
    (snapshot,), _ = played(field / "23-dcgm-mig-plus-board-series.prom")
    assert values([snapshot], "index", "clock_sm") == [[(0, 1.785e9), ("0:7", 1.785e9), ("0:8", 1.785e9)]]
    assert [gpu.memory_used for gpu in snapshot.gpus] == [None, 12 * MIB, 9012 * MIB]
    assert not any({"clock_event", "window_size_in_ms"} & set(gpu.labels) for gpu in snapshot.gpus)


LMS = (0.491, 0.497, 0.504, 0.519, 0.525, 0.532, 0.621, 0.630)


def test_01_a_log_of_one_gpu_at_a_millisecond_is_read_with_a_notice(field: Path, gpurules: Any) -> None:
    path = field / "01a-lms-log-without-index.csv"
    snapshots, _ = played(path)
    assert [snapshot.timestamp - 1692883771 for snapshot in snapshots] == pytest.approx(LMS, abs=1e-6)
    reported = values(
        snapshots, "utilization", "power", "temperature", "memory_temperature", "clock_sm", "clock_memory"
    )
    powers = [52.38] * 2 + [55.26] * 4 + [58.19] * 2
    assert reported == [
        [(5 if n < 6 else 1, power, 31, 46 if n == 6 else 47, 1.755e9, 1.593e9)] for n, power in enumerate(powers)
    ]
    for arguments in (("record",), ("snapshot",), ("run", "gpurules:thermal")):
        done = gpurules(*arguments, "--source", f"replay:{path}")
        assert (done.code, "a single GPU" in done.err) == (0, True)
    assert "a single GPU" in gpurules("lint", "gpurules:thermal", "--history", path).err


def test_01_a_log_of_several_gpus_names_the_missing_column(field: Path, gpurules: Any) -> None:
    path = field / "01b-several-gpus-without-index.csv"
    done = gpurules("record", "--source", f"replay:{path}")
    assert (done.code, done.out) == (2, "")
    assert "add index to --query-gpu" in done.err
    assert gpurules("record", "--source", f"replay:{path}", "--gpus", "3").code == 0
    snapshots, _ = played(path, gpus=3)
    assert (
        values(snapshots, "temperature", "utilization", "memory_used")
        == [[(50 + n, 90 + n, (9000 + n) * MIB) for n in range(3)]] * 2
    )
    assert [snapshot.timestamp - 1614589200 for snapshot in snapshots] == pytest.approx([0.1, 5.1], abs=1e-6)


def test_01_a_header_at_each_poll_says_which_rows_belong_together(field: Path) -> None:
    snapshots, _ = played(field / "01c-header-per-poll-without-index.csv")
    assert values(snapshots, "power", "utilization", "memory_busy") == [
        [(50, 10, 1), (250, 97, 40)],
        [(51, 11, 1), (251, 98, 41)],
    ]


def test_03_a_decimal_comma_shifts_no_cells(field: Path) -> None:
    (snapshot,), _ = played(field / "03a-surplus-cell-goes-to-name.csv")
    assert values([snapshot], "name", "utilization", "power", "temperature") == [[("NVIDIA T4", 35, 63.1, 54)]]


def test_03_times_with_a_decimal_comma_are_one_cell(field: Path) -> None:
    snapshots, _ = played(field / "03b-iso-8601-ns-timestamps.csv")
    start = 1714550400
    assert [s.timestamp - start for s in snapshots] == pytest.approx([0.123456789, 0.325456789], abs=1e-6)
    assert values(snapshots, "utilization", "memory_busy", "memory_used", "power") == [
        [(35, 12, 4021 * MIB, 63.1)],
        [(36, 12, 4021 * MIB, 64.2)],
    ]
    snapshots, _ = played(field / "03b-iso-8601-ns-timestamps-2.csv")
    assert [s.timestamp - start for s in snapshots] == pytest.approx([0.123456789, 5.325456789], abs=1e-6)
    assert values(snapshots, "name", "utilization", "memory_used", "power") == [
        [("Tesla T4", 35, 4021 * MIB, 63.1)],
        [("Tesla T4", 36, 4021 * MIB, 64.2)],
    ]


REFUSED = {
    "10a-header-without-any-figure-compute-apps.csv": ("--query-compute-apps", "--query-gpu"),
    "10b-header-without-any-figure-renamed.csv": ("power_w", "util_gpu_pct", "mem_used_mib", "--columns", "--map"),
    "10b-header-without-any-figure-renamed-2.csv": ("gpu_utilization", "gpu_memory_used", "--columns", "--map"),
    "10b-header-without-any-figure-renamed-3.csv": ("gpu_power_w", "--columns", "--map"),
    "20-unsupported-logs-not-named.txt": ("nvidia-smi dmon", "--query-gpu=timestamp,index,", "-l 5"),
    "20-unsupported-logs-not-named-2.txt": ("nvidia-smi pmon", "--query-gpu=timestamp,index,", "-l 5"),
    "20-unsupported-logs-not-named-3.txt": ("table of nvidia-smi", "--query-gpu=timestamp,index,", "-l 5"),
    "20-unsupported-logs-not-named-4.csv": ("rocm-smi --csv", "--json"),
    "21-headerless-csv-without-time.csv": ("no header", "--columns"),
    "21-headerless-csv-without-time-2.csv": ("no header", "--columns"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_named_with_the_remedy_by_every_command(field: Path, gpurules: Any, name: str) -> None:
    path = field / name
    for arguments in (
        ("snapshot", "--source", f"replay:{path}"),
        ("record", "--source", f"replay:{path}"),
        ("run", "gpurules:thermal", "--source", f"replay:{path}"),
        ("lint", "gpurules:thermal", "--history", path),
        ("diff", "gpurules:thermal", "gpurules:thermal", "--history", path),
    ):
        done = gpurules(*arguments)
        assert (done.code, [text for text in REFUSED[name] if text not in done.err]) == (2, [])


def test_10_columns_can_be_given_their_names(field: Path) -> None:
    maps = ("power_w=power.draw", "util_gpu_pct=utilization.gpu", "util_mem_pct=utilization.memory",
            "mem_used_mib=memory.used")  # fmt: skip
    snapshots, _ = played(field / "10b-header-without-any-figure-renamed.csv", map=maps)
    assert values(snapshots, "power", "utilization", "memory_busy", "memory_used")[0] == [(310.11, 99, 50, 70000 * MIB)]


def test_14_gpus_with_one_uuid_or_none_are_two(field: Path, gpurules: Any, tmp_path: Path) -> None:
    for name in ("14-amd-partitions-same-uuid-amd-smi", "14-amd-partitions-same-uuid-amd-smi-2"):
        program = tmp_path / name
        program.write_bytes((field / name).read_bytes())
        program.chmod(0o755)
        done = gpurules("snapshot", "--source", f"amd:binary={program}", "--format", "json")
        reported = [
            (gpu["index"], gpu.get("utilization"), gpu.get("temperature"), gpu.get("power"), gpu["memory_used"] // MIB)
            for gpu in json.loads(done.out)["gpus"]
        ]
        assert reported == [(0, 12, 46, 140, 285), (1, None, None, None, 10)], done.err


def test_17_bytes_that_are_not_utf_8_cost_the_name_they_stand_in(field: Path) -> None:
    (snapshot,), _ = played(field / "17-process-name-bytes.xml")
    assert values([snapshot], "memory_used", "memory_total", "temperature", "power", "process_count") == [
        [(1182793728, 10737418240, 31, 22.78, 5)]
    ]


def test_19_a_compressed_log_is_read(field: Path) -> None:
    snapshots, source = played(field / "19-compressed-and-utf16-without-bom.csv.gz")
    assert (len(snapshots) > 100, source.problem_count) == (True, 0)


def test_19_utf_16_without_a_mark_is_read(field: Path) -> None:
    snapshots, source = played(field / "19-compressed-and-utf16-without-bom-2.csv")
    assert source.problem_count == 0
    assert values(snapshots, "power", "utilization")[:3] == [[(60, 0)], [(61, 1)], [(62, 2)]]


def test_20_a_report_of_amd_smi_is_read(field: Path) -> None:
    (snapshot,), _ = played(field / "20-unsupported-logs-not-named-5.json")
    assert values([snapshot], "index", "vendor", "utilization", "memory_busy") == [[(0, "amd", 42, 1)]]
