"""AMD GPUs: a module amdsmi and programs of ROCm, all played."""

import json
import stat
import sys
import types

import pytest

from gpurules.telemetry import TelemetryError, TelemetryUnavailable, open_source
from gpurules.telemetry.amd.library import AmdSmi
from gpurules.telemetry.formats.amd import amd_smi
from gpurules.telemetry.live.poll import PollRequest

METRIC = [
    {
        "gpu": 0,
        "usage": {"gfx_activity": {"value": 40, "unit": "%"}, "umc_activity": {"value": 7, "unit": "%"}},
        "power": {"socket_power": {"value": 239, "unit": "W"}},
        "temperature": {"edge": "N/A", "hotspot": {"value": 36, "unit": "C"}, "mem": {"value": 31, "unit": "C"}},
        "mem_usage": {"total_vram": {"value": 400, "unit": "MB"}, "used_vram": {"value": 100, "unit": "MB"}},
        "clock": {"gfx_0": {"clk": {"value": 132, "unit": "MHz"}}, "mem_0": {"clk": {"value": 900, "unit": "MHz"}}},
        "fan": {"usage": "N/A"},
        "energy": {"total_energy_consumption": {"value": 12345.5, "unit": "J"}},
        "ecc": {"total_uncorrectable_count": 2},
    },
    {"gpu": 1, "usage": "N/A", "mem_usage": "N/A"},
]
LIST = [{"gpu": 0, "uuid": "uuid-a"}, {"gpu": 1, "uuid": "uuid-b"}]
STATIC = [{"gpu": 0, "asic": {"market_name": "AMD Instinct MI300X"}, "driver": {"version": "6.16.6"}}]


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: {"gpu_data": data}], ids=["list", "gpu_data"])
def test_a_metric_report_is_in_canonical_units(wrap):
    first, second = amd_smi.gpus_from_metric(wrap(METRIC), amd_smi.identities(LIST, wrap(STATIC)))
    assert (first.index, first.uuid, first.name, first.vendor) == (0, "uuid-a", "AMD Instinct MI300X", "amd")
    assert (first.memory, first.memory_total, first.memory_used) == (25.0, 400 << 20, 100 << 20)
    assert (first.utilization, first.memory_busy, first.power, first.energy) == (40, 7, 239, 12345.5)
    assert (first.temperature, first.memory_temperature) == (36, 31)
    assert (first.clock_sm, first.clock_memory, first.ecc_errors) == (132_000_000, 900_000_000, 2)
    assert (first.fan_speed, first.missing["fan_speed"]) == (None, "n/a")
    assert (second.uuid, second.memory, second.utilization) == ("uuid-b", None, None)


@pytest.mark.parametrize("report", [None, 3, {}, {"gpu_data": 3}, [3, None], [{"gpu": "x"}]])
def test_any_report_is_survived(report):
    assert all(gpu.memory is None for gpu in amd_smi.gpus_from_metric(report, amd_smi.identities(report, report)))


@pytest.fixture
def program(tmp_path):
    def write(name, body):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\nhere={tmp_path}\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return open_source("amd", binary=str(path), timeout=5)

    for name, data in (("metric", METRIC), ("list", LIST), ("static", STATIC)):
        (tmp_path / f"{name}.json").write_text(json.dumps(data))
    return write


def test_amd_smi_is_run_and_its_identities_are_asked_once(program, tmp_path):
    source = program("amd-smi", 'echo $1 >> $here/runs; echo "WARNING: old firmware"; cat $here/$1.json')
    for _ in range(2):
        snapshot = source.read()
    assert snapshot.driver_version == "6.16.6"
    assert [(gpu.index, gpu.uuid, gpu.utilization) for gpu in snapshot.gpus] == [(0, "uuid-a", 40), (1, "uuid-b", None)]
    assert (tmp_path / "runs").read_text().split() == ["metric", "list", "static", "metric"]


