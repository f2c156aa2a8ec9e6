"""The values that each number of a GPU can have: what is outside did not come from the device, and is missing.

A driver that cannot read a sensor may answer with all bits set, or with a small negative number in an unsigned one
(4294967256 for -40). The limits are wide enough for every device there is, and narrow enough to keep these out.

Source: NVML API reference, ``NVML_VALUE_NOT_AVAILABLE``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the greatest value, both allowed.

    Units: canonical.
    Missing: ``maximum`` None: there is no limit.
    """

    minimum: float
    maximum: float | None

    def refusal(self, value: float) -> str | None:
        """Return why *value* cannot be, None where it can.

        >>> Range(-50, 200).refusal(4294967256)
        'above 200: 4294967256'
        """
        if value < self.minimum:
            return f"below {self.minimum:g}: {value!r}"
        if self.maximum is not None and value > self.maximum:
            return f"above {self.maximum:.12g}: {value!r}"
        return None


ANY_AMOUNT = Range(0, None)
"""The range of a number that has none of its own: no GPU has less than nothing of anything."""
_PERCENT, _MEMORY = Range(0, 100), Range(0, 1 << 60)
_CELSIUS, _WATTS, _HERTZ = Range(-50, 200), Range(0, 10**6), Range(0, 10**12)
_COUNT, _LINK = Range(0, 10**12), Range(0, 64)

RANGES: Mapping[str, Range] = MappingProxyType(
    {
        "memory": _PERCENT,
        "memory_used": _MEMORY,
        "memory_free": _MEMORY,
        "memory_total": _MEMORY,
        "memory_reserved": _MEMORY,
        "utilization": _PERCENT,
        "memory_busy": _PERCENT,
        "temperature": _CELSIUS,
        "memory_temperature": _CELSIUS,
        "temperature_margin": Range(-100, 200),
        "power": _WATTS,
        "power_limit": _WATTS,
        "energy": Range(0, 10**15),
        "clock_sm": _HERTZ,
        "clock_memory": _HERTZ,
        "fan_speed": _PERCENT,
        "pcie_rx": Range(0, 1 << 41),
        "pcie_tx": Range(0, 1 << 41),
        "nvlink_rx": Range(0, 1 << 50),
        "nvlink_tx": Range(0, 1 << 50),
        "memory_temperature_limit": _CELSIUS,
        "ecc_errors": _COUNT,
        "ecc_errors_corrected": _COUNT,
        "ecc_errors_sram": _COUNT,
        "ecc_errors_dram": _COUNT,
        "ecc_errors_corrected_sram": _COUNT,
        "ecc_errors_corrected_dram": _COUNT,
        "rows_remapped_correctable": _COUNT,
        "rows_remapped_uncorrectable": _COUNT,
        "retired_pages": _COUNT,
        "retired_pages_single_bit": _COUNT,
        "retired_pages_double_bit": _COUNT,
        "pcie_replays": _COUNT,
        "pcie_gen": _LINK,
        "pcie_gen_max": _LINK,
        "pcie_width": _LINK,
        "pcie_width_max": _LINK,
        "nvlink_errors": _COUNT,
        "xid": Range(0, (1 << 31) - 1),
        "process_count": _COUNT,
    }
)
"""The range of each attribute of a GPU; the fields of the language declare the same."""


def range_of(attribute: str) -> Range:
    """Return the range of an attribute of a GPU."""
    return RANGES.get(attribute, ANY_AMOUNT)
