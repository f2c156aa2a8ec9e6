"""From conditions to formulas: when a condition is TRUE, and when it is FALSE, in terms of variables."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir, values
from gpurules.language.terms.lowering import fold_constants
from gpurules.language.terms.printer import spell
from gpurules.model import Kind, Value
from gpurules.proofs.domains.atoms import AtomicPredicate, breakpoints_at, is_number
from gpurules.proofs.formulas.aggregate_encoding import ORDERED, OverGPUs
from gpurules.proofs.formulas.float_differences import (
    DifferenceAtom,
    Relaxation,
    is_exact,
    offset_of,
    relax_difference,
    relax_sum,
    sides_of,
)
from gpurules.proofs.formulas.formula import (
    ALWAYS,
    FALSE,
    NEVER,
    TRUE,
    UNKNOWN,
    Distinguished,
    DualRail,
    Formula,
    both,
    conj,
    disj,
    either,
    every,
    negation,
    some,
)  # fmt: skip
from gpurules.proofs.formulas.universe import Universe, base_units, difference, single_unit, unit_key


class Encoder:
    """Turns checked trees into rails over the variables of *universe*; ``scope`` says which GPUs the condition sees."""

    def __init__(self, universe: Universe, scope: Formula = TRUE) -> None:
        self._universe = universe
        self._scope = scope
        self._gpus = OverGPUs(self, scope)
        self._known: dict[int, tuple[ir.Term, DualRail]] = {}

    def rails(self, term: ir.Term) -> DualRail:
        """Return when the condition *term* is TRUE, and when FALSE; of one GPU where it is per GPU."""
        found = self._known.get(id(term))
        if found is not None:
            return found[1]
        rails = self.encode(term)
        self._known[id(term)] = (term, rails)
        return rails

    def whole(self, term: ir.Term) -> DualRail:
        """Return the rails of a rule's condition: of the node, TRUE where it is on some GPU in scope."""
        rails = self.rails(term)
        if not ir.is_per_gpu(term):
            return rails
        return DualRail(self.on_some(rails.true), self.on_every(rails.false))

    def matches(self, term: ir.Term) -> Formula:
        """Return the formula that a rule's condition is TRUE."""
        true = self.rails(term).true
        return self.on_some(true) if ir.is_per_gpu(term) else true

    def on_one(self, term: ir.Term) -> DualRail:
        """Return the rails of a condition on the GPU that the question is about, which must be in scope."""
        rails = self.rails(term)
        if not ir.is_per_gpu(term):
            return rails
        return DualRail(Distinguished(conj(self._scope, rails.true)), Distinguished(conj(self._scope, rails.false)))

    def on_some(self, body: Formula) -> Formula:
        """Return the formula that *body* holds on some GPU in scope."""
        return some(conj(self._scope, body))

    def on_every(self, body: Formula) -> Formula:
        """Return the formula that *body* holds on every GPU in scope."""
        return every(disj(negation(self._scope), body))

    def encode(self, term: ir.Term) -> DualRail:
        """Return the rails of *term*, without the cache."""
        match term:
            case ir.Constant(value):
                return ALWAYS if value is True else NEVER if value is False else UNKNOWN
            case ir.Not(operand):
                return self.rails(operand).opposite
            case ir.And(parts):
                return both(*(self.rails(part) for part in parts))
            case ir.Or(parts):
                return either(*(self.rails(part) for part in parts))
            case ir.Read() | ir.Signal():
                return self._predicate(term) or UNKNOWN
            case ir.Aggregate(function, operand):
                return self._gpus.quantify(function, self.rails(operand))
            case ir.IsMissing(operand):
                gone = self.missing(operand)
                return DualRail(gone, negation(gone), certain=True)
            case ir.Compare(comparators, operands):
                pairs = pairwise(operands)
                links = [self.link(left, c, right) for c, (left, right) in zip(comparators, pairs, strict=True)]
                return both(*links)
            case ir.Member(subject, members):
                whole = self._predicate(term)
                return whole or either(*(self.link(subject, Comparator.EQ, member) for member in members))
            case ir.TextTest():
                return self._predicate(term) or self.opaque(term)
            case ir.Apply("coalesce", arguments):
                return self._first_known(arguments, self.rails)
            case _:
                raise AssertionError(f"{type(term).__name__} is not a condition")

    def _predicate(self, term: ir.Term) -> DualRail | None:
        """Return the rails of a comparison that looks at one fact, None where it looks at more."""
        term = fold_constants(term)
        unit = single_unit(term)
        if unit is None or isinstance(unit, ir.Aggregate):
            return None
        return self._universe.predicate(term, unit)

    def missing(self, term: ir.Term) -> Formula:
        """Return the formula that holds where *term* is missing; of a bool: UNKNOWN."""
        if term.datatype.kind is Kind.BOOL:
            return self.rails(term).unknown
        match term:
            case ir.Constant(value):
                return TRUE if value is None else FALSE
            case ir.Aggregate("count"):
                return FALSE
            case ir.Aggregate(_, operand):
                return self.on_every(self.missing(operand))
            case ir.Apply("coalesce", arguments):
                return conj(*(self.missing(argument) for argument in arguments))
            case ir.Apply("least" | "greatest", arguments):
                return disj(*(self.missing(argument) for argument in arguments))
            case _:
                pass  # it is missing where an atom of its own says so
        predicate = self._predicate(ir.IsMissing(term))
        return predicate.true if predicate is not None else self._universe.missing(term)

    def _first_known(self, arguments: Sequence[ir.Term], of: Callable[[ir.Term], DualRail]) -> DualRail:
        """Return the rails of the first of *arguments* that is not missing, each taken through *of*."""
        true: list[Formula] = []
        false: list[Formula] = []
        before: Formula = TRUE
        for argument in arguments:
            rails = of(argument)
            true.append(conj(before, rails.true))
            false.append(conj(before, rails.false))
            before = conj(before, self.missing(argument))
        return DualRail(disj(*true), disj(*false))

    def link(self, left: ir.Term, comparator: Comparator, right: ir.Term) -> DualRail:
        """Return the rails of one comparison."""
        term = ir.Compare((comparator,), (left, right))
        if isinstance(left, ir.Read) and isinstance(right, ir.Constant):  # most are: nothing to fold or to look for
            if is_number(right.value):
                return self.compare_constant(left, comparator, right.value)
            plain = self._universe.predicate(term, left)
            if plain is not None:
                return plain
        folded = fold_constants(term)
        if not isinstance(folded, ir.Compare):
            return self.encode(folded)
        term, (left, right) = folded, folded.operands
        whole = self._predicate(term)
        if whole is not None:
            return whole
        if left.datatype.kind is Kind.BOOL:
            return self._alike(self.rails(left), self.rails(right), comparator)
        for side, other, mirrored in ((left, right, comparator), (right, left, comparator.mirrored)):
            split = self._split(side, mirrored, other)
            if split is not None:
                return split
        if any(isinstance(unit, ir.Aggregate) for unit in base_units(term)):
            return self._gpus.by_count(term)
        return self._between(left, comparator, right)

    def _alike(self, left: DualRail, right: DualRail, comparator: Comparator) -> DualRail:
        same = DualRail(
            disj(conj(left.true, right.true), conj(left.false, right.false)),
            disj(conj(left.true, right.false), conj(left.false, right.true)),
        )
        return same if comparator is Comparator.EQ else same.opposite

    def _split(self, side: ir.Term, comparator: Comparator, other: ir.Term) -> DualRail | None:
        """Return the rails of ``side comparator other`` where *side* chooses among several values."""
        match side:
            case ir.Apply("coalesce", arguments):
                return self._first_known(arguments, lambda a: self.link(a, comparator, other))
            case ir.Apply(("least" | "greatest") as function, arguments):
                return self._extreme(function, arguments, comparator, other)
            case ir.Aggregate("count", operand) if isinstance(other, ir.Constant):
                return self._gpus.encode_count(operand, comparator, other)
            case ir.Aggregate(("max" | "min") as function, operand) if not _looks_at_gpus(other):
                return self._gpus.peak(function, operand, comparator, other)
            case _:
                return None

    def _extreme(self, function: str, arguments: Sequence[ir.Term], comparator: Comparator, other: ir.Term) -> DualRail:
        """Return the rails of ``least(…) < x`` and its like: missing where any argument is."""
        if comparator not in ORDERED:
            at_least = self._extreme(function, arguments, Comparator.GE, other)
            at_most = self._extreme(function, arguments, Comparator.LE, other)
            same = both(at_least, at_most)
            return same if comparator is Comparator.EQ else same.opposite
        links = [self.link(argument, comparator, other) for argument in arguments]
        known = conj(*(disj(link.true, link.false) for link in links))
        downward = comparator in (Comparator.LT, Comparator.LE)
        if (function == "least") is downward:
            return DualRail(conj(known, disj(*(link.true for link in links))), conj(*(link.false for link in links)))
        return DualRail(conj(*(link.true for link in links)), conj(known, disj(*(link.false for link in links))))

    def _between(self, left: ir.Term, comparator: Comparator, right: ir.Term) -> DualRail:
        """Return the rails of a comparison of several facts: by their difference, as far as that is exact."""
        if left.datatype.kind is not Kind.NUMBER:
            return self.opaque(ir.Compare((comparator,), (left, right)))
        if isinstance(left, ir.Constant):
            return self._between(right, comparator.mirrored, left)
        if isinstance(right, ir.Constant):
            return self._of_difference(left, comparator, right.value) or self.compare_constant(
                left, comparator, right.value
            )
        first, second = offset_of(left), offset_of(right)
        if first is not None and second is not None and is_exact(first, second):
            return self._apart(DifferenceAtom(first[0], second[0], comparator, second[1] - first[1]))
        roughly = relax_sum(first, comparator, second) if first and second else None
        if spell(left) > spell(right):
            left, right, comparator = right, left, comparator.mirrored
        return self._within(self.compare_constant(difference(left, right), comparator, 0), roughly)

    def _of_difference(self, term: ir.Term, comparator: Comparator, number: Value) -> DualRail | None:
        """Return the rails of ``x - y > 10`` and the like, None if *term* is not a difference of two facts."""
        sides = sides_of(term)
        if sides is None or not isinstance(number, int | float) or isinstance(number, bool):
            return None
        if is_exact((sides[0], 0), (sides[1], number)) or sides[0] == sides[1]:
            return self._apart(DifferenceAtom(*sides, comparator, number))
        return self._within(
            self.compare_constant(term, comparator, number), relax_difference(*sides, comparator, number)
        )

    def _within(self, rails: DualRail, roughly: Relaxation | None) -> DualRail:
        """Return *rails* of something computed, with what follows from it for the difference of the facts."""
        if roughly is None:
            return rails
        true, false = (TRUE if one is None else self._apart(one).true for one in roughly)
        return DualRail(conj(rails.true, true), conj(rails.false, false))

    def _apart(self, claim: DifferenceAtom) -> DualRail:
        """Return the rails of a comparison of the exact difference of two facts with a number."""
        left, right, comparator, number = claim.left, claim.right, claim.comparator, claim.number
        if unit_key(left) == unit_key(right):
            answer = values.compare(comparator, 0, number)
            return self._place(left, AtomicPredicate(lambda x: None if x is None else answer))
        if unit_key(left) > unit_key(right):
            left, right, comparator, number = right, left, comparator.mirrored, -number
        return self.compare_constant(self._universe.difference(left, right), comparator, number)

    def compare_constant(self, unit: ir.Term, comparator: Comparator, number: Value) -> DualRail:
        """Return the rails of a comparison of a number with a constant."""
        return self._place(
            unit, AtomicPredicate(lambda x: values.compare(comparator, x, number), breakpoints_at(number))
        )

    def _place(self, unit: ir.Term, predicate: AtomicPredicate) -> DualRail:
        return self._universe.place(unit, predicate) or UNKNOWN

    def opaque(self, term: ir.Term) -> DualRail:
        """Return the rails of a comparison about which nothing is known."""
        return self._universe.opaque(term)


def _looks_at_gpus(term: ir.Term) -> bool:
    return ir.is_per_gpu(term) or any(isinstance(unit, ir.Aggregate) for unit in base_units(term))
