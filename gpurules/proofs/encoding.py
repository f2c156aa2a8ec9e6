"""From conditions to formulas: when a condition is TRUE, and when it is FALSE, in terms of cells."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from gpurules.language import ir, values
from gpurules.language.lowering import fold_constants
from gpurules.language.nodes import Comparator, Sign
from gpurules.language.printer import spell
from gpurules.model import Kind, Value
from gpurules.proofs.aggregates import MIRROR, ORDERED, OverGPUs
from gpurules.proofs.formula import (
    ALWAYS,
    FALSE,
    NEVER,
    TRUE,
    UNKNOWN,
    Formula,
    Pointed,
    Rails,
    both,
    conj,
    disj,
    either,
    every,
    negated,
    some,
)  # fmt: skip
from gpurules.proofs.leaves import Leaf, is_number, plain_cuts
from gpurules.proofs.universe import Universe, base_units, difference, single_unit, unit_key


class Encoder:
    """Turns checked trees into rails over the cells of *universe*; ``scope`` says which GPUs the condition sees."""

    def __init__(self, universe: Universe, scope: Formula = TRUE) -> None:
        self._universe = universe
        self._scope = scope
        self._gpus = OverGPUs(self, scope)
        self._known: dict[int, tuple[ir.Term, Rails]] = {}

    def rails(self, term: ir.Term) -> Rails:
        """Return when the condition *term* is TRUE, and when FALSE; of one GPU where it is per GPU."""
        found = self._known.get(id(term))
        if found is not None:
            return found[1]
        rails = self.encode(term)
        self._known[id(term)] = (term, rails)
        return rails

    def whole(self, term: ir.Term) -> Rails:
        """Return the rails of a rule's condition: of the node, TRUE where it is on some GPU in scope."""
        rails = self.rails(term)
        if not ir.is_per_gpu(term):
            return rails
        return Rails(self.on_some(rails.true), self.on_every(rails.false))

    def matches(self, term: ir.Term) -> Formula:
        """Return the formula that a rule's condition is TRUE."""
        true = self.rails(term).true
        return self.on_some(true) if ir.is_per_gpu(term) else true

    def on_one(self, term: ir.Term) -> Rails:
        """Return the rails of a condition on the GPU that the question is about, which must be in scope."""
        rails = self.rails(term)
        if not ir.is_per_gpu(term):
            return rails
        return Rails(Pointed(conj(self._scope, rails.true)), Pointed(conj(self._scope, rails.false)))

    def on_some(self, body: Formula) -> Formula:
        """Return the formula that *body* holds on some GPU in scope."""
        return some(conj(self._scope, body))

    def on_every(self, body: Formula) -> Formula:
        """Return the formula that *body* holds on every GPU in scope."""
        return every(disj(negated(self._scope), body))

    def encode(self, term: ir.Term) -> Rails:
        """Return the rails of *term*, worked out anew."""
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
                return self._leaf(term) or UNKNOWN
            case ir.Aggregate(function, operand):
                return self._gpus.quantified(function, self.rails(operand))
            case ir.IsMissing(operand):
                gone = self.missing(operand)
                return Rails(gone, negated(gone), certain=True)
            case ir.Compare(comparators, operands):
                pairs = pairwise(operands)
                links = [self.link(left, c, right) for c, (left, right) in zip(comparators, pairs, strict=True)]
                return both(*links)
            case ir.Member(subject, members):
                whole = self._leaf(term)
                return whole or either(*(self.link(subject, Comparator.EQ, member) for member in members))
            case ir.TextTest():
                return self._leaf(term) or self._opaque(term)
            case ir.Apply("coalesce", arguments):
                return self._first_known(arguments, self.rails)
            case _:
                raise AssertionError(f"{type(term).__name__} is no condition")

    def _leaf(self, term: ir.Term) -> Rails | None:
        """Return the rails of a comparison that looks at one fact, None where it looks at more."""
        term = fold_constants(term)
        unit = single_unit(term)
        if unit is None or isinstance(unit, ir.Aggregate):
            return None
        return self._universe.leaf(term, unit)

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
        leaf = self._leaf(ir.IsMissing(term))
        return leaf.true if leaf is not None else self._universe.missing(term)

    def _first_known(self, arguments: Sequence[ir.Term], of: Callable[[ir.Term], Rails]) -> Rails:
        """Return the rails of the first of *arguments* that is not missing, each taken through *of*."""
        true: list[Formula] = []
        false: list[Formula] = []
        before: Formula = TRUE
        for argument in arguments:
            rails = of(argument)
            true.append(conj(before, rails.true))
            false.append(conj(before, rails.false))
            before = conj(before, self.missing(argument))
        return Rails(disj(*true), disj(*false))

    def link(self, left: ir.Term, comparator: Comparator, right: ir.Term) -> Rails:
        """Return the rails of one comparison."""
        if isinstance(left, ir.Read) and isinstance(right, ir.Constant) and is_number(right.value):
            return self._compared(left, comparator, right.value)
        term = ir.Compare((comparator,), (left, right))
        folded = fold_constants(term)
        if not isinstance(folded, ir.Compare):
            return self.encode(folded)
        term, (left, right) = folded, folded.operands
        whole = self._leaf(term)
        if whole is not None:
            return whole
        if left.datatype.kind is Kind.BOOL:
            return self._alike(self.rails(left), self.rails(right), comparator)
        for side, other, mirrored in ((left, right, comparator), (right, left, MIRROR[comparator])):
            split = self._split(side, mirrored, other)
            if split is not None:
                return split
        if any(isinstance(unit, ir.Aggregate) for unit in base_units(term)):
            return self._gpus.by_count(term, self._opaque(term))
        return self._between(left, comparator, right)

    def _alike(self, left: Rails, right: Rails, comparator: Comparator) -> Rails:
        same = Rails(
            disj(conj(left.true, right.true), conj(left.false, right.false)),
            disj(conj(left.true, right.false), conj(left.false, right.true)),
        )
        return same if comparator is Comparator.EQ else same.opposite

    def _split(self, side: ir.Term, comparator: Comparator, other: ir.Term) -> Rails | None:
        """Return the rails of ``side comparator other`` where *side* chooses among several values."""
        match side:
            case ir.Apply("coalesce", arguments):
                return self._first_known(arguments, lambda a: self.link(a, comparator, other))
            case ir.Apply(("least" | "greatest") as function, arguments):
                return self._extreme(function, arguments, comparator, other)
            case ir.Aggregate("count", operand) if isinstance(other, ir.Constant):
                return self._gpus.counted(operand, comparator, other)
            case ir.Aggregate(("max" | "min") as function, operand) if not _looks_at_gpus(other):
                return self._gpus.peak(function, operand, comparator, other)
            case _:
                return None

    def _extreme(self, function: str, arguments: Sequence[ir.Term], comparator: Comparator, other: ir.Term) -> Rails:
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
            return Rails(conj(known, disj(*(link.true for link in links))), conj(*(link.false for link in links)))
        return Rails(conj(*(link.true for link in links)), conj(known, disj(*(link.false for link in links))))

    def _between(self, left: ir.Term, comparator: Comparator, right: ir.Term) -> Rails:
        """Return the rails of a comparison of several facts: by their difference, as far as that is exact."""
        if left.datatype.kind is not Kind.NUMBER:
            return self._opaque(ir.Compare((comparator,), (left, right)))
        if isinstance(left, ir.Constant):
            return self._between(right, MIRROR[comparator], left)
        if isinstance(right, ir.Constant):
            return self._compared(left, comparator, right.value)
        first, second = _shifted(left), _shifted(right)
        if first is None or second is None or not _is_exact(first, second):
            if spell(left) > spell(right):
                left, right, comparator = right, left, MIRROR[comparator]
            return self._compared(difference(left, right), comparator, 0)
        if unit_key(first[0]) == unit_key(second[0]):
            answer = values.compare(comparator, first[1], second[1])
            return self._place(first[0], Leaf(lambda x: None if x is None else answer))
        if unit_key(first[0]) > unit_key(second[0]):
            first, second, comparator = second, first, MIRROR[comparator]
        return self._compared(self._universe.gap(first[0], second[0]), comparator, second[1] - first[1])

    def _compared(self, unit: ir.Term, comparator: Comparator, number: Value) -> Rails:
        return self._place(unit, Leaf(lambda x: values.compare(comparator, x, number), plain_cuts(number)))

    def _place(self, unit: ir.Term, leaf: Leaf) -> Rails:
        return self._universe.place(unit, leaf) or UNKNOWN

    def _opaque(self, term: ir.Term) -> Rails:
        return self._universe.opaque(term)


def _looks_at_gpus(term: ir.Term) -> bool:
    return ir.is_per_gpu(term) or any(isinstance(unit, ir.Aggregate) for unit in base_units(term))


def _shifted(term: ir.Term) -> tuple[ir.Term, int] | None:
    """Return *term* as a field and what is added to it, None where it is more than that."""
    match term:
        case ir.Read() | ir.Window():
            return term, 0
        case ir.Arithmetic((ir.Read() | ir.Window()) as unit, ((Sign.PLUS, ir.Constant(int() as number)),)):
            return unit, number
        case ir.Arithmetic((ir.Read() | ir.Window()) as unit, ((Sign.MINUS, ir.Constant(int() as number)),)):
            return unit, -number
        case ir.Arithmetic(ir.Constant(int() as number), ((Sign.PLUS, (ir.Read() | ir.Window()) as unit),)):
            return unit, number
        case _:
            return None


def _is_exact(first: tuple[ir.Term, int], second: tuple[ir.Term, int]) -> bool:
    """Return whether the difference of two shifted fields is free of rounding."""
    whole = all(isinstance(unit, ir.Read) and unit.field.integer for unit, _ in (first, second))
    return whole or first[1] == second[1] == 0