def test_rocm_smi_is_read_as_its_recordings_are(program, data, tmp_path):
    (tmp_path / "report.json").write_bytes((data / "rocm_smi" / "mi100_rocm602.json").read_bytes())
    source = program("rocm-smi", '[ "$*" = "-a --json" ] && cat $here/report.json')
    snapshot = source.read()
    assert len(snapshot.gpus) == 4
    assert (snapshot.gpus[0].memory_used, snapshot.gpus[0].power) == (6750208, 36)


def test_a_program_that_says_no_json_is_an_error(program):
    with pytest.raises(TelemetryError, match="ERROR: no driver"):
        program("rocm-smi", "echo 'ERROR: no driver'; exit 2").read()


def test_nothing_installed_says_what_to_install(monkeypatch):
    monkeypatch.setattr("gpurules.telemetry.amd.factory.find_program", lambda name: None)
    with pytest.raises(TelemetryUnavailable, match="install ROCm"):
        open_source("amd").read()


def fake_amdsmi(**functions):
    module = types.ModuleType("amdsmi")
    module.AmdSmiException = type("AmdSmiException", (Exception,), {})

    def fails(*arguments):
        raise module.AmdSmiException("AMDSMI_STATUS_NOT_SUPPORTED")

    answers = {
        "amdsmi_init": lambda: None,
        "amdsmi_shut_down": lambda: None,
        "amdsmi_get_processor_handles": lambda: ["handle"],
        "amdsmi_get_gpu_device_uuid": lambda handle: "uuid-a",
        "amdsmi_get_gpu_asic_info": lambda handle: {"market_name": "AMD Instinct MI300X"},
        "amdsmi_get_gpu_driver_info": lambda handle: {"driver_version": "6.16.6"},
        "amdsmi_get_gpu_vram_usage": lambda handle: {"vram_total": 400, "vram_used": 100},
        "amdsmi_get_gpu_activity": lambda handle: {"gfx_activity": 40, "umc_activity": "N/A"},
        "amdsmi_get_temp_metric": lambda handle, sensor, metric: (
            {"edge": 0, "hotspot": 66, "vram": 31}[sensor] or fails()
        ),
        "amdsmi_get_power_info": lambda handle: {"average_socket_power": "N/A", "current_socket_power": 239},
        "amdsmi_get_power_cap_info": lambda handle: {"power_cap": 750_000_000},
        "amdsmi_get_clock_info": lambda handle, domain: {"clk": 132} if domain == "gfx" else fails(),
        "amdsmi_get_gpu_total_ecc_count": fails,
        "amdsmi_get_gpu_process_list": lambda handle: [
            {"pid": 42, "name": "python3", "memory_usage": {"vram_mem": 1024}}
        ],
        "AmdSmiTemperatureType": types.SimpleNamespace(EDGE="edge", HOTSPOT="hotspot", VRAM="vram"),
        "AmdSmiTemperatureMetric": types.SimpleNamespace(CURRENT=0),
        "AmdSmiClkType": types.SimpleNamespace(GFX="gfx", MEM="mem"),
    }
    for name, answer in {**answers, **functions}.items():
        setattr(module, name, fails if answer == "fails" else answer)
    return module


def test_the_module_is_read_in_canonical_units(monkeypatch):
    monkeypatch.setitem(sys.modules, "amdsmi", fake_amdsmi())
    reader = AmdSmi()
    snapshot = reader.read(PollRequest())
    gpu = snapshot.gpus[0]
    assert (snapshot.driver_version, gpu.uuid, gpu.name, gpu.healthy) == (
        "6.16.6", "uuid-a", "AMD Instinct MI300X", True,
    )  # fmt: skip
    assert (gpu.memory, gpu.memory_total, gpu.utilization, gpu.memory_busy) == (25.0, 400 << 20, 40, None)
    assert (gpu.temperature, gpu.memory_temperature, gpu.power, gpu.power_limit) == (66, 31, 239, 750)
    assert (gpu.clock_sm, gpu.clock_memory, gpu.ecc_errors) == (132_000_000, None, None)
    assert (gpu.process_count, gpu.processes[0].memory_used) == (1, 1024)
    assert gpu.missing["ecc_errors"] == "not supported"
    reader.close()


