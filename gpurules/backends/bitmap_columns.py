"""Bitmap index over one subject: for each range of its values the mask of the rules that it does not rule out.

The values of a field (or window, or aggregate) fall into cells: of a number the constants that rules compare it with
and the gaps between them, of a text or bool each constant and everything else. No condition on the subject differs
between two values of one cell, so each cell has one mask of the rules that it does not rule out (a bitmap index; O'Neil
and Quass 1997). Bit n is the rule at position n. For a number with the breakpoints 50 and 80::

    missing    below 50    50    between    80    above 80
      -1          0         1       2        3       4        cell of breakpoint i: 2i + 1

Masks of neighboring cells differ by few bits, so only the positions that flip are kept, and every n-th mask.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeAlias

from gpurules.backends.emitter import NameSupply
from gpurules.backends.facts import slot_key
from gpurules.backends.text_column import MISSING, TextColumn
from gpurules.backends.text_tests import is_textual, pattern_of
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.model import Kind, Truth, Value, conjunction, disjunction, negation

MAX_TABLE_BYTES = 32 * 1024 * 1024
"""How much the masks of one subject may take; beyond, only some are kept, and the others worked out from them."""

SubjectTerm: TypeAlias = ir.Read | ir.Window | ir.Aggregate | ir.Apply
"""What alone decides a condition, by comparison with constants."""

ColumnKey: TypeAlias = ir.Term
"""What a column is about: a subject, or a condition that rules share and that is its own only part."""

PartsByRule: TypeAlias = Mapping[int, Sequence[ir.Term]]
"""For rules by position, the conditions on one subject that must all be TRUE."""


def subject_of(part: ir.Term) -> SubjectTerm | None:
    """Return the field, window or aggregate that alone decides *part*, by comparison with constants.

    Missing: None where *part* reads anything else, or does anything else with it.
    """
    if isinstance(part, ir.Compare) and len(part.operands) == 2:
        one, other = part.operands
        if isinstance(one, ir.Read | ir.Window) and isinstance(other, ir.Constant) and _is_usual(other.value):
            return one
    found: dict[object, SubjectTerm] = {}
    return next(iter(found.values())) if _fits(part, found) and len(found) == 1 else None


def subject_key(of: ColumnKey) -> object:
    """Return what equal subjects have in common."""
    if isinstance(of, ir.Read):
        return of.field.name
    return slot_key(of) if isinstance(of, ir.Window) else of


def _fits(term: ir.Term, found: dict[object, SubjectTerm]) -> bool:
    match term:
        case ir.Read() | ir.Window() | ir.Aggregate():
            found[subject_key(term)] = term
            return True
        case ir.Apply():
            found[subject_key(term)] = term
            return is_subject(term)
        case ir.TextTest(_, subject):
            return _is_leaf(subject) and pattern_of(term) is not None and _fits(subject, found)
        case ir.Constant(value):
            return _is_usual(value)
        case ir.Compare(_, operands):
            return all(_is_leaf(o) and _fits(o, found) for o in operands)
        case ir.Member(of, members):
            return _is_leaf(of) and all(isinstance(m, ir.Constant) for m in members) and _all(term, found)
        case ir.IsMissing(operand):
            return _is_leaf(operand) and not isinstance(operand, ir.Constant) and _fits(operand, found)
        case ir.Not() | ir.And() | ir.Or():
            return _all(term, found)
        case _:
            return False


def _all(term: ir.Term, found: dict[object, SubjectTerm]) -> bool:
    return all(_fits(part, found) for part in ir.children(term))


def _is_leaf(term: ir.Term) -> bool:
    return isinstance(term, ir.Constant) or is_subject(term)


def is_subject(term: ir.Term) -> bool:
    """Return whether *term* is what a column can be about: it is read, and nothing else is done with it."""
    if isinstance(term, ir.Apply):
        return term.function in ("lower", "upper") and isinstance(term.arguments[0], ir.Read)
    return isinstance(term, ir.Read | ir.Window | ir.Aggregate)


def _is_usual(value: Value) -> bool:
    return not isinstance(value, float) or isfinite(value)


def _constants(terms: Iterable[ir.Term]) -> list[Value]:
    """Return the values that *terms* compare their subject with, each once."""
    found: dict[tuple[bool, Value], Value] = {}
    for term in terms:
        link = _one_link(term)
        for value in (
            [link[1]]
            if link
            else [p.value for p in ir.walk(term, leaves=(ir.Aggregate,)) if isinstance(p, ir.Constant)]
        ):
            if value is not None:
                found[isinstance(value, bool), value] = value
    return list(found.values())


_COMPARISONS: Mapping[Comparator, Callable[[int, int], bool]] = {
    Comparator.EQ: lambda left, right: left == right,
    Comparator.NE: lambda left, right: left != right,
    Comparator.LT: lambda left, right: left < right,
    Comparator.LE: lambda left, right: left <= right,
    Comparator.GT: lambda left, right: left > right,
    Comparator.GE: lambda left, right: left >= right,
}
_STEPS: Mapping[Comparator, tuple[bool, tuple[int, ...]]] = {
    Comparator.EQ: (False, (0, 1)),
    Comparator.NE: (True, (0, 1)),
    Comparator.LT: (True, (0,)),
    Comparator.LE: (True, (1,)),
    Comparator.GT: (False, (1,)),
    Comparator.GE: (False, (0,)),
}
"""Of a comparison with a constant: whether it holds far below, and how far from the constant's cell it changes."""


