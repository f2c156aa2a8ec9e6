"""Aggregates: conditions over all GPUs in scope, as "some", "every" and "at least n"."""

import math
from typing import Protocol

from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import fold_constants, rebuilt
from gpurules.model import Value
from gpurules.proofs.domains.atoms import substitute
from gpurules.proofs.formulas.formula import (
    FALSE,
    UNKNOWN,
    ByCount,
    DualRail,
    Formula,
    at_least,
    both,
    conj,
    disj,
    negation,
    some,
)  # fmt: skip
from gpurules.proofs.formulas.universe import base_units

ORDERED = frozenset({Comparator.LT, Comparator.LE, Comparator.GT, Comparator.GE})


class Encoding(Protocol):
    """What this module asks of the encoder."""

    def rails(self, term: ir.Term) -> DualRail:
        """Return the rails of a condition."""
        ...

    def encode(self, term: ir.Term) -> DualRail:
        """Return the rails of a condition, without the cache."""
        ...

    def link(self, left: ir.Term, comparator: Comparator, right: ir.Term) -> DualRail:
        """Return the rails of one comparison."""
        ...

    def compare_constant(self, unit: ir.Term, comparator: Comparator, number: Value) -> DualRail:
        """Return the rails of a comparison of a number with a constant."""
        ...

    def opaque(self, term: ir.Term) -> DualRail:
        """Return the rails of a comparison about which nothing is known."""
        ...

    def missing(self, term: ir.Term) -> Formula:
        """Return when a term is missing."""
        ...

    def on_some(self, body: Formula) -> Formula:
        """Return the formula that *body* holds on some GPU in scope."""
        ...

    def on_every(self, body: Formula) -> Formula:
        """Return the formula that *body* holds on every GPU in scope."""
        ...


