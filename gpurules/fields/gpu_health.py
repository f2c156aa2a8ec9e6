"""The fields that say how well each GPU is: why it is slowed down, what its memory and its links have suffered."""

from gpurules.fields.field import Field, gpu_field
from gpurules.model import BOOL, STRING, Dimension, number
from gpurules.model.gpu import FABRIC_STATES

_COUNT = number(Dimension.NONE)
_REASONS = "nvmlDeviceGetCurrentClocksEventReasons"
_ECC, _ECC_PART = "nvmlDeviceGetTotalEccErrors", "nvmlDeviceGetMemoryErrorCounter"
_ROWS, _FABRIC = "nvmlDeviceGetRemappedRows", "nvmlDeviceGetGpuFabricInfoV"


def _reason(name: str, description: str) -> Field:
    return gpu_field(f"throttle_{name}", BOOL, description, _REASONS)


def _count(name: str, description: str, source: str, counter: bool = False) -> Field:
    return gpu_field(name, _COUNT, description, source, integer=True, counter=counter)


THROTTLE_FIELDS = (
    gpu_field(
        "throttled",
        BOOL,
        "GPU is slowed down by its hardware, by heat or by a power brake (a software power cap alone does not count)",
        _REASONS,
    ),
    _reason("thermal", "GPU is slowed down because of heat, by hardware or software"),
    _reason("power", "GPU is slowed down because of power, by a power brake or a software power cap"),
    _reason("hw_slowdown", "hardware slows the GPU down: heat, a power brake, or too high a power draw"),
    _reason("hw_thermal", "hardware slows the GPU down because of heat"),
    _reason("hw_power_brake", "the power supply or the system asserts the external power brake"),
    _reason("sw_thermal", "the driver slows the GPU down because of heat"),
    _reason("sw_power_cap", "the driver keeps the GPU at its power limit, which is normal under load"),
    _reason("sync_boost", "GPU runs at the clocks of the slowest GPU in its sync boost group"),
)
"""Why a GPU is slowed down, each reason by itself."""

HEALTH_FIELDS = (
    _count("ecc_errors", "uncorrected ECC errors since the driver was loaded", f"{_ECC}(UNCORRECTED, VOLATILE)"),
    _count("ecc_errors_corrected", "corrected ECC errors since the driver was loaded", f"{_ECC}(CORRECTED, VOLATILE)"),
    _count("ecc_errors_sram", "uncorrected ECC errors in caches and registers", f"{_ECC_PART}(UNCORRECTED, SRAM)"),
    _count("ecc_errors_dram", "uncorrected ECC errors in device memory", f"{_ECC_PART}(UNCORRECTED, DRAM)"),
    _count(
        "ecc_errors_corrected_sram", "corrected ECC errors in caches and registers", f"{_ECC_PART}(CORRECTED, SRAM)"
    ),
    _count("ecc_errors_corrected_dram", "corrected ECC errors in device memory", f"{_ECC_PART}(CORRECTED, DRAM)"),
    gpu_field("row_remap_pending", BOOL, "memory rows are remapped at the next reset of the GPU", _ROWS),
    gpu_field("row_remap_failure", BOOL, "a memory row could not be remapped: the GPU has to be replaced", _ROWS),
    _count("rows_remapped_correctable", "memory rows remapped because of correctable errors", _ROWS),
    _count("rows_remapped_uncorrectable", "memory rows remapped because of uncorrectable errors", _ROWS),
    _count("retired_pages", "retired pages of memory (GPUs before Ampere)", "NVML_FI_DEV_RETIRED_SBE, RETIRED_DBE"),
    _count("retired_pages_single_bit", "pages retired because of single-bit errors", "NVML_FI_DEV_RETIRED_SBE"),
    _count("retired_pages_double_bit", "pages retired because of double-bit errors", "NVML_FI_DEV_RETIRED_DBE"),
    gpu_field(
        "retired_pages_pending", BOOL, "pages are retired at the next reset of the GPU", "NVML_FI_DEV_RETIRED_PENDING"
    ),
    _count("pcie_replays", "PCIe packets sent again (a counter)", "nvmlDeviceGetPcieReplayCounter", True),
    _count("pcie_gen", "current PCIe generation; lower while the GPU is idle", "nvmlDeviceGetCurrPcieLinkGeneration"),
    _count("pcie_gen_max", "highest PCIe generation of GPU and system", "nvmlDeviceGetMaxPcieLinkGeneration"),
    _count("pcie_width", "PCIe lanes currently in use", "nvmlDeviceGetCurrPcieLinkWidth"),
    _count("pcie_width_max", "highest number of PCIe lanes of GPU and system", "nvmlDeviceGetMaxPcieLinkWidth"),
    _count(
        "nvlink_errors",
        "NVLink errors: CRC errors of flits and data, replays and recoveries (a counter)",
        "NVML_FI_DEV_NVLINK_*_ERROR_COUNT_TOTAL",
        True,
    ),
    gpu_field(
        "fabric_state", STRING, "progress of the GPU in joining its NVLink fabric", _FABRIC, values=FABRIC_STATES
    ),
)
"""What memory, PCIe and NVLink of a GPU have suffered."""
