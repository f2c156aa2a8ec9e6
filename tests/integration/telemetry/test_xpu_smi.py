"""xpu-smi, played by a script that prints what releases 1.x and 2.x print."""

import json
import stat
import time

import pytest

from gpurules.engine import Engine
from gpurules.rules import loads
from gpurules.telemetry import TelemetryError, TelemetryTimeout, TelemetryUnavailable, open_source

DISCOVERY = {
    "device_list": [
        {
            "device_function_type": "physical", "device_id": number, "device_name": "Intel(R) Data Center GPU Max 1550",
            "pci_bdf_address": address, "uuid": f"uuid-{number}", "vendor_name": "Intel(R) Corporation",
        }
        for number, address in ((0, "0000:29:00.0"), (1, "0000:9a:00.0"))
    ]
}  # fmt: skip
DETAIL = {"device_id": 0, "driver_version": "I915_23.10.32", "memory_physical_size_byte": 400 << 20}


def figures(**values):
    return [{"metrics_type": f"XPUM_STATS_{name.upper()}", "value": value} for name, value in values.items()]


WHOLE = {
    "device_id": 0,
    "device_level": figures(
        power=281.13, gpu_frequency=1600, gpu_core_temperature=35.5, memory_temperature=31.5, memory_used=100.0,
        memory_utilization=25.0, gpu_utilization=97, memory_bandwidth=3,
    ),
}  # fmt: skip
OF_TILES = {
    "device_id": 1,
    "device_level": figures(power=286.5),
    "tile_level": [
        {"tile_id": 0, "data_list": figures(power=140, gpu_utilization=50, gpu_core_temperature=40, memory_used=10)},
        {"tile_id": 1, "data_list": figures(power=141, gpu_utilization=100, gpu_core_temperature=60, memory_used=30)},
    ],
}


@pytest.fixture
def smi(tmp_path):
    """Write an xpu-smi that prints the given reports; open the source that runs it."""

    def write(body='cat "$here/$1-$3"', discovery=DISCOVERY, stats=(WHOLE, OF_TILES), detail=DETAIL, **options):
        binary = tmp_path / "xpu-smi"
        binary.write_text(f'#!/bin/sh\nhere={tmp_path}\necho "$*" >> $here/runs\n{body}\n')
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
        (tmp_path / "discovery-").write_text(json.dumps(discovery, indent=4))
        for number, report in enumerate(stats):
            (tmp_path / f"discovery-{number}").write_text(json.dumps(detail))
            (tmp_path / f"stats-{number}").write_text(report if isinstance(report, str) else json.dumps(report))
        source = open_source("xpu-smi", binary=str(binary), **{"timeout": 5, **options})
        opened.append(source)
        return source

    opened = []
    yield write
    for source in opened:
        source.close()


def test_facts_are_in_canonical_units(smi):
    snapshot = smi().read()
    gpu = snapshot.gpus[0]
    assert snapshot.driver_version == "I915_23.10.32"
    assert (gpu.index, gpu.uuid, gpu.name, gpu.vendor) == (0, "uuid-0", "Intel(R) Data Center GPU Max 1550", "intel")
    assert (gpu.power, gpu.clock_sm, gpu.temperature, gpu.memory_temperature) == (281.13, 1_600_000_000, 35.5, 31.5)
    assert (gpu.memory_used, gpu.memory_total, gpu.memory, gpu.utilization) == (100 << 20, 400 << 20, 25.0, 97)
    assert dict(gpu.labels) == {"pci_bus_id": "0000:29:00.0"}


def test_tiles_become_one_gpu(smi):
    gpu = smi().read().gpus[1]
    assert (gpu.power, gpu.utilization, gpu.temperature, gpu.memory_used) == (286.5, 75, 60, 40 << 20)


def test_a_sum_over_tiles_is_missing_where_one_reports_nothing(smi):
    tiles = [
        {"tile_id": 0, "data_list": figures(power=140, gpu_core_temperature="N/A")},
        {"tile_id": 1, "data_list": figures(power="N/A", gpu_core_temperature=60)},
    ]
    gpu = smi(stats=(WHOLE, {"device_id": 1, "tile_level": tiles})).read().gpus[1]
    assert (gpu.power, gpu.temperature, gpu.missing["power"]) == (None, None, "n/a")


def test_release_2_is_read_by_tile(smi):
    by_tile = lambda current: {"tile_0": {"avg": 1.0, "min": 0.5, "max": 9.0, "current": current}}  # noqa: E731
    stats = {
        "device_index": 0, "pci_bdf": "0000:51:00.0", "power": {"gpu_power_w": by_tile(6.7), "energy_consumed_j": 1.6},
        "memory": {"used_mib": by_tile(29582.5), "util_percent": by_tile(90.5)},
    }  # fmt: skip
    gpu = smi(stats=(stats, stats), detail={"memory_physical_size_byte": 34242297856}).read().gpus[0]
    assert (gpu.power, gpu.memory_used, gpu.utilization) == (6.7, 31_019_499_520, None)
    assert "not reported" in gpu.missing["utilization"]


