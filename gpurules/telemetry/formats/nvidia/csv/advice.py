"""Guesses the columns of an nvidia-smi log without a header, for an actionable message."""

import re
from collections.abc import Sequence
from datetime import UTC

from gpurules.telemetry.recordings.times import read_time

ROUNDING = 2
"""MiB by which the sum of two rounded amounts may differ."""
_UNITS = {
    "%": ("utilization.gpu", "utilization.memory", "fan.speed"),
    "W": ("power.draw", "power.limit"),
    "MHz": ("clocks.sm", "clocks.mem"),
    "C": ("temperature.gpu", "temperature.memory"),
}


def _amounts(rows: Sequence[Sequence[str]], column: int) -> list[int]:
    cells = [row[column].removesuffix(" MiB") for row in rows if column < len(row)]
    return [int(cell) for cell in cells if cell.isdecimal() and len(cell) < 10]


def _memory_names(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> list[str]:
    """Identify memory columns by their sums: a constant is the total, a constant sum means used and free."""
    amounts = [_amounts(rows, column) for column in columns]
    if len(columns) == 2 and amounts[0] and len(amounts[0]) == len(amounts[1]):
        first, second = amounts
        if len(set(first)) == 1 < len(set(second)):
            return ["memory.total", "memory.used"]
        if len(set(second)) == 1 < len(set(first)):
            return ["memory.used", "memory.total"]
        sums = [a + b for a, b in zip(first, second)]
        if max(sums) - min(sums) <= ROUNDING and len(set(first)) > 1:
            return ["memory.used", "memory.free"]
        return ["memory.used", "memory.total"] if max(first) <= min(second) else ["memory.total", "memory.used"]
    if len(columns) == 3 and all(amounts):
        total = max(range(3), key=lambda at: amounts[at][0])
        rest = iter(("memory.used", "memory.free"))
        return ["memory.total" if at == total else next(rest) for at in range(3)]
    return ["memory.used", *["-"] * (len(columns) - 1)]


def _bare_name(cell: str, taken: set[str]) -> str:
    if cell.startswith(("GPU-", "MIG-")):
        return "uuid"
    if re.fullmatch(r"[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d", cell):
        return "pci.bus_id"
    if re.fullmatch(r"P\d\d?", cell):
        return "pstate"
    if cell.isdecimal() and len(cell) < 4:
        return "index" if int(cell) < 16 and "index" not in taken else "temperature.gpu"
    return "name" if len(cell) > 2 and cell[0].isalpha() else "-"


def guess_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the likely query field of each column, ``-`` if there is no evidence."""
    first = rows[0]
    memory = [at for at, cell in enumerate(first) if cell.endswith(" MiB")]
    names = dict(zip(memory, _memory_names(rows, memory))) if memory else {}
    taken: set[str] = set(names.values())
    for at, cell in enumerate(first):
        if at in names:
            continue
        unit = cell.split(" ")[-1] if " " in cell else ""
        candidates = _UNITS.get(unit) or (
            ("timestamp",) if read_time(cell, UTC) is not None else (_bare_name(cell, taken),)
        )
        names[at] = next((name for name in candidates if name not in taken), "-")
        taken.add(names[at])
    return [names[at] for at in range(len(first))]


def suggest_columns(rows: Sequence[Sequence[str]], first_line: str) -> str:
    """Return the message for a log that has no header."""
    names = ",".join(guess_columns(rows)) if len(rows[0]) <= 64 else "timestamp,..."
    return (
        f"the log has no header, so its columns are unknown; its first row is {first_line[:200]!r}; "
        f"name them as for --query-gpu (- skips a column), perhaps --columns {names}"
    )
