"""An index over the parts of many rules that look at one field of a transfer or workload.

The values of a field fall into cells: of a number the constants that rules compare it with and the gaps between them,
of a text or bool each constant and everything else. Within a cell no rule changes its mind, so that a cell has a mask
of the rules that it does not rule out. A transfer is one look-up per field, and an AND of masks.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeAlias

from gpurules.backends.emitter import Names, reading
from gpurules.fields import AMBIENT, Field
from gpurules.language import ir
from gpurules.language.nodes import Comparator
from gpurules.model import Kind, Truth, Value, conjunction, disjunction, negation

MISSING = -1
"""The cell of a value that is missing."""

MAX_TABLE_BYTES = 32 * 1024 * 1024
"""How much the masks of one field may take; beyond, only some are kept, and those between are worked out from them."""

Cells: TypeAlias = Callable[..., tuple[int, ...]]
"""A function of ``s, t, w, z`` (snapshot, transfer, workload, situation): in which cell each indexed field is."""


def indexed_field(term: ir.Term) -> Field | None:
    """Return the field of a transfer or workload that alone decides *term*, by comparison with constants.

    Missing: None where *term* reads anything else, or does anything else with it.
    """
    found: dict[str, Field] = {}
    return next(iter(found.values())) if _fits(term, found) and len(found) == 1 else None


def _fits(term: ir.Term, found: dict[str, Field]) -> bool:
    match term:
        case ir.Read(field):
            found[field.name] = field
            return field.scope not in AMBIENT
        case ir.Constant(value):
            return not isinstance(value, float) or isfinite(value)
        case ir.Compare(_, operands):
            return all(_is_leaf(o) and _fits(o, found) for o in operands)
        case ir.Member(subject, members):
            return _is_leaf(subject) and all(isinstance(m, ir.Constant) for m in members) and _all(term, found)
        case ir.IsMissing(operand):
            return isinstance(operand, ir.Read) and _fits(operand, found)
        case ir.Not() | ir.And() | ir.Or():
            return _all(term, found)
        case _:
            return False


def _all(term: ir.Term, found: dict[str, Field]) -> bool:
    return all(_fits(part, found) for part in ir.children(term))


def _is_leaf(term: ir.Term) -> bool:
    return isinstance(term, ir.Read | ir.Constant)


def _constants(terms: Iterable[ir.Term]) -> list[Value]:
    """Return the values that *terms* compare their field with, each once."""
    found: dict[tuple[bool, Value], Value] = {}
    for term in terms:
        for part in ir.walk(term):
            if isinstance(part, ir.Constant) and part.value is not None:
                found[isinstance(part.value, bool), part.value] = part.value
    return list(found.values())


_COMPARISONS: Mapping[Comparator, Callable[[int, int], bool]] = {
    Comparator.EQ: lambda left, right: left == right,
    Comparator.NE: lambda left, right: left != right,
    Comparator.LT: lambda left, right: left < right,
    Comparator.LE: lambda left, right: left <= right,
    Comparator.GT: lambda left, right: left > right,
    Comparator.GE: lambda left, right: left >= right,
}


class _Reader:
    """Evaluates terms of one field on cells: cells are ordered and told apart as the values in them are."""

    def __init__(self, cells: Mapping[Value, int], is_bool: bool) -> None:
        self._cells = cells
        self._is_bool = is_bool

    def truth(self, term: ir.Term, cell: int) -> Truth:
        """Return what a condition is worth where the field is in *cell*."""
        match term:
            case ir.Compare(comparators, operands):
                places = [self._place(o, cell) for o in operands]
                links = zip(comparators, places, places[1:], strict=False)
                return conjunction([None if a is None or b is None else _COMPARISONS[c](a, b) for c, a, b in links])
            case ir.Member(subject, members):
                places = [self._place(m, cell) for m in members]
                place = self._place(subject, cell)
                return None if place is None else True if place in places else None if None in places else False
            case ir.IsMissing():
                return cell == MISSING
            case ir.Not(operand):
                return negation(self.truth(operand, cell))
            case ir.And(parts):
                return conjunction([self.truth(part, cell) for part in parts])
            case ir.Or(parts):
                return disjunction([self.truth(part, cell) for part in parts])
            case ir.Constant(value):
                return value if isinstance(value, bool) else None
            case _:
                return None if cell == MISSING else cell == self._cells[True]

    def _place(self, term: ir.Term, cell: int) -> int | None:
        if isinstance(term, ir.Constant):
            return None if term.value is None else self._cells[term.value]
        return None if cell == MISSING else cell


class Column:
    """One field: its cells, and for each the rules that it does not rule out."""

    def __init__(self, field: Field, parts: Mapping[int, Sequence[ir.Term]], width: int) -> None:
        """Index *parts*: for rules by position (of *width*), the conditions on *field* that must all be TRUE."""
        self.field = field
        self.is_ordered = field.datatype.kind is Kind.NUMBER
        known: list[Any] = _constants([part for listed in parts.values() for part in listed])
        if field.datatype.kind is Kind.BOOL:
            known = [False, True]
        self.cuts: list[Any] = sorted(known) if self.is_ordered else known
        self.cells: dict[Value, int] = (
            {cut: 2 * number + 1 for number, cut in enumerate(self.cuts)}
            if self.is_ordered
            else {value: number for number, value in enumerate(self.cuts, start=1)}
        )
        count = 2 * len(self.cuts) + 1 if self.is_ordered else len(self.cuts) + 1
        self._flips: list[list[int]] = [[] for _ in range(count)]
        free = (1 << width) - 1
        for position in parts:
            free ^= 1 << position
        self.mask: Callable[[int], int] = self._worked_out
        """Return the rules that a value in a cell does not rule out."""
        first, self._missing = self._filled(parts, free)
        self._stride = max(1, count * width // 8 // MAX_TABLE_BYTES + 1)
        self._kept = self._masks(first)
        if self._stride == 1:
            self.mask = [*self._kept, self._missing].__getitem__  # MISSING is -1

    def _filled(self, parts: Mapping[int, Sequence[ir.Term]], free: int) -> tuple[int, int]:
        """Note at which cells rules change their mind; return the masks of cell 0 and of a missing value."""
        reader = _Reader(self.cells, self.field.datatype.kind is Kind.BOOL)
        first = missing = free
        for position, listed in parts.items():

            def holds(cell: int, listed: Sequence[ir.Term] = listed) -> bool:
                return all(reader.truth(part, cell) is True for part in listed)

            own = sorted(self.cells[value] for value in _constants(listed)) if self.is_ordered else self.cells.values()
            before = start = holds(0)
            first |= start << position
            missing |= holds(MISSING) << position
            for cell in own:
                if not self.is_ordered:
                    if holds(cell) is not start:
                        self._flips[cell].append(position)
                    continue
                for at in (cell, cell + 1):
                    now = holds(at)
                    if now is not before:
                        self._flips[at].append(position)
                    before = now
        return first, missing

    def _masks(self, first: int) -> list[int]:
        """Return the masks of every ``stride``-th cell."""
        masks, mask = [first], first
        for cell in range(1, len(self._flips)):
            mask = self._flipped(mask if self.is_ordered else first, cell)
            if cell % self._stride == 0:
                masks.append(mask)
        return masks

    def _flipped(self, mask: int, cell: int) -> int:
        for position in self._flips[cell]:
            mask ^= 1 << position
        return mask

    def _worked_out(self, cell: int) -> int:
        if cell == MISSING:
            return self._missing
        kept, steps = divmod(cell, self._stride)
        if not steps:
            return self._kept[kept]
        if not self.is_ordered:
            return self._flipped(self._kept[0], cell)
        mask = self._kept[kept]
        for at in range(cell - steps + 1, cell + 1):
            mask = self._flipped(mask, at)
        return mask

    def emit(self, number: int, names: Names) -> list[str]:
        """Return the lines that put the cell of this field into the variable ``c`` *number*."""
        value, cell = f"v{number}", f"c{number}"
        lines = [f"{value} = {reading(self.field, names)}"]
        if not self.is_ordered:
            table = names.bind({None: MISSING, **self.cells})
            return [*lines, f"{cell} = {table}.get({value}, 0)"]
        cuts, right = names.bind(self.cuts), names.bind(bisect_right)
        return [
            *lines,
            f"if {value} is None:",
            f"    {cell} = {MISSING}",
            "else:",
            f"    i = {right}({cuts}, {value})",
            f"    {cell} = 2 * i - ({cuts}[i - 1] == {value})",
        ]


class Index:
    """Columns for all the rules that only look at transfer and workload by comparing fields with constants."""

    def __init__(self, rules: Mapping[int, Sequence[ir.Term]], width: int) -> None:
        """Index *rules*: by position (of *width*), the parts of their conditions; each has an ``indexed_field``."""
        by_field: dict[str, dict[int, list[ir.Term]]] = {}
        fields: dict[str, Field] = {}
        for position, parts in rules.items():
            for part in parts:
                field = indexed_field(part)
                assert field is not None
                fields[field.name] = field
                by_field.setdefault(field.name, {}).setdefault(position, []).append(part)
        columns = [Column(fields[name], listed, width) for name, listed in by_field.items()]
        self.columns = tuple(sorted(columns, key=lambda column: len(column.cuts)))  # the cheapest to look up first
        self._masks = tuple(column.mask for column in self.columns)

    def source(self, names: Names) -> str:
        """Return the source of ``cells(s, t, w, z)``."""
        lines = [line for number, column in enumerate(self.columns) for line in column.emit(number, names)]
        found = "".join(f"c{number}, " for number in range(len(self.columns)))
        return "\n".join(["def cells(s, t, w, z):", *(f"    {line}" for line in lines), f"    return ({found})", ""])

    def mask(self, cells: tuple[int, ...], active: int) -> int:
        """Return the rules among *active* that no cell rules out."""
        for mask, cell in zip(self._masks, cells, strict=True):
            active &= mask(cell)
            if not active:
                break
        return active
