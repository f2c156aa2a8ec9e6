"""Abstractions of conditions: cheap over- and under-approximations, so that most questions need no search.

A point (under-approximation) proves that a formula can hold, a hull (over-approximation) that it cannot; where neither
does, the question is left to the prover.
"""

from collections.abc import Iterable
from functools import reduce

from gpurules.language.terms import ir
from gpurules.proofs.formulas.assignments import (
    PartialAssignment,
    Projection,
    highest_bit,
    holds,
    hull_of,
    lowest_bit,
    satisfying_mask,
)
from gpurules.proofs.formulas.claims import ScopedCondition
from gpurules.proofs.formulas.formula import Atom, DualRail, Formula, support
from gpurules.proofs.prover import Prover
from gpurules.records import Record, record

_MOST_WAYS = 3
"""Number of ways in which a formula can hold that are tried: those of an OR by its first arms."""


@record
class Abstraction(Record):
    """What is plain of one formula.

    ``support`` has a bit for each independence class that it depends on; ``needed`` those whose facts must not all have
    their defaults, ``known`` those of them that must not be missing.
    ``points`` are assignments in which it holds: none where that would take a search.
    """

    hull: Projection
    support: int
    needed: int
    known: int
    points: tuple[PartialAssignment, ...]


class Screening:
    """Computes abstractions over the variables of *prover*.

    An independence class is a set of variables that axioms tie together; different classes vary freely.
    """

    def __init__(self, prover: Prover) -> None:
        self._prover = prover
        independence_classes = prover.independence_classes()
        self._class_of = {index: 1 << first for index, first in independence_classes.items()}
        firsts = list(independence_classes.values())
        self._joined = reduce(int.__or__, (1 << first for first in firsts if firsts.count(first) > 1), 0)
        self.per_gpu = frozenset(index for index, variable in prover.variables.items() if variable.per_gpu)
        self.defaults = prover.defaults
        self._classes: dict[int, tuple[DualRail, int]] = {}
        self._plain: dict[int, tuple[ir.Term, bool]] = {}

    def of(self, formula: Formula) -> Abstraction:
        """Return the abstraction of *formula*."""
        hull = hull_of(formula)
        classes = self.classes_of(formula)
        needed = known = 0
        for index, mask in hull.items():
            if not mask & self.defaults[index]:
                needed |= self._class_of[index]
                known |= self._class_of[index] if self._prover.variables[index].missing else 0
        return Abstraction(hull, classes, needed, known, () if classes & self._joined else self._points(formula))

    def classes_of(self, formula: Formula) -> int:
        """Return the independence classes of *formula*, as bits."""
        return reduce(int.__or__, (self._class_of[variable.index] for variable in support(formula)), 0)

    def _points(self, formula: Formula) -> tuple[PartialAssignment, ...]:
        variables, found = self._prover.variables, list[PartialAssignment]()
        for way in self._prover.ways(formula, _MOST_WAYS):
            for end in (lowest_bit, highest_bit):
                point = {index: end(variables[index], mask) for index, mask in way.items()}
                if point not in found:
                    found.append(point)
        return tuple(found)

    def holds(self, formula: Formula, point: PartialAssignment) -> bool:
        """Return whether *formula* holds at *point*, on a node with one GPU."""
        return holds(formula, point, self.defaults)

    def are_disjoint(self, one: Abstraction, other: Abstraction) -> bool:
        """Return whether it is plain that both never hold at once: some fact of the node or the transfer forbids it."""
        first, second = (one.hull, other.hull) if len(one.hull) <= len(other.hull) else (other.hull, one.hull)
        return any(
            index not in self.per_gpu and index in second and not mask & second[index] for index, mask in first.items()
        )

    def refutes_implication(self, inner: Abstraction, outer: tuple[Formula, Abstraction]) -> bool:
        """Return whether it is plain that *inner* holds somewhere where *outer* does not."""
        formula, abstraction = outer
        if abstraction.needed & ~inner.support:
            return True
        defaults, hull = self.defaults, abstraction.hull
        for point in inner.points:
            if any(not mask & point.get(index, defaults[index]) for index, mask in hull.items()):
                return True
            if not self.holds(formula, point):
                return True
        return False

    def is_contingent(self, condition: ScopedCondition) -> bool:
        """Return whether it is plain that a condition can be TRUE and FALSE, and that each part of it counts.

        It is where every comparison can be both, and no two of them are about facts that hang together.
        """
        found = self._plain.get(id(condition.term))
        if found is None:
            found = self._plain[id(condition.term)] = condition.term, self._is_contingent(condition)
        return found[1]

    def _is_contingent(self, condition: ScopedCondition) -> bool:
        match condition.term:
            case ir.And(parts) | ir.Or(parts):
                pieces = [ScopedCondition(part, condition.gpus) for part in parts]
                return self.are_independent(pieces) and all(self.is_contingent(piece) for piece in pieces)
            case ir.Not(operand) | ir.Aggregate("any" | "all", operand):
                return self.is_contingent(ScopedCondition(operand, condition.gpus))
            case _:
                return self._is_open(self._prover.rails(condition))

    def are_independent(self, pieces: Iterable[ScopedCondition]) -> bool:
        """Return whether no two conditions are about facts that hang together."""
        seen = 0
        for piece in pieces:
            classes = self.classes_of_condition(piece)
            if classes & seen:
                return False
            seen |= classes
        return True

    def classes_of_condition(self, piece: ScopedCondition) -> int:
        """Return the independence classes that a condition is about, as bits."""
        rails = self._prover.rails(piece)
        known = self._classes.get(id(rails))
        if known is None:
            known = self._classes[id(rails)] = rails, self.classes_of(rails.true) | self.classes_of(rails.false)
        return known[1]

    def _is_open(self, rails: DualRail) -> bool:
        """Return whether it is plain that a comparison of one fact can be TRUE and FALSE."""
        variables = support(rails.true) | support(rails.false)
        if len(variables) != 1:
            return False
        (variable,) = variables
        if variable.key[0] == "signal" or not variable.exact:
            return variable.key[0] != "signal" and isinstance(rails.true, Atom) and isinstance(rails.false, Atom)
        return bool(satisfying_mask(rails.true, variable) and satisfying_mask(rails.false, variable))
