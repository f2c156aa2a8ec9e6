"""Recordings of real devices: what is replayed agrees with what other tools make of the same device."""

import json
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gpurules.telemetry import TelemetryError, replay

MIB = 1 << 20
CAPTURES = (
    "linux-x86_64__nvidia-geforce-rtx-2080-super__595.71.05",
    "linux-x86_64__nvidia-geforce-rtx-4080-super__595.71.05",
    "linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01",
    "linux-x86_64__nvidia-h100-mig__590.48.01",
    "windows-x86_64__nvidia-geforce-rtx-2080-super__591.86",
)
WHOLE = tuple(capture for capture in CAPTURES if "mig" not in capture)
EXPORTED = {
    "memory_total": ("memory_total_bytes", 1),
    "memory_used": ("memory_used_bytes", 1),
    "memory_free": ("memory_free_bytes", 1),
    "memory_reserved": ("memory_reserved_bytes", 1),
    "utilization": ("utilization_gpu_ratio", 100),
    "memory_busy": ("utilization_memory_ratio", 100),
    "temperature": ("temperature_gpu", 1),
    "memory_temperature": ("temperature_memory", 1),
    "temperature_margin": ("temperature_gpu_tlimit", 1),
    "power": ("power_draw_watts", 1),
    "power_limit": ("enforced_power_limit_watts", 1),
    "clock_sm": ("clocks_current_sm_clock_hz", 1),
    "clock_memory": ("clocks_current_memory_clock_hz", 1),
    "fan_speed": ("fan_speed_ratio", 100),
    "ecc_errors": ("ecc_errors_uncorrected_volatile_total", 1),
    "process_count": ("compute_apps", 1),
    "ecc_errors_corrected": ("ecc_errors_corrected_volatile_total", 1),
    "ecc_errors_dram": ("ecc_errors_uncorrected_volatile_dram", 1),
    "ecc_errors_sram": ("ecc_errors_uncorrected_volatile_sram", 1),
    "ecc_errors_corrected_dram": ("ecc_errors_corrected_volatile_dram", 1),
    "ecc_errors_corrected_sram": ("ecc_errors_corrected_volatile_sram", 1),
    "retired_pages_single_bit": ("retired_pages_single_bit_ecc_count", 1),
    "retired_pages_double_bit": ("retired_pages_double_bit_count", 1),
    "pcie_gen": ("pcie_link_gen_gpucurrent", 1),
    "pcie_gen_max": ("pcie_link_gen_max", 1),
    "pcie_width": ("pcie_link_width_current", 1),
    "pcie_width_max": ("pcie_link_width_max", 1),
}
BRAKES = {
    "throttle_thermal": ("sw_thermal_slowdown", "hw_thermal_slowdown"),
    "throttle_power": ("sw_power_cap", "hw_power_brake_slowdown"),
    "throttled": ("sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown", "hw_slowdown"),
    "throttle_hw_slowdown": ("hw_slowdown",),
    "throttle_hw_thermal": ("hw_thermal_slowdown",),
    "throttle_hw_power_brake": ("hw_power_brake_slowdown",),
    "throttle_sw_thermal": ("sw_thermal_slowdown",),
    "throttle_sw_power_cap": ("sw_power_cap",),
    "throttle_sync_boost": ("sync_boost",),
}  # fmt: skip
ON_INSTANCES = ("memory_total", "memory_used", "memory_free", "memory_reserved", "process_count")


def phases(data: Path, capture: str) -> dict[object, object]:
    """Return the snapshots of a capture by phase."""
    source = replay(data / "nvidia_smi_captures" / f"{capture}.txt")
    found = {snapshot.labels["phase"]: snapshot for snapshot in source}
    assert source.problems == ()
    return found


def exported(data: Path, capture: str, phase: str) -> dict[str, float]:
    """Return what the exporter says, read here by hand, so that no code is checked by itself."""
    text = (data / "exporter_metrics" / f"{capture}__{phase}.metrics").read_text()
    lines = re.findall(r'^nvidia_smi_(\w+)\{uuid="[^"]*"\} (\S+)$', text, re.MULTILINE)
    return {name: float(value) for name, value in lines}


def brakes(values: dict[str, float]) -> dict[str, bool]:
    return {
        fact: any(values[f"clocks_event_reasons_{reason}"] for reason in reasons) for fact, reasons in BRAKES.items()
    }


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_capture_has_an_idle_and_a_load_phase_in_order(data, capture):
    idle, load = phases(data, capture).values()
    assert (idle.labels, load.labels) == ({"phase": "idle"}, {"phase": "load"})
    assert 0 < load.timestamp - idle.timestamp < 60


@pytest.mark.parametrize("phase", ["idle", "load"])
@pytest.mark.parametrize("capture", CAPTURES)
def test_a_capture_agrees_with_the_exporter_on_every_field(data, capture, phase):
    board = phases(data, capture)[phase].gpus[0]
    values = exported(data, capture, phase)
    compared = 0
    for attribute, (metric, scale) in EXPORTED.items():
        if "mig" in capture and attribute in ON_INSTANCES:
            continue
        expected = None if metric not in values else pytest.approx(values[metric] * scale)
        assert getattr(board, attribute) == expected, attribute
        compared += expected is not None
    assert compared >= 8
    assert {fact: getattr(board, fact) for fact in BRAKES} == brakes(values)


