"""What a GPU reports through NVML, in canonical units, and what it does not report."""

import pytest

from gpurules.model import GPUProcess
from gpurules.telemetry import TelemetryError
from tests.integration.nvml.node import GIB, LOST, NO_FUNCTION, NO_PERMISSION, NOT_SUPPORTED, UNKNOWN


def test_every_fact_is_in_canonical_units(inline, node, time):
    node.add(fan=30, xid="0:0")
    snapshot = inline().read()
    gpu = snapshot.gpus[0]
    assert (snapshot.timestamp, snapshot.driver_version) == (1e9 + 1000, "580.126.09")
    assert (gpu.index, gpu.uuid, gpu.name, gpu.vendor, gpu.status) == (
        0, "GPU-gpu0", "NVIDIA H100 80GB HBM3", "nvidia", "ok",
    )  # fmt: skip
    assert (gpu.memory, gpu.memory_used, gpu.memory_free, gpu.memory_total, gpu.memory_reserved) == (
        25.0, 20 * GIB, 59 * GIB, 80 * GIB, GIB,
    )  # fmt: skip
    assert (gpu.utilization, gpu.memory_busy) == (97, 41)
    assert (gpu.temperature, gpu.memory_temperature, gpu.temperature_margin) == (64, 71, 23)
    assert (gpu.power, gpu.power_limit, gpu.energy) == (612.345, 700.0, 5000.5)
    assert (gpu.clock_sm, gpu.clock_memory, gpu.fan_speed) == (1_755_000_000, 2_619_000_000, 30)
    assert (gpu.throttled, gpu.throttle_thermal, gpu.throttle_power) == (False, False, True)
    assert (gpu.ecc_errors, gpu.process_count, gpu.mig, gpu.healthy) == (0, 0, False, True)


def test_whole_numbers_stay_whole(inline, node):
    node.add()
    gpu = inline().read().gpus[0]
    assert {type(value) for value in (gpu.memory_used, gpu.clock_sm, gpu.temperature, gpu.ecc_errors)} == {int}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (NOT_SUPPORTED, "not supported"),
        (NO_PERMISSION, "insufficient permissions"),
        (NO_FUNCTION, "function not found"),
        (UNKNOWN, "unknown error"),
        (12345, "NVML error 12345"),
    ],
)
def test_a_call_that_fails_makes_its_fact_missing_with_the_reason(inline, node, code, reason):
    node.add()
    node.fail("gpu0", "nvmlDeviceGetPowerUsage", code)
    gpu = inline().read().gpus[0]
    assert (gpu.power, gpu.missing["power"], gpu.temperature, gpu.healthy) == (None, reason, 64, True)
    assert gpu.status == ("degraded" if code == UNKNOWN else "ok")


def test_the_first_version_of_memory_is_read_where_the_second_is_missing(inline, node):
    node.add()
    node.fail("gpu0", "nvmlDeviceGetMemoryInfo_v2", NO_FUNCTION)
    gpu = inline().read().gpus[0]
    assert (gpu.memory_used, gpu.memory_total, gpu.memory_reserved) == (21 * GIB, 80 * GIB, None)
    assert gpu.missing["memory_reserved"] == "not reported by this driver"


def test_the_newer_call_is_made_where_a_driver_has_the_older_no_more(inline, node):
    node.add(margin=None, slowdown=87)
    node.fail("gpu0", "nvmlDeviceGetTemperature", NO_FUNCTION)
    gpu = inline().read().gpus[0]
    assert (gpu.temperature, gpu.temperature_margin) == (64, 23)


def test_throttle_reasons_are_read_by_their_older_name_where_there_is_no_newer(inline, node):
    node.add()
    node.fail("gpu0", "nvmlDeviceGetCurrentClocksEventReasons", NO_FUNCTION)
    assert inline().read().gpus[0].throttle_power is True


def test_unified_memory_is_missing_and_not_zero(inline, node):
    node.add(name="NVIDIA GB10", memory_total=None, memory_used=None, power_mw=11_170)
    gpu = inline().read().gpus[0]
    assert (gpu.memory, gpu.memory_used, gpu.memory_total) == (None, None, None)
    assert gpu.missing["memory_used"] == "not supported"
    assert (gpu.power, gpu.status, gpu.healthy) == (11.17, "ok", True)


def test_processes_have_names_kinds_and_perhaps_no_memory(inline, node):
    node.add(processes="4242:1024:C,4242:1024:G,4300:-:C,77:512:M")
    gpu = inline().read().gpus[0]
    assert gpu.processes == (
        GPUProcess(4242, "/usr/bin/python3", 1024, "C+G"),
        GPUProcess(4300, None, None, "C"),
        GPUProcess(77, None, 512, "M+C"),
    )
    assert gpu.process_count == 3


def test_the_margin_is_derived_from_the_limit_where_the_driver_does_not_report_it(inline, node):
    node.add(margin=None, slowdown=87)
    assert inline().read().gpus[0].temperature_margin == 87 - 64


