"""Repairs rows with more cells than columns: commas in names, times and numbers.

A repair is made only if every cell of the row then fits its column, and only if there is exactly one way.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from itertools import islice

from gpurules.telemetry.formats.cells import read_number, reason_of_absence
from gpurules.telemetry.formats.nvidia.query_fields import EVENTS, QUANTITY_OF, QueryQuantity
from gpurules.telemetry.recordings.times import read_time

MAX_SURPLUS = 24
"""Rows with more surplus cells are not repaired: no name and no number has this many commas."""
_NAMES = ("name", "process_name")
_WHOLE = re.compile(r"[+-]?(?:0|[1-9]\d{0,8})", re.ASCII)
_DECIMALS = re.compile(r"\d{1,9}(?:\s*[^\d\s,;]+)?", re.ASCII)
_FRACTION = re.compile(r"\d{1,9}\s*(?:Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII)
_FIGURE = re.compile(r"[+-]?\d[\d.]*\s*(?:%|[A-Za-z]{1,3}(?:/s)?)?", re.ASCII)
_ZERO_PADDED = re.compile(r"[+-]?0\d")


def align(row: Sequence[str], names: Sequence[str], units: Mapping[str, str]) -> list[str] | None:
    """Return the cells of *row* joined to one for each column; None unless there is exactly one way."""
    surplus = len(row) - len(names)
    if not 0 <= surplus <= MAX_SURPLUS:
        return None
    found = list(islice(_ways(row, names, units, surplus), 2))
    return found[0] if len(found) == 1 else None


def _ways(row: Sequence[str], names: Sequence[str], units: Mapping[str, str], surplus: int) -> Iterator[list[str]]:
    if not names:
        if not row:
            yield []
        return
    for cells in range(1, surplus + 2):
        joined = _join_cells(names[0], row[:cells], units)
        if joined is not None:
            for rest in _ways(row[cells:], names[1:], units, surplus - cells + 1):
                yield [joined, *rest]


def _join_cells(name: str, cells: Sequence[str], units: Mapping[str, str]) -> str | None:
    """Return *cells* joined to one cell of a column; None if that is impossible."""
    if len(cells) == 1:
        return cells[0] if _fits(name, cells[0], units) else None
    if name in _NAMES:
        return ", ".join(cells) if not any(map(_is_figure, cells)) else None
    if len(cells) != 2:
        return None
    text = ",".join(cells)
    if name == "timestamp":
        return text if _FRACTION.fullmatch(cells[1]) and read_time(text, UTC) is not None else None
    if name in QUANTITY_OF and _WHOLE.fullmatch(cells[0]) and _DECIMALS.fullmatch(cells[1]):
        return text if _fits(name, text, units) else None
    return None


def _is_figure(cell: str) -> bool:
    """Return whether a cell is a value by itself, and so not part of a name."""
    return (
        bool(_FIGURE.fullmatch(cell) or _FRACTION.fullmatch(cell))
        or reason_of_absence(cell) is not None
        or read_time(cell, UTC) is not None
    )


def _fits(name: str, cell: str, units: Mapping[str, str]) -> bool:
    """Return whether a cell fits the column *name*."""
    quantity: QueryQuantity | None = QUANTITY_OF.get(name)
    if quantity is not None:
        value, _ = read_number(cell, quantity.dimension, units.get(name) or quantity.unit)
        is_in_range = value is not None and quantity.refusal(value) is None and not _ZERO_PADDED.match(cell)
        return is_in_range or reason_of_absence(cell) is not None
    if name == "timestamp":
        return read_time(cell, UTC) is not None
    if name in ("index", "pid"):
        return cell.isdecimal() or reason_of_absence(cell) is not None
    if name.startswith(EVENTS):
        return cell.startswith("0x") or cell in ("Active", "Not Active") or reason_of_absence(cell) is not None
    if name == "uuid":
        return cell.startswith(("GPU-", "MIG-")) or reason_of_absence(cell) is not None
    return not (name in _NAMES and _is_figure(cell) and reason_of_absence(cell) is None)
