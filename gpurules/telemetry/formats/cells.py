"""Reads one cell of a tool's output: a number in canonical units, or the reason why there is none."""

import math
import re
from functools import lru_cache
from typing import TypeAlias

from gpurules.model import UNITS, Dimension
from gpurules.model.units import Unit

Number: TypeAlias = int | float

NOT_OFFERED = frozenset(
    {
        "", "-", "--", "n/a", "na", "none", "null", "nan", "not supported", "not available", "not active", "no data",
        "insufficient permissions", "requested functionality has been deprecated", "function not found",
        "feature not found", "not found", "not applicable", "unsupported", "deprecated",
    }
)  # fmt: skip
"""What tools write where a value is not to be had, though the device is well."""
LOST = frozenset({"gpu is lost", "gpu lost", "lost", "gpu has fallen off the bus", "no devices were found"})
"""What tools write where the device does not answer at all."""
FAILED = frozenset(
    {
        "unknown error", "unknown", "err!", "error", "gpu requires reset", "gpu requires restart", "reset required",
        "timeout", "driver not loaded", "in use", "gpu access blocked by the operating system", "uninitialized",
        "driver/library version mismatch", "gpu reset required", "internal error", "irq issue",
    }
)  # fmt: skip
"""What tools write where the device should have answered, and failed to."""
_WORDS = NOT_OFFERED | LOST | FAILED
_NUMBER = re.compile(r"([+-]?\d+(?:[.,]\d*)?(?:[eE][+-]?\d{1,3})?)\s*([^\d\s.,].*)?", re.ASCII)
PLAIN_NUMBER = re.compile(r"(\d{1,15})(\.\d{1,9})?(?: ([A-Za-z%/]{1,8}))?", re.ASCII)
"""How nearly every number is written: its digits, its fraction and its unit."""
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_FOLDED = {name.lower(): unit for name, unit in UNITS.items() if unit.dimension in (Dimension.HERTZ, Dimension.BYTES)}
_LONGEST = 64


def plain_text(text: str) -> str:
    """Return the text of a cell, without brackets and in lower case.

    >>> plain_text("[Not Supported]")
    'not supported'
    """
    return text.strip().strip("[]()").strip().lower()


def reason_of_absence(text: str) -> str | None:
    """Return why a cell has no value; None if it has one.

    >>> reason_of_absence("[Unknown Error]")
    'unknown error'
    >>> reason_of_absence("Tesla T4")
    """
    return _absence(text) if len(text) <= _LONGEST else _absence_of_any(text)


def _absence_of_any(text: str) -> str | None:
    stripped = text.strip()
    word = plain_text(stripped)
    if word.startswith("n/a ("):
        return stripped[:_LONGEST]
    if word in _WORDS or (stripped.startswith("[") and stripped.endswith("]")):
        return word[:_LONGEST] or "empty"
    return None


_absence = lru_cache(maxsize=1 << 14)(_absence_of_any)  # most cells of a log repeat


def unit_named(name: str) -> Unit | None:
    """Return the unit for a tool's name of it: ``MiB``, ``%``, ``W``, AMD's ``Mhz``."""
    return UNITS.get(name) or _FOLDED.get(name.lower())


def read_number(text: str, dimension: Dimension, default_unit: str = "") -> tuple[Number | None, str | None]:
    """Return the number in a cell, or the reason why there is none.

    *default_unit* is for a cell without a unit. Integers stay exact.

    Units: canonical ones of *dimension*.
    Missing: the cell says so, or is not a number of *dimension*.

    >>> read_number("81559 MiB", Dimension.BYTES)
    (85520809984, None)
    >>> read_number("653.21", Dimension.WATTS, "W")
    (653.21, None)
    >>> read_number("[N/A]", Dimension.WATTS)
    (None, 'n/a')
    """
    plain = PLAIN_NUMBER.fullmatch(text)
    unit = UNITS.get(plain[3] or default_unit) if plain else None
    if plain and unit is not None and unit.dimension is dimension:  # the case of nearly every number
        return scale_number(float(text[: plain.end(2)]) if plain[2] else int(plain[1]), unit), None
    reason = reason_of_absence(text)
    if reason is not None:
        return None, reason
    text = text.strip()
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None, f"not a number: {text[:_LONGEST]!r}"
    if _THOUSANDS.fullmatch(match[1]):
        return None, f"a comma that may separate thousands or decimals: {text!r}"
    figure = match[1].replace(",", ".")
    value: Number = float(figure) if not figure.lstrip("+-").isdigit() else int(figure)
    if not math.isfinite(value):
        return None, f"not a finite number: {text!r}"
    name = (match[2] or "").strip() or default_unit
    if not name:
        return value, None
    unit = unit_named(name)
    if unit is None or unit.dimension is not dimension:
        return None, f"not in {dimension.value}: {text!r}"
    return scale_number(value, unit), None


def scale_number(value: Number, unit: Unit) -> Number:
    """Return *value* in the canonical unit; whole numbers stay integers."""
    if isinstance(value, int) and value * unit.numerator % unit.denominator == 0:
        return value * unit.numerator // unit.denominator
    return value * unit.numerator / unit.denominator