def test_traffic_is_a_rate_from_the_second_poll_on(inline, node, time):
    node.add()
    source = inline()
    first = source.read().gpus[0]
    assert (first.pcie_rx, first.missing["pcie_rx"]) == (None, "a rate needs a second poll")
    node.set("gpu0", pcie_rx_bytes=12_000, pcie_tx_bytes=1000, nvlink_rx_kib=20 + 50, nvlink_tx_kib=0)
    time.now += 5
    gpu = source.read().gpus[0]
    assert (gpu.pcie_rx, gpu.pcie_tx, gpu.nvlink_rx) == (2000.0, 0.0, 50 * 1024 / 5)
    assert (gpu.nvlink_tx, gpu.missing["nvlink_tx"]) == (None, "the counter was reset")


def test_links_are_summed_up_where_the_driver_does_not(inline, node, time):
    node.add(nvlink_links=4)
    source = inline()
    source.read()
    node.set("gpu0", nvlink_rx_kib=30)
    time.now += 1
    assert source.read().gpus[0].nvlink_rx == 4 * 10 * 1024


def test_slow_traffic_is_measured_only_for_a_field_that_is_asked_for(inline, node):
    node.add(pcie_rx_bytes=None, pcie_tx_bytes=None, pcie_rx_kb=100, pcie_tx_kb=7)
    gpu = inline().read().gpus[0]
    assert (gpu.pcie_rx, gpu.missing["pcie_rx"]) == (None, "takes 20 ms; sampled only on request")
    assert node.calls()["nvmlDeviceGetPcieThroughput"] == 0
    gpu = inline({"gpu_pcie_rx"}).read().gpus[0]
    assert (gpu.pcie_rx, gpu.pcie_tx) == (102_400, None)
    assert node.calls()["nvmlDeviceGetPcieThroughput"] == 1


def test_a_counter_of_32_bits_is_not_trusted(inline, node):
    node.add(narrow=1, pcie_rx_kb=100)
    assert inline({"gpu_pcie_rx"}).read().gpus[0].pcie_rx == 102_400


def test_only_wanted_fields_are_sampled(inline, node):
    node.add()
    gpu = inline({"gpu_memory", "gpu_power", "hour", "file_type"}).read().gpus[0]
    assert (gpu.memory, gpu.power, gpu.temperature, gpu.energy) == (25.0, 612.345, None, None)
    calls = node.calls()
    assert calls["nvmlDeviceGetMemoryInfo_v2"] == calls["nvmlDeviceGetPowerUsage"] == 1
    assert not {"nvmlDeviceGetTemperature", "nvmlDeviceGetFieldValues", "nvmlEventSetCreate"} & calls.keys()


def test_what_is_sampled_can_be_changed(inline, node):
    node.add()
    source = inline({"gpu_power"})
    source.read()
    source.sample({"gpu_temperature"})
    gpu = source.read().gpus[0]
    assert (gpu.power, gpu.temperature) == (None, 64)


def test_a_gpu_that_fails_the_one_wanted_call_is_still_there(inline, node):
    node.add()
    node.fail("gpu0", "nvmlDeviceGetPowerUsage", UNKNOWN)
    assert inline({"gpu_power"}).read().gpus[0].healthy


def test_a_gpu_that_fails_all_calls_is_lost(inline, node):
    node.add()
    node.fail("gpu0", "*", UNKNOWN)
    gpu = inline().read().gpus[0]
    assert (gpu.healthy, gpu.status, gpu.missing["power"]) == (False, "lost", "unknown error")


def test_a_gpu_that_may_not_be_opened_is_left_out(inline, node):
    node.add("gpu0")
    node.add("gpu1")
    node.fail("gpu0", "nvmlDeviceGetHandleByIndex_v2", NO_PERMISSION)
    snapshot = inline().read()
    assert [gpu.uuid for gpu in snapshot.gpus] == ["GPU-gpu1"]
    assert snapshot.problems == ("GPU 0 is skipped because it cannot be opened; a container sees only its own GPUs",)


def test_no_gpu_that_may_be_opened_says_what_to_do(inline, node):
    node.add()
    node.fail("gpu0", "nvmlDeviceGetHandleByIndex_v2", NO_PERMISSION)
    with pytest.raises(TelemetryError, match="no permission to open the NVIDIA devices"):
        inline().read()


def test_a_node_without_a_gpu_is_a_snapshot_without_one(inline, node):
    assert inline().read().gpus == ()


def test_nvml_that_other_code_shut_down_is_initialized_again(inline, node):
    import pynvml

    node.add()
    source = inline({"gpu_power"})
    source.read()
    pynvml.nvmlShutdown()
    assert source.read().gpus[0].power == 612.345


def test_gpus_that_cannot_be_counted_are_an_error(inline, node):
    node.fail("system", "nvmlDeviceGetCount_v2", UNKNOWN)
    with pytest.raises(TelemetryError, match="NVML does not list the GPUs: unknown error"):
        inline().read()


def test_a_lost_gpu_is_asked_nothing_more(inline, node):
    node.add()
    node.fail("gpu0", "nvmlDeviceGetMemoryInfo_v2", LOST)
    inline().read()
    assert node.calls()["nvmlDeviceGetPowerUsage"] == 0