@pytest.mark.parametrize("value", ["N/A", None, "", "[N/A]", "nan", [], {}, True])
def test_what_is_not_there_is_missing_and_never_0(smi, value):
    stats = {"device_id": 0, "device_level": figures(power=value, gpu_utilization=value, memory_used=value)}
    gpu = smi(stats=(stats, stats), detail={"memory_physical_size_byte": value}).read().gpus[0]
    assert (gpu.power, gpu.utilization, gpu.memory_used, gpu.memory_total, gpu.memory) == (None,) * 5
    assert {"power", "utilization", "memory_used", "memory_total"} <= set(gpu.missing)
    assert not gpu.is_lost


def test_used_memory_beyond_the_size_is_missing(smi):
    stats = {"device_id": 0, "device_level": figures(memory_used=1 << 30, memory_utilization=25.0)}  # bytes, not MiB
    gpu = smi(stats=(stats, stats)).read().gpus[0]
    assert (gpu.memory_used, gpu.memory, gpu.missing["memory_used"][:23]) == (
        None,
        25,
        "larger than the memory:",
    )


def test_a_gpu_that_is_gone_is_lost_and_all_are_listed_again(smi, tmp_path):
    source = smi(stats=(WHOLE, {"error": "device not found", "errno": 6}))
    gpus = source.read().gpus
    assert [gpu.is_lost for gpu in gpus] == [False, True]
    assert (gpus[1].uuid, gpus[1].power, gpus[1].missing["power"]) == ("uuid-1", None, "device not found")
    (tmp_path / "discovery-").write_text(json.dumps({"device_list": DISCOVERY["device_list"][:1]}))
    gpus = source.read().gpus
    assert [(gpu.uuid, gpu.is_lost) for gpu in gpus] == [("uuid-0", False), ("uuid-1", True)]


def test_who_the_gpus_are_is_asked_once(smi, tmp_path):
    source = smi()
    source.read()
    source.read()
    runs = (tmp_path / "runs").read_text().splitlines()
    assert runs == ["discovery -j", "discovery -d 0 -j", "discovery -d 1 -j", *["stats -d 0 -j", "stats -d 1 -j"] * 2]


@pytest.mark.parametrize("said", ["No device discovered", '{"device_list": []}', '{"error": "No device discovered"}'])
def test_no_gpu_is_a_snapshot_without_one(smi, said):
    assert smi(f"echo '{said}'").read().gpus == ()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('{"error": "Level Zero Initialization Error", "errno": 3}', "Level Zero Initialization Error; is the driver"),
        ("Segmentation fault", "Segmentation fault; is the driver"),
        ("[1, 2]", "is the driver"),
        ("{torn", "is the driver"),
    ],
)
def test_a_driver_that_fails_is_an_error_with_a_remedy(smi, said, message):
    with pytest.raises(TelemetryError, match=message):
        smi(f"echo '{said}'; exit 1").read()


def test_a_driver_that_fails_later_is_an_error_and_no_idle_gpu(smi):
    source = smi(stats=(WHOLE, {"error": "Level Zero Initialization Error"}))
    with pytest.raises(TelemetryError, match="is the driver"):
        source.read()


def test_lines_around_the_json_cost_nothing(smi):
    assert smi('echo "WARNING: old firmware"; cat "$here/$1-$3"; echo "done"').read().gpus[0].power == 281.13


def test_virtual_functions_are_no_gpus(smi):
    listed = [*DISCOVERY["device_list"], {"device_id": 2, "device_function_type": "virtual"}, {"device_name": "?"}]
    assert [gpu.index for gpu in smi(discovery={"device_list": listed}).read().gpus] == [0, 1]


def test_a_run_that_hangs_is_killed_in_time(smi):
    source = smi("sleep 60 & sleep 60", timeout=0.3)
    start = time.monotonic()
    with pytest.raises(TelemetryTimeout, match="did not end in time and was killed"):
        source.read()
    assert time.monotonic() - start < 2


def test_without_the_program_it_says_so(tmp_path):
    with pytest.raises(TelemetryUnavailable, match="not found on PATH"):
        open_source("xpu-smi", binary=str(tmp_path / "none")).read()


RULES = """
version: 1
name: intel
rules:
  - {name: hot, condition: 'gpu_vendor == "intel" AND gpu_temperature > 50C', action: pause_transfer}
"""


def test_rules_decide_by_intel_gpus(smi):
    engine = Engine(loads(RULES), clock=lambda: 0.0)
    engine.observe(smi().read())
    assert engine.decide().rules == ("hot",)
