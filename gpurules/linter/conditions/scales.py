"""The scale that people mean by a number: what a field usually is, and the unit that brings a number there."""

import re

from gpurules.linter.conditions.comparisons import Comparison
from gpurules.model import Dimension
from gpurules.records import Record, record


@record
class _Usual(Record):
    """How small a number has to be to look odd, and the units that it was meant in.

    ``units`` are pairs: a number below the first is meant in the second; the last serves for every other number.
    """

    least: float
    units: tuple[tuple[float, str], ...]


_MEMORY = _Usual(1024**2, ((256, "GiB"), (1024**2, "MiB")))
_CLOCK = _Usual(1e6, ((10, "GHz"), (1e6, "MHz")))
_RATE = _Usual(1024**2, ((200, "GiB/s"), (1024**2, "MiB/s")))
_STORAGE_RATE = _Usual(100 * 1024, ((10, "GiB/s"), (100 * 1024, "MiB/s")))
_FILE = _Usual(4096, ((10, "GiB"), (4096, "MiB")))
_USUAL = {
    **dict.fromkeys(
        ("gpu_memory_used", "gpu_memory_free", "gpu_memory_total", "gpu_memory_reserved", "memory_footprint"), _MEMORY
    ),
    **dict.fromkeys(("gpu_clock_sm", "gpu_clock_memory"), _CLOCK),
    **dict.fromkeys(("gpu_pcie_rx", "gpu_pcie_tx", "gpu_nvlink_rx", "gpu_nvlink_tx"), _RATE),
    "io_throughput": _STORAGE_RATE,
    **dict.fromkeys(("transfer_size", "pending_bytes"), _FILE),
}
_MAY_BE_ONE = frozenset({"transfer_size", "pending_bytes"})
"""What is empty or not: 1 is an ordinary limit."""
_IN_BASE_UNIT = re.compile(r"([0-9][0-9_.]*)(?:B/s|B|Hz)?")


def better_scale(comparison: Comparison) -> str | None:
    """Return the quantity that a literal of a very odd scale was probably meant to be, None where it is not odd.

    Numbers without a unit, and in the base unit, are checked: with kB or MHz the author considered the scale.

    Missing: None too where the field has no usual range, as one that a ruleset declares.
    """
    value, spelling = comparison.constant.value, comparison.constant.spelling
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        return None
    field = comparison.field
    if field.datatype.dimension is Dimension.PERCENT:
        return f"{value * 100:g}%" if value < 1 and "." in spelling else None
    usual, written = _USUAL.get(field.name), _IN_BASE_UNIT.fullmatch(spelling)
    if usual is None or written is None or value >= usual.least or (value == 1 and field.name in _MAY_BE_ONE):
        return None
    return written[1] + next(unit for below, unit in usual.units if value < below)
