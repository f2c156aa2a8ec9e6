"""Cells: what varies. A cell is one fact that conditions read, with the few values that stand for all of its values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

from gpurules.language import ir
from gpurules.language.nodes import TextOperator
from gpurules.model import Kind, Truth, Value
from gpurules.proofs.lines import Cut, Line, Number, make_line
from gpurules.proofs.texts import distinct

CellKey: TypeAlias = tuple[str, ...]


@dataclass(eq=False, repr=False)
class Cell:
    """One fact: of each GPU, or of the node, the transfer or the workload.

    A set of its values is a mask: bit *i* stands for every value that no condition tells from ``values[i]``, and the
    bit behind the last for the missing value. ``exact`` is False for what is made of other cells (``a / b``): its
    values are real, but which of them go together with those of the other cells is not known.
    """

    index: int
    key: CellKey
    term: ir.Term
    per_gpu: bool
    values: tuple[Value, ...]
    can_be_missing: bool
    exact: bool = True
    line: Line | None = None

    @cached_property
    def missing(self) -> int:
        """The mask of the missing value; 0 where it is always known."""
        return 1 << len(self.values) if self.can_be_missing else 0

    @cached_property
    def known(self) -> int:
        """The mask of every value that is not missing."""
        return (1 << len(self.values)) - 1

    @cached_property
    def full(self) -> int:
        """The mask of every value."""
        return self.known | self.missing

    def __repr__(self) -> str:
        """Show what it is about."""
        return f"<{' '.join(self.key)}>"

    def options(self, mask: int) -> list[Value]:
        """Return the values in *mask*, the missing one last."""
        found: list[Value] = [value for i, value in enumerate(self.values) if mask >> i & 1]
        return [*found, None] if mask & self.missing else found

    def mask_of(self, value: Value) -> int:
        """Return the mask that has *value* in it, 0 where it is outside of the domain."""
        if value is None:
            return self.missing
        if self.line is not None:
            place = self.line.place(value) if isinstance(value, int | float) else None
        else:
            place = next((i for i, v in enumerate(self.values) if v == value), None)
        return 0 if place is None else 1 << place


@dataclass(eq=False)
class Draft:
    """A cell while conditions are still being collected: what they compare it with."""

    key: CellKey
    term: ir.Term
    per_gpu: bool
    minimum: Number | None = None
    maximum: Number | None = None
    integer: bool = False
    members: tuple[Value, ...] = ()
    can_be_missing: bool = True
    exact: bool = True
    cuts: set[Cut] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    patterns: set[tuple[TextOperator, str]] = field(default_factory=set)

    def finished(self, index: int) -> Cell | None:
        """Return the cell, the *index*-th of its universe; None where its texts are too many to tell apart."""
        line, values = None, self.members
        match self.term.datatype.kind:
            case Kind.BOOL:
                values = (False, True)
            case Kind.NUMBER:
                line = make_line(self.minimum, self.maximum, self.integer, self.cuts)
                values = line.numbers
            case _ if not values:
                texts = distinct(self.words, self.patterns)
                if texts is None:
                    return None
                values = tuple(texts)
        return Cell(index, self.key, self.term, self.per_gpu, values, self.can_be_missing, self.exact, line)


Test: TypeAlias = Callable[[Value], Truth]


def masks(cell: Cell, test: Test, cuts: frozenset[Cut]) -> tuple[int, int]:
    """Return for which values *test* is TRUE, and for which FALSE; on a line it changes at *cuts* alone."""
    true = false = 0
    for low, high in _spans(cell, cuts):
        answer = test(cell.values[low])
        span = (1 << high) - (1 << low)
        if answer is True:
            true |= span
        elif answer is False:
            false |= span
    if cell.missing:
        answer = test(None)
        if answer is True:
            true |= cell.missing
        elif answer is False:
            false |= cell.missing
    return true, false


def _spans(cell: Cell, cuts: frozenset[Cut]) -> list[tuple[int, int]]:
    """Return the runs of values on which no cut falls."""
    if cell.line is None:
        return [(i, i + 1) for i in range(len(cell.values))]
    ends = sorted({0, len(cell.values), *(cell.line.below(cut) for cut in cuts)})
    return [(low, high) for low, high in pairwise(ends) if low < high]
