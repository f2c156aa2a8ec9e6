"""The files of the drivers xe and i915, in a folder of the test."""

import shutil

import pytest

from gpurules.telemetry import TelemetryUnavailable, open_source
from gpurules.telemetry.intel.sysfs import IntelSysfs
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.tracking.counter_rates import FIRST, RESET

XE = {
    "device/vendor": "0x8086\n", "device/device": "0xe20b\n", "device/tile0/gt0/freq0/act_freq": "2400\n",
    "device/hwmon/hwmon3/temp2_input": "52000\n", "device/hwmon/hwmon3/temp2_label": "pkg\n",
    "device/hwmon/hwmon3/temp3_input": "66000\n", "device/hwmon/hwmon3/temp3_label": "vram\n",
    "device/hwmon/hwmon3/energy1_input": "1000000\n", "device/hwmon/hwmon3/energy1_label": "card\n",
    "device/hwmon/hwmon3/energy2_input": "77\n", "device/hwmon/hwmon3/energy2_label": "pkg\n",
    "device/hwmon/hwmon3/power1_max": "190000000\n", "device/hwmon/hwmon3/power1_label": "card\n",
}  # fmt: skip
I915 = {
    "device/vendor": "0x8086\n", "device/device": "0x56c0\n", "gt_act_freq_mhz": "0\n",
    "device/hwmon/hwmon1/energy1_input": "5000000\n", "device/hwmon/hwmon1/power1_max": "0\n",
}  # fmt: skip


@pytest.fixture
def drm(tmp_path):
    def card(number, files, driver):
        folder = tmp_path / "drm" / f"card{number}"
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        (tmp_path / "drivers" / driver).mkdir(parents=True, exist_ok=True)
        (folder / "device/driver").symlink_to(tmp_path / "drivers" / driver)
        return folder

    (tmp_path / "drm").mkdir()
    card.root = tmp_path / "drm"
    return card


def reader(drm, times=(10.0, 12.0, 14.0, 16.0)):
    ticks = iter(times)
    return IntelSysfs(drm.root, steady=lambda: next(ticks))


def test_xe_reports_temperatures_power_energy_and_clock(drm):
    card = drm(1, XE, "xe")
    drm("1-HDMI-A-1", {"device/vendor": "0x8086"}, "xe")
    source = reader(drm)
    (gpu,) = source.read(PollRequest()).gpus
    assert (gpu.index, gpu.name, gpu.vendor, gpu.status) == (1, "Intel GPU 0xe20b", "intel", "ok")
    assert (gpu.temperature, gpu.memory_temperature, gpu.energy, gpu.power_limit) == (52, 66, 1, 190)
    assert (gpu.clock_sm, gpu.power, gpu.missing["power"]) == (2_400_000_000, None, FIRST)
    (card / "device/hwmon/hwmon3/energy1_input").write_text("301000000\n")
    assert source.read(PollRequest()).gpus[0].power == 150  # 300 J in 2 s


def test_a_counter_that_is_set_back_gives_no_power(drm):
    card = drm(0, XE, "xe")
    source = reader(drm)
    source.read(PollRequest())
    (card / "device/hwmon/hwmon3/energy1_input").write_text("5\n")
    gpu = source.read(PollRequest()).gpus[0]
    assert (gpu.power, gpu.missing["power"]) == (None, RESET)


def test_what_i915_does_not_report_is_missing_and_never_0(drm):
    drm(0, I915, "i915")
    (gpu,) = reader(drm).read(PollRequest()).gpus
    assert (gpu.clock_sm, gpu.energy) == (0, 5)  # a GPU that sleeps has no clock
    assert (gpu.temperature, gpu.power_limit, gpu.utilization, gpu.memory_used) == (None,) * 4
    assert {"temperature", "power_limit", "utilization", "memory_used"} <= set(gpu.missing)


@pytest.mark.parametrize("text", ["", "N/A\n", "-5\n", "nan\n", "9" * 40, "\xb2\n"])
def test_what_is_no_number_is_missing(drm, text):
    drm(0, {**XE, "device/hwmon/hwmon3/temp2_input": text}, "xe")
    assert reader(drm).read(PollRequest()).gpus[0].temperature is None


def test_gpus_of_other_drivers_are_not_taken(drm):
    drm(0, {**XE, "device/vendor": "0x10de\n"}, "nvidia")
    drm(1, XE, "vfio-pci")
    with pytest.raises(TelemetryUnavailable, match="no GPU of the drivers xe or i915"):
        reader(drm).read(PollRequest())


def test_a_gpu_that_vanishes_is_lost(drm, monkeypatch):
    monkeypatch.setattr("gpurules.telemetry.intel.sysfs.ROOT", drm.root)
    drm(0, XE, "xe")
    drm(1, XE, "xe")
    source = open_source("intel-sysfs", timeout=5)
    assert len(source.read().gpus) == 2
    shutil.rmtree(drm.root / "card1")
    assert [(gpu.index, gpu.is_lost) for gpu in source.read().gpus] == [(0, False), (1, True)]
    shutil.rmtree(drm.root / "card0")
    assert [gpu.is_lost for gpu in source.read().gpus] == [True, True]
    source.close()