@pytest.mark.parametrize("phase", ["idle", "load"])
@pytest.mark.parametrize("capture", WHOLE)
def test_the_text_of_the_exporter_replays_to_the_same_facts(data, capture, phase):
    captured = phases(data, capture)[phase].gpus[0]
    (snapshot,) = replay(data / "exporter_metrics" / f"{capture}__{phase}.metrics")
    (reported,) = snapshot.gpus
    same = (*EXPORTED, *BRAKES, "index", "uuid", "name", "memory", "mig")
    assert {name: getattr(reported, name) for name in same} == {
        name: pytest.approx(value) if isinstance(value := getattr(captured, name), float) else value for name in same
    }
    assert {(p.pid, p.name, p.memory_used) for p in reported.processes} == {
        (p.pid, p.name, p.memory_used) for p in captured.processes
    }


@pytest.mark.parametrize("phase", ["idle", "load"])
def test_the_instances_of_a_partitioned_gpu_hold_its_memory_and_processes(data, phase):
    board, *instances = phases(data, CAPTURES[3])[phase].gpus
    values = exported(data, CAPTURES[3], phase)
    assert [gpu.index for gpu in instances] == ["0:0", "0:1", "0:2", "0:3"]
    assert [gpu.mig for gpu in (board, *instances)] == [False, True, True, True, True]
    assert all(getattr(board, name) is None for name in (*ON_INSTANCES, "memory"))
    rounding = len(instances) * MIB
    assert sum(gpu.memory_used for gpu in instances) == pytest.approx(values["memory_used_bytes"], abs=rounding)
    assert sum(gpu.process_count for gpu in instances) == values["compute_apps"]
    assert all(gpu.power is None and gpu.pcie_rx is None for gpu in instances)
    assert {gpu.temperature for gpu in instances} == {board.temperature}


def test_the_instances_are_known_by_the_names_of_the_driver(data):
    _, *instances = phases(data, CAPTURES[3])["load"].gpus
    assert [gpu.uuid for gpu in instances][1] == "MIG-00000001-0000-0000-0000-000000000001"
    assert [gpu.name.split(" MIG ")[1] for gpu in instances] == ["3g.40gb", "2g.20gb", "1g.10gb", "1g.10gb"]
    assert [gpu.process_count for gpu in instances] == [3, 0, 0, 0]
    assert phases(data, CAPTURES[3])["load"].gpu_count == 1


def test_pcie_traffic_is_read_from_the_second_query(data):
    board = phases(data, CAPTURES[3])["idle"].gpus[0]
    text = (data / "nvidia_smi_captures" / f"{CAPTURES[3]}.txt").read_text()
    tx, rx = (int(re.search(rf"{way} Throughput +: (\d+) KB/s", text)[1]) for way in ("Tx", "Rx"))
    assert (board.pcie_tx, board.pcie_rx) == (tx * 1024, rx * 1024)


def test_memory_of_windows_processes_is_missing_and_not_0(data):
    board = phases(data, CAPTURES[4])["load"].gpus[0]
    assert len(board.processes) == 12
    assert {process.memory_used for process in board.processes} == {None}


@pytest.mark.parametrize(
    "name", ["a100-sxm4-v12", "a10g", "gtx-1660-ti", "rtx-3090-v12", "rtx-4000-sff-ada-v13", "tesla-t4"]
)
def test_xml_of_every_schema_is_read(data, name):
    path = data / "nvidia_smi_xml" / f"{name}.xml"
    root = ElementTree.fromstring(path.read_text())

    def number(*places):
        texts = [found.text.strip() for place in places if (found := root.find(f"gpu/{place}")) is not None]
        texts = [text for text in texts if text != "N/A"]
        return float(texts[0].split()[0]) if texts else None

    (snapshot,) = replay(path)
    board = snapshot.gpus[0]
    assert snapshot.driver_version == root.findtext("driver_version")
    assert (board.uuid, board.name) == (root.findtext("gpu/uuid"), root.findtext("gpu/product_name"))
    assert board.temperature == number("temperature/gpu_temp")
    assert board.memory_temperature == number("temperature/memory_temp")
    assert board.power == number(
        "gpu_power_readings/power_draw", "gpu_power_readings/average_power_draw", "power_readings/power_draw"
    )
    assert board.power_limit == number("gpu_power_readings/current_power_limit", "power_readings/enforced_power_limit")
    assert board.clock_sm == number("clocks/sm_clock") * 1e6
    assert board.utilization == number("utilization/gpu_util")
    assert board.memory_busy == number("utilization/memory_util")
    assert board.fan_speed == number("fan_speed")
    assert board.throttled is False
    if name != "a100-sxm4-v12":
        assert board.memory_used == number("fb_memory_usage/used") * MIB
        assert board.memory_total == number("fb_memory_usage/total") * MIB
        assert board.process_count == len(root.findall("gpu/processes/process_info"))
        assert len(snapshot.gpus) == 1


