"""An index over the parts of many rules that compare fields of a transfer or workload with constants.

A transfer is one look-up per field, and an AND of masks.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from gpurules.backends.columns import Subject, columns_of, subject
from gpurules.backends.emitter import Names, reading
from gpurules.backends.python import RuleTerm
from gpurules.fields import AMBIENT
from gpurules.language import ir

Cells: TypeAlias = Callable[..., tuple[int, ...]]
"""A function of ``s, t, w, z`` (snapshot, transfer, workload, situation): in which cell each indexed field is."""

IndexedPart: TypeAlias = tuple[ir.Term, Subject]
"""A part of a condition, and the one field that it is about."""


def indexed_parts(rule: RuleTerm) -> tuple[IndexedPart, ...]:
    """Return the parts of a rule that look at transfer or workload, if there are any and an index can hold them all."""
    if rule.of_workload:
        return ()
    found: list[IndexedPart] = []
    for part in rule.contextual:
        of = subject(part)
        if not isinstance(of, ir.Read) or of.field.scope in AMBIENT:
            return ()
        found.append((part, of))
    return tuple(found)


class Index:
    """Columns for all the rules that only look at transfer and workload by comparing fields with constants."""

    def __init__(self, parts: Iterable[tuple[int, ir.Term, Subject]], width: int) -> None:
        """Index *parts*: positions of rules (of *width*), conditions of theirs, and the field that each is about."""
        # the cheapest to look up first
        self.columns = tuple(sorted(columns_of(parts, width), key=lambda column: len(column.cuts)))
        self._masks = tuple(column.mask for column in self.columns)

    def source(self, names: Names) -> str:
        """Return the source of ``cells(s, t, w, z)``."""
        lines: list[str] = []
        for number, column in enumerate(self.columns):
            assert isinstance(column.subject, ir.Read)
            lines.append(f"v{number} = {reading(column.subject.field, names)}")
            lines += column.emit(f"c{number}", f"v{number}", names)
        found = "".join(f"c{number}, " for number in range(len(self.columns)))
        return "\n".join(["def cells(s, t, w, z):", *(f"    {line}" for line in lines), f"    return ({found})", ""])

    def mask(self, cells: tuple[int, ...], active: int) -> int:
        """Return the rules among *active* that no cell rules out."""
        for mask, cell in zip(self._masks, cells, strict=True):
            active &= mask(cell)
            if not active:
                break
        return active