class OverGPUs:
    """Turns aggregates into rails, with the help of *encoder*; ``scope`` says which GPUs they see."""

    def __init__(self, encoder: Encoding, scope: Formula) -> None:
        self._encoder = encoder
        self._scope = scope

    def quantify(self, function: str, rails: DualRail) -> DualRail:
        """Return the rails of ``any(c)`` or ``all(c)``, where *rails* are those of c."""
        if function == "any":
            return DualRail(self._encoder.on_some(rails.true), self._encoder.on_every(rails.false))
        at_all = some(self._scope)
        return DualRail(conj(at_all, self._encoder.on_every(rails.true)), self._encoder.on_some(rails.false))

    def encode_count(self, operand: ir.Term, comparator: Comparator, other: ir.Constant) -> DualRail:
        """Return the rails of ``count(c) >= 3`` and its like."""
        number, body = other.value, conj(self._scope, self._encoder.rails(operand).true)
        if isinstance(number, bool) or not isinstance(number, int | float):
            return UNKNOWN
        if comparator not in ORDERED:
            same = both(
                self.encode_count(operand, Comparator.GE, other), self.encode_count(operand, Comparator.LE, other)
            )
            return same if comparator is Comparator.EQ else same.opposite
        upward = comparator in (Comparator.GT, Comparator.GE)
        strict = comparator in (Comparator.GT, Comparator.LE)
        least = math.floor(number) + 1 if strict else math.ceil(number)
        enough = at_least(least, body)
        rails = DualRail(enough, negation(enough), certain=True)
        return rails if upward else rails.opposite

    def peak(self, function: str, operand: ir.Term, comparator: Comparator, other: ir.Term) -> DualRail:
        """Return the rails of ``max(x) > y`` and its like: over the GPUs that have x, missing where none has."""
        if comparator not in ORDERED:
            same = both(
                self.peak(function, operand, Comparator.GE, other), self.peak(function, operand, Comparator.LE, other)
            )
            return same if comparator is Comparator.EQ else same.opposite
        towards = (Comparator.GT, Comparator.GE) if function == "max" else (Comparator.LT, Comparator.LE)
        if comparator not in towards:
            return self.peak(function, operand, comparator.opposite, other).opposite
        link = self._encoder.link(operand, comparator, other)
        known = self._encoder.on_some(disj(link.true, link.false))
        return DualRail(self._encoder.on_some(link.true), conj(known, self._encoder.on_every(negation(link.true))))

    def by_count(self, term: ir.Compare) -> DualRail:
        """Return the rails of a comparison with aggregates in it: exact where at most one GPU is in scope."""
        several = self._over_several(term)
        none, one = self._encoder.encode(fold_constants(_over_no_gpu(term))), self._over_one_gpu(term)
        nowhere = self._encoder.on_every(FALSE)
        return DualRail(
            ByCount(none.true, disj(self._encoder.on_some(one.true), conj(nowhere, none.true)), several.true),
            ByCount(none.false, disj(self._encoder.on_some(one.false), conj(nowhere, none.false)), several.false),
        )

    def _over_several(self, term: ir.Compare) -> DualRail:
        """Encode a comparison over several GPUs; a mean or a sum is a number with constraints."""
        (comparator,), (left, right) = term.comparators, term.operands
        if isinstance(left, ir.Constant) or (isinstance(right, ir.Aggregate) and right.function == "max"):
            left, right, comparator = right, left, comparator.mirrored
        match left, right:
            case ir.Aggregate("avg" | "sum") as measured, ir.Constant(int() | float() as number):
                return self._measured(measured, comparator, number)
            case ir.Aggregate("max", operand), ir.Aggregate("min", same) if operand == same:
                return self._peaks(term, operand, comparator)
            case _:
                return self._encoder.opaque(term)

    def _measured(self, measured: ir.Aggregate, comparator: Comparator, number: float) -> DualRail:
        """Return the rails of ``avg(x) > 80`` and its like, with what must hold of some or of all GPUs for it."""
        rails = self._encoder.compare_constant(measured, comparator, number)
        about = (measured.function, measured.operand)
        return DualRail(
            conj(rails.true, self._needed(*about, comparator, number)),
            conj(rails.false, self._needed(*about, comparator.opposite, number)),
        )

    def _peaks(self, term: ir.Term, operand: ir.Term, comparator: Comparator) -> DualRail:
        """Return the rails of ``max(x) comparator min(x)``: the greatest is never below the least."""
        rails, known = self._encoder.opaque(term), self._known(operand)
        if comparator is Comparator.GE:
            return DualRail(known, FALSE)
        if comparator is Comparator.LT:
            return DualRail(FALSE, known)
        return DualRail(conj(known, rails.true), conj(known, rails.false))

    def _known(self, operand: ir.Term) -> Formula:
        return self._encoder.on_some(negation(self._encoder.missing(operand)))

    def _needed(self, function: str, operand: ir.Term, comparator: Comparator, number: float) -> Formula:
        """Return what follows from ``avg(x) > number`` and its like; the slack is for the rounding of a mean."""
        slack = abs(number) * 1e-9
        known = self._known(operand)
        upward = comparator in (Comparator.GT, Comparator.GE)
        if comparator not in ORDERED:
            return known
        limit = ir.Constant(number - slack if upward else number + slack, operand.datatype)
        link = self._encoder.link(operand, Comparator.GE if upward else Comparator.LE, limit)
        if function == "avg":
            return conj(known, self._encoder.on_some(link.true))
        positive = isinstance(operand, ir.Read) and operand.field.minimum is not None and operand.field.minimum >= 0
        return conj(known, self._encoder.on_every(negation(link.false))) if positive and not upward else known

    def _over_one_gpu(self, term: ir.Term) -> DualRail:
        """Return the rails of *term* on a node with one GPU: there an aggregate of x is x."""
        counts = (u for u in base_units(term) if isinstance(u, ir.Aggregate) and u.function == "count")
        counted = next(counts, None)
        if counted is None:
            return self._encoder.encode(fold_constants(_over_the_gpu(term)))
        inside = self._encoder.rails(counted.operand).true
        one, none = (self._over_one_gpu(substitute(term, counted, number)) for number in (1, 0))
        outside = negation(inside)
        return DualRail(
            disj(conj(inside, one.true), conj(outside, none.true)),
            disj(conj(inside, one.false), conj(outside, none.false)),
        )


def _over_no_gpu(term: ir.Term) -> ir.Term:
    """Return *term* with each aggregate replaced by what it is over no GPU."""
    match term:
        case ir.Aggregate("any"):
            return ir.FALSE
        case ir.Aggregate("count"):
            return ir.ZERO
        case ir.Aggregate():
            return ir.Constant(None, term.datatype)
        case _:
            return rebuilt(term, _over_no_gpu) if ir.children(term) else term


def _over_the_gpu(term: ir.Term) -> ir.Term:
    """Return *term* with each aggregate replaced by its operand."""
    if isinstance(term, ir.Aggregate):
        return term.operand
    return rebuilt(term, _over_the_gpu) if ir.children(term) else term