def test_a_call_that_hung_is_not_made(monkeypatch):
    monkeypatch.setitem(sys.modules, "amdsmi", fake_amdsmi())
    gpu = AmdSmi().read(PollRequest(skipped=frozenset({("amdsmi_get_power_info", "uuid-a")}))).gpus[0]
    assert (gpu.power, gpu.utilization) == (None, 40)


def test_a_card_that_answers_nothing_is_lost(monkeypatch):
    names = [name for name in vars(fake_amdsmi()) if name.startswith("amdsmi_get_")]
    silent = dict.fromkeys([name for name in names if name != "amdsmi_get_processor_handles"], "fails")
    monkeypatch.setitem(sys.modules, "amdsmi", fake_amdsmi(**silent))
    assert AmdSmi().read(PollRequest()).gpus[0].is_lost


@pytest.mark.parametrize("function", ["amdsmi_init", "amdsmi_get_processor_handles"])
def test_a_module_that_fails_says_so(monkeypatch, function):
    monkeypatch.setitem(sys.modules, "amdsmi", fake_amdsmi(**{function: "fails"}))
    with pytest.raises(TelemetryError, match="amdsmi"):
        AmdSmi().read(PollRequest())


def test_the_module_runs_in_a_process_of_its_own(monkeypatch, tmp_path):
    (tmp_path / "amdsmi.py").write_text(
        "import os\n"
        "class AmdSmiException(Exception): pass\n"
        "def amdsmi_init(): print('noise on stdout')\n"
        "def amdsmi_get_processor_handles(): return [0]\n"
        "def amdsmi_get_gpu_device_uuid(handle): return str(os.getpid())\n"
        "def amdsmi_get_gpu_activity(handle): return {'gfx_activity': 40}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    source = open_source("amd", timeout=10)
    try:
        gpu = source.read().gpus[0]
        assert (gpu.uuid, gpu.utilization) == (str(source.reader.status.pid), 40)
    finally:
        source.close()


@pytest.mark.parametrize(
    "function", ["amdsmi_get_gpu_asic_info", "amdsmi_get_gpu_device_uuid", "amdsmi_get_gpu_driver_info"]
)
def test_a_text_that_is_not_utf_8_is_missing_and_all_else_is_there(monkeypatch, function):
    def undecodable(handle):
        return b"\xff".decode()

    monkeypatch.setitem(sys.modules, "amdsmi", fake_amdsmi(**{function: undecodable}))
    snapshot = AmdSmi().read(PollRequest())
    gpu = snapshot.gpus[0]
    assert (gpu.power, gpu.utilization, gpu.is_lost) == (239, 40, False)
    assert [gpu.name, gpu.uuid, snapshot.driver_version].count(None) == 1


@pytest.mark.parametrize("uuid", ["", "N/A", "  "])
def test_a_uuid_that_identifies_nothing_is_missing(monkeypatch, uuid):
    monkeypatch.setitem(sys.modules, "amdsmi", fake_amdsmi(amdsmi_get_gpu_device_uuid=lambda handle: uuid))
    gpu = AmdSmi().read(PollRequest()).gpus[0]
    assert (gpu.uuid, gpu.identity, gpu.power) == (None, "index 0", 239)


def test_unsigned_nonsense_is_missing_with_the_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "amdsmi", fake_amdsmi(amdsmi_get_temp_metric=lambda *arguments: 4294967256))
    gpu = AmdSmi().read(PollRequest()).gpus[0]
    assert (gpu.temperature, gpu.missing["temperature"]) == (None, "above 200: 4294967256")
