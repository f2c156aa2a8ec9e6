"""What alone decides a condition by comparison with constants, and what the conditions of a rule make of it.

The values of a field (or window, or aggregate) fall into cells: of a number the constants that it is compared with and
the gaps between them, of a text or bool each constant and everything else. No condition on the subject differs between
two values of one cell. What the conditions of one rule make of them depends on nothing else: it is worked out once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

from gpurules.backends.facts import slot_key
from gpurules.backends.text_tests import is_textual, pattern_of
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.model import Kind, Truth, Value, conjunction, disjunction, negation

MISSING = -1
"""The cell of a value that is missing."""

SubjectTerm: TypeAlias = ir.Read | ir.Window | ir.Aggregate | ir.Apply
"""What alone decides a condition, by comparison with constants."""

ColumnKey: TypeAlias = ir.Term
"""What a column is about: a subject, or a condition that rules share and that is its own only part."""


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


class Flips(NamedTuple):
    """What the conditions of a rule on one subject, which must all be TRUE, make of its values.

    They are TRUE as ``at_first`` says below all constants (of a text or bool: of every value that is none of them), as
    ``at_missing`` says where it is missing, and change at each of ``places``: at a constant (0), or right above it (1).
    """

    at_first: bool
    at_missing: bool
    places: tuple[tuple[Value, int], ...]


class _Reader:
    """Evaluates terms of one subject on cells: cells compare and order like the values in them."""

    def __init__(self, cells: Mapping[Value, int]) -> None:
        self._cells = cells

    def flips(self, parts: Sequence[ir.Term], is_ordered: bool) -> Flips:
        """Return what conditions that must all be TRUE make of the values of their subject, cell after cell."""

        def holds(cell: int) -> bool:
            return all(self.truth(part, cell) is True for part in parts)

        before = at_first = holds(0)
        places: list[tuple[Value, int]] = []
        for value, cell in self._cells.items():
            for step in (0, 1) if is_ordered else (0,):
                now = holds(cell + step)
                if now is not before:
                    places.append((value, step))
                before = now if is_ordered else at_first
        return Flips(at_first, holds(MISSING), tuple(places))

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


_WHERE_TRUE = Flips(False, False, ((True, 0),))
"""What a condition makes of itself."""


class SubjectParts:
    """The conditions of one rule on one subject, which must all be TRUE. Immutable; equal if the conditions are."""

    __slots__ = ("_flips", "is_condition", "is_textual", "key", "parts", "subject")

    def __init__(self, subject: ColumnKey, parts: tuple[ir.Term, ...]) -> None:
        self.subject, self.parts = subject, parts
        self.key = subject_key(subject)
        self.is_condition = not is_subject(subject)
        self.is_textual = any(is_textual(part) for part in parts)
        self._flips: Flips | None = None

    def __eq__(self, other: object) -> bool:
        """Return whether *other* is the same conditions."""
        return isinstance(other, SubjectParts) and self.parts == other.parts

    __hash__ = None  # type: ignore[assignment]

    @property
    def flips(self) -> Flips:
        """What they make of the values of the subject."""
        if self._flips is None:
            self._flips = self._worked_out()
        return self._flips

    def _worked_out(self) -> Flips:
        if self.is_condition:
            return _WHERE_TRUE
        is_ordered = self.subject.datatype.kind is Kind.NUMBER
        link = _one_link(self.parts[0]) if len(self.parts) == 1 else None
        if link is not None:
            at_first, steps = _STEPS[link[0]]
            return Flips(at_first, False, tuple([(link[1], step) for step in (steps if is_ordered else (0,))]))
        constants: list[Any] = [False, True] if self.subject.datatype.kind is Kind.BOOL else _constants(self.parts)
        holds = _Reader({value: 2 * n + 1 for n, value in enumerate(sorted(constants) if is_ordered else constants)})
        return holds.flips(self.parts, is_ordered)


def by_subject(parts: Iterable[tuple[ir.Term, ColumnKey]]) -> tuple[SubjectParts, ...]:
    """Return the conditions of one rule, each with what it is about, by their subjects."""
    found: dict[object, tuple[ColumnKey, list[ir.Term]]] = {}
    for part, of in parts:
        found.setdefault(subject_key(of), (of, []))[1].append(part)
    return tuple([SubjectParts(of, tuple(listed)) for of, listed in found.values()])


PartsByRule: TypeAlias = Mapping[int, SubjectParts]
"""The conditions on one subject, for rules by position."""
