"""What NVML says of the health of a GPU: reasons of slowness, repairs of memory, links, and what it does not say."""

import pytest

from gpurules.model import Snapshot
from tests.integration.nvml.node import NOT_SUPPORTED, UNKNOWN

REASONS = {
    "hw_slowdown": 0x8, "hw_thermal": 0x40, "hw_power_brake": 0x80, "sw_thermal": 0x20, "sw_power_cap": 0x4,
    "sync_boost": 0x10,
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "throttled", "thermal", "power"),
    [
        ("hw_slowdown", True, False, False), ("hw_thermal", True, True, False), ("hw_power_brake", True, False, True),
        ("sw_thermal", True, True, False), ("sw_power_cap", False, False, True), ("sync_boost", False, False, False),
    ],
)  # fmt: skip
def test_each_reason_is_a_fact_of_its_own_and_a_power_cap_alone_is_no_throttling(
    inline, node, reason, throttled, thermal, power
):
    node.add(reasons=REASONS[reason])
    gpu = inline().read().gpus[0]
    assert {name: getattr(gpu, f"throttle_{name}") for name in REASONS} == {name: name == reason for name in REASONS}
    assert (gpu.throttled, gpu.throttle_thermal, gpu.throttle_power) == (throttled, thermal, power)


def test_repairs_errors_and_links_are_read(inline, node):
    node.add(
        ecc=3, ecc_corrected=9, ecc_sram=1, ecc_dram=2, ecc_corrected_sram=4, ecc_corrected_dram=5, rows="6:7:1:0",
        retired_single=8, retired_double=2, retired_pending=1, pcie_replays=11, pcie_gen=1, pcie_gen_max=5,
        pcie_width=8, pcie_width_max=16, memory_limit=95, nvlink_flit=1, nvlink_data=2, nvlink_replay=3,
        nvlink_recovery=4, fabric=3,
    )  # fmt: skip
    gpu = inline().read().gpus[0]
    assert (gpu.ecc_errors, gpu.ecc_errors_corrected, gpu.ecc_errors_sram, gpu.ecc_errors_dram) == (3, 9, 1, 2)
    assert (gpu.ecc_errors_corrected_sram, gpu.ecc_errors_corrected_dram) == (4, 5)
    assert (gpu.rows_remapped_correctable, gpu.rows_remapped_uncorrectable) == (6, 7)
    assert (gpu.row_remap_pending, gpu.row_remap_failure) == (True, False)
    assert (gpu.retired_pages, gpu.retired_pages_single_bit, gpu.retired_pages_double_bit) == (10, 8, 2)
    assert gpu.retired_pages_pending is True
    assert (gpu.pcie_replays, gpu.pcie_gen, gpu.pcie_gen_max, gpu.pcie_width, gpu.pcie_width_max) == (11, 1, 5, 8, 16)
    assert (gpu.memory_temperature_limit, gpu.nvlink_errors, gpu.fabric_state) == (95, 10, "completed")
    assert Snapshot.from_dict(Snapshot(gpus=(gpu,)).to_dict()).gpus == (gpu,)


HEALTH = (
    "ecc_errors_corrected", "ecc_errors_sram", "ecc_errors_corrected_dram", "row_remap_pending", "row_remap_failure",
    "rows_remapped_uncorrectable", "retired_pages", "retired_pages_pending", "pcie_replays", "pcie_gen",
    "pcie_width_max", "memory_temperature_limit", "nvlink_errors", "fabric_state",
)  # fmt: skip


def test_what_the_driver_does_not_report_is_missing_and_never_zero(inline, node):
    node.add()
    gpu = inline().read().gpus[0]
    assert {name: (getattr(gpu, name), gpu.missing[name]) for name in HEALTH} == dict.fromkeys(
        HEALTH, (None, "not supported")
    )
    assert gpu.status == "ok"


def test_pages_of_one_kind_alone_have_no_total(inline, node):
    node.add(retired_double=2)
    gpu = inline().read().gpus[0]
    assert (gpu.retired_pages, gpu.retired_pages_single_bit, gpu.retired_pages_double_bit) == (None, None, 2)


def test_link_errors_that_a_board_does_not_count_are_left_out_of_the_sum(inline, node):
    node.add(nvlink_flit=1, nvlink_replay=3)
    assert inline().read().gpus[0].nvlink_errors == 4


def test_a_call_that_fails_makes_all_its_facts_missing(inline, node):
    node.add(rows="0:0:0:0", fabric=3)
    node.fail("gpu0", "nvmlDeviceGetRemappedRows", UNKNOWN)
    node.fail("gpu0", "nvmlDeviceGetGpuFabricInfoV", NOT_SUPPORTED)
    gpu = inline().read().gpus[0]
    assert (gpu.row_remap_failure, gpu.missing["row_remap_failure"], gpu.status) == (None, "unknown error", "degraded")
    assert (gpu.fabric_state, gpu.missing["fabric_state"]) == (None, "not supported")


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [(0, 0, "not_supported"), (1, 0, "not_started"), (2, 0, "in_progress"), (3, 0, "completed"), (3, 999, "failed"),
     (9, 0, None)],
)  # fmt: skip
def test_a_fabric_that_completed_with_an_error_has_failed(inline, node, state, status, expected):
    node.add(fabric=state, fabric_status=status)
    assert inline().read().gpus[0].fabric_state == expected


def test_only_the_calls_for_the_fields_of_the_rules_are_made(inline, node):
    node.add(retired_single=1, retired_double=1)
    gpu = inline({"gpu_retired_pages"}).read().gpus[0]
    calls = node.calls()
    assert gpu.retired_pages == 2
    assert not {"nvmlDeviceGetRemappedRows", "nvmlDeviceGetPcieReplayCounter", "nvmlDeviceGetGpuFabricInfoV"} & set(
        calls
    )