def _one_link(part: ir.Term) -> tuple[Comparator, Value] | None:
    """Return the comparator and the constant of a part that is ``subject < constant``, as nearly all are."""
    if isinstance(part, ir.Compare) and len(part.operands) == 2:
        of, constant = part.operands
        if isinstance(constant, ir.Constant) and constant.value is not None and not isinstance(of, ir.Constant):
            return part.comparators[0], constant.value
    return None


class _Reader:
    """Evaluates terms of one subject on cells: cells compare and order like the values in them."""

    def __init__(self, cells: Mapping[Value, int], is_bool: bool) -> None:
        self._cells = cells
        self._is_bool = is_bool

    def truth(self, term: ir.Term, cell: int) -> Truth:
        """Return the value of a condition where its subject is in *cell*."""
        match term:
            case ir.Compare(comparators, operands):
                places = [self._place(o, cell) for o in operands]
                links = zip(comparators, places, places[1:], strict=False)
                return conjunction([None if a is None or b is None else _COMPARISONS[c](a, b) for c, a, b in links])
            case ir.Member(of, members):
                places = [self._place(m, cell) for m in members]
                place = self._place(of, cell)
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


class BitmapColumn:
    """One subject: its cells, and for each the rules that it does not rule out."""

    def __init__(self, of: ColumnKey, parts: PartsByRule, width: int) -> None:
        """Index *parts* for rules that are numbered below *width*; those that have none here are never ruled out."""
        self.subject = of
        self.is_condition = not is_subject(of)
        kind = of.datatype.kind
        self.is_ordered = kind is Kind.NUMBER
        is_bool = kind is Kind.BOOL
        known: list[Any] = [False, True] if is_bool else _constants([p for listed in parts.values() for p in listed])
        self.breakpoints: list[Any] = sorted(known) if self.is_ordered else known
        self.cells: dict[Value, int] = (
            {point: 2 * number + 1 for number, point in enumerate(self.breakpoints)}
            if self.is_ordered
            else {value: number for number, value in enumerate(self.breakpoints, start=1)}
        )
        self._reader = _Reader(self.cells, is_bool)
        count = 2 * len(self.breakpoints) + 1 if self.is_ordered else len(self.breakpoints) + 1
        self._flips: list[list[int]] = [[] for _ in range(count)]
        self.mask: Callable[[int], int] = self._worked_out
        """Return the rules that a value in a cell does not rule out."""
        first, self._missing = self._filled(parts, width)
        self._stride = max(1, count * width // 8 // MAX_TABLE_BYTES + 1)
        self._kept = self._masks(first)
        if self._stride == 1:
            self.mask = [*self._kept, self._missing].__getitem__  # MISSING is -1

    def _filled(self, parts: PartsByRule, width: int) -> tuple[int, int]:
        """Note at which cells rules change their mind; return the masks of cell 0 and of a missing value."""
        first, missing = _Bits(width, parts), _Bits(width, parts)
        for position, listed in parts.items():
            if self.is_condition:
                self._flips[self.cells[True]].append(position)
                continue
            link = _one_link(listed[0]) if len(listed) == 1 else None
            if link is not None:
                is_at_first, is_at_missing = self._fill_link(position, *link), False
            else:
                is_at_first, is_at_missing = self._fill(position, listed)
            first.set(position, is_at_first)
            missing.set(position, is_at_missing)
        return first.number, missing.number

    def _fill_link(self, position: int, comparator: Comparator, constant: Value) -> bool:
        """Note where a comparison with one constant changes; return whether it holds in cell 0."""
        is_at_first, steps = _STEPS[comparator]
        cell = self.cells[constant]
        for step in steps if self.is_ordered else (0,):
            self._flips[cell + step].append(position)
        return is_at_first

    def _fill(self, position: int, listed: Sequence[ir.Term]) -> tuple[bool, bool]:
        """Note where conditions that must all be TRUE change; return whether they are in cell 0, and of missing."""

        def holds(cell: int) -> bool:
            return all(self._reader.truth(part, cell) is True for part in listed)

        before = start = holds(0)
        if self.is_ordered:
            for cell in sorted(self.cells[value] for value in _constants(listed)):
                for at in (cell, cell + 1):
                    now = holds(at)
                    if now is not before:
                        self._flips[at].append(position)
                    before = now
        else:
            for cell in self.cells.values():
                if holds(cell) is not start:
                    self._flips[cell].append(position)
        return start, holds(MISSING)

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

    def emit(self, cell: str, value: str, names: NameSupply) -> list[str]:
        """Return the lines that put the cell of *value* into the variable *cell*."""
        if not self.is_ordered:
            table = names.bind({None: MISSING, **self.cells})
            return [f"{cell} = {table}.get({value}, 0)"]
        if not self.breakpoints:
            return [f"{cell} = {MISSING} if {value} is None else 0"]
        breakpoints, right = names.bind(self.breakpoints), names.bind(bisect_right)
        return [
            f"if {value} is None:",
            f"    {cell} = {MISSING}",
            "else:",
            f"    {cell} = {right}({breakpoints}, {value})",
            f"    {cell} = 2 * {cell} - ({breakpoints}[{cell} - 1] == {value})",
        ]


class _Bits:
    """A mask that is filled bit by bit, in time that does not grow with its width for each."""

    def __init__(self, width: int, without: Iterable[int]) -> None:
        """Begin with all of *width* bits set but those of *without*."""
        self._bytes = bytearray(b"\xff" * (width // 8) + bytes([(1 << width % 8) - 1]))
        for position in without:
            self._bytes[position >> 3] &= ~(1 << (position & 7))

    def set(self, position: int, value: bool) -> None:
        """Set a bit that is not set if *value* says so."""
        if value:
            self._bytes[position >> 3] |= 1 << (position & 7)

    @property
    def number(self) -> int:
        """The mask."""
        return int.from_bytes(self._bytes, "little")


Column: TypeAlias = BitmapColumn | TextColumn
"""The index over one subject."""


def columns_of(parts: Iterable[tuple[int, ir.Term, ColumnKey]], width: int) -> list[Column]:
    """Return a column for each subject of *parts*: the position of the rule, its condition, and what that is about."""
    found: dict[object, tuple[ColumnKey, dict[int, list[ir.Term]]]] = {}
    for position, part, of in parts:
        key = subject_key(of)
        known = found.get(key)
        if known is None:
            known = found[key] = (of, {})
        listed = known[1].get(position)
        if listed is None:
            known[1][position] = [part]
        else:
            listed.append(part)
    return [_column(of, listed, width) for of, listed in found.values()]


def _column(of: ColumnKey, parts: PartsByRule, width: int) -> Column:
    is_text = is_subject(of) and of.datatype.kind is Kind.STRING
    if is_text and any(is_textual(part) for listed in parts.values() for part in listed):
        return TextColumn(of, parts, width)
    return BitmapColumn(of, parts, width)