def test_mig_instances_of_the_xml_stand_beside_their_parent(data):
    (snapshot,) = replay(data / "nvidia_smi_xml" / "a100-sxm4-v12.xml")
    board, *instances = snapshot.gpus
    assert [gpu.index for gpu in instances] == ["1:0", "1:1", "1:2", "1:3"]  # one of four GPUs, of minor number 1
    assert {(gpu.memory_used, gpu.memory_total) for gpu in instances} == {(12 * MIB, 19968 * MIB)}
    assert (board.memory_used, board.memory, board.process_count) == (None, None, None)
    assert len({gpu.uuid for gpu in snapshot.gpus}) == 5


def test_the_margin_is_derived_from_the_limit_where_the_driver_does_not_report_it(data):
    (snapshot,) = replay(data / "nvidia_smi_xml" / "tesla-t4.xml")
    assert snapshot.gpus[0].temperature_margin == 93 - 40


def test_the_scrape_of_dcgm_exporter_has_eight_gpus_of_one_node(data):
    (snapshot,) = replay(data / "dcgm" / "aicr_h100x8_dcgm_exporter_sampled.prom")
    assert (snapshot.host, snapshot.driver_version) == ("gpu-node-1", "580.105.08")
    assert [gpu.index for gpu in snapshot.gpus] == list(range(8))
    assert [gpu.temperature for gpu in snapshot.gpus] == [30, 29, 26, 29, 28, 26, 28, 26]
    assert snapshot.gpus[0].power == 113.611
    assert snapshot.gpus[0].labels["pod"] == "vllm-agg-0-vllmdecodeworker-s65j5"
    assert {gpu.memory_used for gpu in snapshot.gpus} == {None}
    assert {gpu.memory_busy for gpu in snapshot.gpus[:6]} == {0}
    assert {gpu.memory_busy for gpu in snapshot.gpus[6:]} == {None}


@pytest.mark.parametrize("name", ["mi100_rocm571", "mi100_rocm602", "rx6700xt_rocm612", "vega-20-WKS-GL-XE"])
def test_reports_of_rocm_smi_of_every_release_are_read(data, name):
    path = data / "rocm_smi" / f"{name}.json"
    report = json.loads(path.read_text())
    (snapshot,) = replay(path)
    cards = [report[key] for key in report if key.startswith("card")]
    assert snapshot.driver_version == report["system"]["Driver version"]
    assert len(snapshot.gpus) == len(cards)
    for gpu, card in zip(snapshot.gpus, cards):
        used, total = int(card["VRAM Total Used Memory (B)"]), int(card["VRAM Total Memory (B)"])
        assert (gpu.memory_used, gpu.memory_total, gpu.memory) == (used, total, 100 * used / total)
        assert gpu.temperature == float(card["Temperature (Sensor edge) (C)"])
        assert gpu.power == float(card["Average Graphics Package Power (W)"])
        assert gpu.clock_sm == float(card["sclk clock speed:"].strip("()Mhz")) * 1e6
        assert (gpu.vendor, gpu.name) == ("amd", card.get("Device Name") or card.get("Card series"))


def test_a_log_with_a_header_is_replayed_second_by_second(data):
    path = data / "timeseries" / "miris_gpu_log.csv"
    rows = [line.split(", ") for line in path.read_text().splitlines()[1:]]
    source = replay(path)
    snapshots = list(source)
    assert len(snapshots) == len(rows) == 107
    assert source.problem_count == 0
    for snapshot, row in zip(snapshots, rows):
        (gpu,) = snapshot.gpus
        assert gpu.utilization == int(row[3].split()[0])
        assert gpu.memory_used == int(row[6].split()[0]) * MIB
        assert gpu.temperature == int(row[7])
    assert snapshots[-1].timestamp - snapshots[0].timestamp == pytest.approx(106, abs=1)


PLATO = "timestamp,utilization.gpu,utilization.memory,memory.used,memory.free,temperature.gpu,power.draw"


def test_a_log_without_header_names_its_columns_in_the_message(data):
    with pytest.raises(TelemetryError) as caught:
        list(replay(data / "timeseries" / "plato_gpu_log.csv"))
    assert str(caught.value).endswith(f"--columns {PLATO}")


def test_a_log_without_header_is_replayed_by_its_columns(data):
    path = data / "timeseries" / "plato_gpu_log.csv"
    rows = [line.split(", ") for line in path.read_text().splitlines()]
    snapshots = list(replay(path, columns=PLATO))
    assert len(snapshots) == len(rows) == 1923
    for snapshot, row in zip(snapshots, rows):
        (gpu,) = snapshot.gpus
        used, free = (int(cell.split()[0]) for cell in row[3:5])
        assert gpu.memory == pytest.approx(100 * used / (used + free))
        assert gpu.power == float(row[6].split()[0])
    assert all(before.timestamp < after.timestamp for before, after in pairwise(snapshots))
