"""From formulas over all GPUs to formulas over a given number of them."""

from typing import TypeAlias

from gpurules.proofs.domains.variables import AbstractVariable
from gpurules.proofs.formulas.formula import (
    AtLeast,
    AtMost,
    Atom,
    ByCount,
    Conjunction,
    Disjunction,
    Distinguished,
    Formula,
    negation,
)
from gpurules.records import Alone, record

SLOT_BITS = 6
MOST_GPUS = (1 << SLOT_BITS) - 2
"""More GPUs than these are not tried."""


@record
class Literal(Alone):
    """The variable has one of the values in the mask."""

    variable: int
    mask: int


@record
class Every(Alone):
    """All parts hold."""

    parts: tuple["Ground", ...]


@record
class Count(Alone):
    """At least ``least`` of the parts hold; with 1 that is OR. ``alike``: each part says the same of another GPU."""

    least: int
    parts: tuple["Ground", ...]
    alike: bool = False


Ground: TypeAlias = Literal | Every | Count


def slots_in(ground: Ground) -> int:
    """Return the slots of the GPUs that *ground* speaks of, as bits."""
    found, stack = 0, [ground]
    while stack:
        part = stack.pop()
        if isinstance(part, Literal):
            slot = slot_of(part.variable)
            found |= 0 if slot is None else 1 << slot
        else:
            stack.extend(part.parts)
    return found


def ground_name(variable: AbstractVariable, slot: int | None) -> int:
    """Return the variable of *variable* on the GPU in *slot*; a variable that is not per GPU has one variable."""
    return variable.index << SLOT_BITS | (0 if slot is None or not variable.per_gpu else slot + 1)


def variable_index(name: int) -> int:
    """Return the index of the variable that a variable belongs to."""
    return name >> SLOT_BITS


def slot_of(name: int) -> int | None:
    """Return the slot of a variable, None where it is not per GPU."""
    slot = name & (1 << SLOT_BITS) - 1
    return slot - 1 if slot else None


class Grounding:
    """Writes formulas out for a node with ``count`` GPUs; the question is about the first."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._known: dict[tuple[int, int | None], tuple[Formula, Ground]] = {}

    @property
    def size(self) -> int:
        """How many parts have been written out."""
        return len(self._known)

    def of(self, formula: Formula, slot: int | None = None) -> Ground:
        """Return *formula* as it is for the GPU in *slot*."""
        key = (id(formula), slot)
        found = self._known.get(key)
        if found is not None:
            return found[1]
        ground = self._of(formula, slot)
        self._known[key] = (formula, ground)
        return ground

    def _of(self, formula: Formula, slot: int | None) -> Ground:
        match formula:
            case Atom(variable, mask):
                return Literal(ground_name(variable, slot), mask)
            case Conjunction(parts):
                return Every(tuple(self.of(part, slot) for part in parts))
            case Disjunction(parts):
                return Count(1, tuple(self.of(part, slot) for part in parts))
            case AtLeast(count, body):
                return self._at_least(count, body)
            case AtMost(count, body):
                return self._at_least(self._count - count, negation(body))
            case Distinguished(body):
                return self.of(body, 0) if self._count else Count(1, ())
            case ByCount():
                model = formula.none if not self._count else formula.one if self._count == 1 else formula.several
                return self.of(model, slot)

    def _at_least(self, count: int, body: Formula) -> Ground:
        if count <= 0:
            return Every(())
        if count > self._count:
            return Count(1, ())
        parts = tuple(self.of(body, slot) for slot in range(self._count))
        return Every(parts) if count == len(parts) else Count(count, parts, alike=True)


def gpus_needed(formula: Formula) -> int:
    """Return how many GPUs are enough to make *formula* hold, if any number is.

    A GPU that no "some" or "at least" needs can be taken away; what must hold of every GPU then still does. All that
    the question is about is one GPU, however often it is spoken of.
    """
    return _needed(formula) + _is_pointed(formula)


def _is_pointed(formula: Formula) -> bool:
    """Return whether *formula* speaks of the GPU that the question is about."""
    stack: list[Formula] = [formula]
    while stack:
        match stack.pop():
            case Distinguished():
                return True
            case Conjunction(parts) | Disjunction(parts):
                stack.extend(parts)
            case AtLeast(_, body) | AtMost(_, body):
                stack.append(body)
            case ByCount(none, one, several):
                stack += [none, one, several]
            case Atom():
                pass
    return False


def _needed(formula: Formula) -> int:
    """Return how many GPUs are enough beside the one that the question is about."""
    match formula:
        case Atom():
            return 0
        case Conjunction(parts):
            return sum(_needed(part) for part in parts)
        case Disjunction(parts):
            return max((_needed(part) for part in parts), default=0)
        case AtLeast(count, body):
            return count + _needed(body)
        case AtMost(_, body):
            return _needed(negation(body))
        case Distinguished(body):
            return _needed(body)
        case ByCount():
            return max(2, *(_needed(f) for f in (formula.none, formula.one, formula.several)))
