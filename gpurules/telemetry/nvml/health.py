"""Reads the health of a GPU from NVML: ECC errors by location, memory repairs, links and fabric.

Source: NVML API reference, device queries; field values NVML_FI_DEV_*.
"""

from collections.abc import Mapping

from gpurules.telemetry.formats.nvidia.health import fabric_state
from gpurules.telemetry.nvml.calls import NvmlCall, Value, number
from gpurules.telemetry.nvml.library import NOT_SUPPORTED, CallFailed, Handle, Library

_VOLATILE, _CORRECTED, _UNCORRECTED = 0, 0, 1
_DRAM, _SRAM = 2, 7
_MEMORY_LIMIT = 2
_LINK_ERRORS = (38, 45, 52, 59)
"""CRC errors of flits and of data, replays and recoveries: each the sum over all links."""
_RETIRED = {"retired_pages_single_bit": 29, "retired_pages_double_bit": 30, "retired_pages_pending": 31}
_UNSIGNED_INT = 1


def field_values(library: Library, handle: Handle, wanted: tuple[int, ...]) -> list[int | CallFailed]:
    """Return the value of each *wanted* field, or why there is none."""
    answers = library.ask("nvmlDeviceGetFieldValues", handle, [(field, 0) for field in wanted])
    found: list[int | CallFailed] = []
    for answer in answers:
        if code := int(answer.nvmlReturn):
            found.append(CallFailed(code))
        else:
            narrow = int(answer.valueType) == _UNSIGNED_INT
            found.append(int(answer.value.uiVal if narrow else answer.value.ullVal))
    return found


def _rows(library: Library, handle: Handle) -> Mapping[str, Value]:
    correctable, uncorrectable, pending, failure = library.ask("nvmlDeviceGetRemappedRows", handle)
    return {
        "rows_remapped_correctable": correctable,
        "rows_remapped_uncorrectable": uncorrectable,
        "row_remap_pending": bool(pending),
        "row_remap_failure": bool(failure),
    }


def _retired(library: Library, handle: Handle) -> Mapping[str, Value]:
    found = field_values(library, handle, tuple(_RETIRED.values()))
    failed = [value for value in found if isinstance(value, CallFailed)]
    if len(failed) == len(found):
        raise failed[0]
    values: dict[str, Value] = {
        name: value for name, value in zip(_RETIRED, found, strict=True) if not isinstance(value, CallFailed)
    }
    single, double = values.get("retired_pages_single_bit"), values.get("retired_pages_double_bit")
    if isinstance(single, int) and isinstance(double, int):
        values["retired_pages"] = single + double
    if "retired_pages_pending" in values:
        values["retired_pages_pending"] = bool(values["retired_pages_pending"])
    return values


def _link_errors(library: Library, handle: Handle) -> Mapping[str, Value]:
    """Return the sum of the counters; none if one fails, since a sum without it would drop."""
    found = field_values(library, handle, _LINK_ERRORS)
    failed = [value for value in found if isinstance(value, CallFailed)]
    counts = [value for value in found if not isinstance(value, CallFailed)]
    if failed and (not counts or any(error.code != NOT_SUPPORTED for error in failed)):
        raise next((error for error in failed if error.code != NOT_SUPPORTED), failed[0])
    return {"nvlink_errors": sum(counts)}


def _fabric(library: Library, handle: Handle) -> Mapping[str, Value]:
    state, status = library.fabric(handle)
    return {"fabric_state": fabric_state(state, bool(status))}


def _errors(attribute: str, kind: int, place: int) -> NvmlCall:
    return number(attribute, "nvmlDeviceGetMemoryErrorCounter", kind, _VOLATILE, place)


HEALTH = (
    number("ecc_errors", "nvmlDeviceGetTotalEccErrors", _UNCORRECTED, _VOLATILE),
    number("ecc_errors_corrected", "nvmlDeviceGetTotalEccErrors", _CORRECTED, _VOLATILE),
    _errors("ecc_errors_sram", _UNCORRECTED, _SRAM),
    _errors("ecc_errors_dram", _UNCORRECTED, _DRAM),
    _errors("ecc_errors_corrected_sram", _CORRECTED, _SRAM),
    _errors("ecc_errors_corrected_dram", _CORRECTED, _DRAM),
    NvmlCall(
        ("rows_remapped_correctable", "rows_remapped_uncorrectable", "row_remap_pending", "row_remap_failure"), _rows
    ),
    NvmlCall(("retired_pages", *_RETIRED), _retired),
    number("pcie_replays", "nvmlDeviceGetPcieReplayCounter"),
    number("pcie_gen", "nvmlDeviceGetCurrPcieLinkGeneration"),
    number("pcie_gen_max", "nvmlDeviceGetMaxPcieLinkGeneration"),
    number("pcie_width", "nvmlDeviceGetCurrPcieLinkWidth"),
    number("pcie_width_max", "nvmlDeviceGetMaxPcieLinkWidth"),
    number("memory_temperature_limit", "nvmlDeviceGetTemperatureThreshold", _MEMORY_LIMIT),
    NvmlCall(("nvlink_errors",), _link_errors),
    NvmlCall(("fabric_state",), _fabric),
)
"""Every reading of the health of a GPU; what GPUs that get too hot or are slowed down say is not among them."""
