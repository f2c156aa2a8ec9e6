"""What dcgm-exporter says of the health of a GPU, and what blank values of DCGM say: nothing."""

import pytest

from gpurules.model import GPU
from gpurules.telemetry.formats.prometheus.dcgm import BLANK, gpus_from_samples
from gpurules.telemetry.formats.prometheus.samples import parse_sample

_BLANK = 9223372036854775794


def gpu(**values: float) -> GPU:
    """Return the GPU of a page with these metrics, without their common first part."""
    samples = [parse_sample(f'DCGM_FI_DEV_{name}{{gpu="0",UUID="GPU-a"}} {value}') for name, value in values.items()]
    (found,) = gpus_from_samples([sample for sample in samples if sample is not None])
    return found


@pytest.mark.parametrize(
    ("metric", "attribute"),
    [
        ("ECC_SBE_VOL_TOTAL", "ecc_errors_corrected"), ("ECC_DBE_VOL_DEV", "ecc_errors_dram"),
        ("ECC_DBE_VOL_SRM", "ecc_errors_sram"), ("ECC_SBE_VOL_SRM", "ecc_errors_corrected_sram"),
        ("ECC_SBE_VOL_DEV", "ecc_errors_corrected_dram"), ("CORRECTABLE_REMAPPED_ROWS", "rows_remapped_correctable"),
        ("UNCORRECTABLE_REMAPPED_ROWS", "rows_remapped_uncorrectable"), ("RETIRED_SBE", "retired_pages_single_bit"),
        ("RETIRED_DBE", "retired_pages_double_bit"), ("PCIE_REPLAY_COUNTER", "pcie_replays"),
        ("PCIE_LINK_GEN", "pcie_gen"), ("PCIE_MAX_LINK_GEN", "pcie_gen_max"), ("PCIE_LINK_WIDTH", "pcie_width"),
        ("PCIE_MAX_LINK_WIDTH", "pcie_width_max"), ("MEM_MAX_OP_TEMP", "memory_temperature_limit"),
    ],
)  # fmt: skip
def test_a_count_is_read_and_a_blank_one_is_missing(metric, attribute):
    assert getattr(gpu(**{metric: 3}), attribute) == 3
    blank = gpu(**{metric: _BLANK, "GPU_TEMP": 40})
    assert (getattr(blank, attribute), blank.missing[attribute]) == (None, BLANK)
    assert getattr(gpu(GPU_TEMP=40), attribute) is None


@pytest.mark.parametrize(
    ("metric", "attribute"),
    [("ROW_REMAP_PENDING", "row_remap_pending"), ("ROW_REMAP_FAILURE", "row_remap_failure"),
     ("RETIRED_PENDING", "retired_pages_pending")],
)  # fmt: skip
def test_a_flag_is_so_or_not_and_a_blank_one_is_missing(metric, attribute):
    assert [getattr(gpu(**{metric: value}), attribute) for value in (0, 1, 2)] == [False, True, True]
    blank = gpu(**{metric: _BLANK, "GPU_TEMP": 40})
    assert (getattr(blank, attribute), blank.missing[attribute]) == (None, BLANK)


def test_link_errors_are_the_sum_of_the_counters_on_the_page_unless_one_is_blank():
    flit, data = "NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "NVLINK_CRC_DATA_ERROR_COUNT_TOTAL"
    assert gpu(**{flit: 2, data: 5}).nvlink_errors == 7
    assert gpu(**{flit: 2}).nvlink_errors == 2
    blank = gpu(**{flit: 2, data: _BLANK})
    assert (blank.nvlink_errors, blank.missing["nvlink_errors"]) == (None, BLANK)


def test_pages_have_a_total_where_both_counts_are_there():
    assert gpu(RETIRED_SBE=2, RETIRED_DBE=1).retired_pages == 3
    assert gpu(RETIRED_SBE=2).retired_pages is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "not_supported"), (1, "not_started"), (2, "in_progress"), (3, "completed"), (4, "failed"), (5, None)],
)
def test_the_status_of_the_fabric_manager_is_the_state_of_the_fabric(number, expected):
    assert gpu(FABRIC_MANAGER_STATUS=number).fabric_state == expected


@pytest.mark.parametrize(("mask", "throttled", "cap"), [(0x4, False, True), (0x44, True, True), (0x8, True, False)])
def test_each_reason_of_the_mask_is_a_fact(mask, throttled, cap):
    found = gpu(CLOCKS_EVENT_REASONS=mask)
    assert (found.throttled, found.throttle_sw_power_cap) == (throttled, cap)
