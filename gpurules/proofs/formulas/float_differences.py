"""Comparisons of two facts as atoms about their exact difference, or as relaxations that follow from rounded ones."""

import math
from collections.abc import Mapping
from typing import TypeAlias

from gpurules.language.syntax.nodes import Comparator, Sign
from gpurules.language.terms import ir
from gpurules.proofs.domains.intervals import Number
from gpurules.records import Record, record

Offset: TypeAlias = tuple[ir.Term, Number]
"""A fact, and what is added to it."""


@record
class DifferenceAtom(Record):
    """``left - right comparator number``, without rounding."""

    left: ir.Term
    right: ir.Term
    comparator: Comparator
    number: Number


Relaxation: TypeAlias = tuple[DifferenceAtom | None, DifferenceAtom | None]
"""What follows for the difference of two facts where a comparison is TRUE, and where it is FALSE; None: nothing."""


def offset_of(term: ir.Term) -> Offset | None:
    """Split *term* into a fact and a constant offset; None if it has another form."""
    match term:
        case ir.Read() | ir.Window():
            return term, 0
        case ir.Arithmetic((ir.Read() | ir.Window()) as unit, ((Sign.PLUS, ir.Constant(int() | float() as number)),)):
            return unit, number
        case ir.Arithmetic((ir.Read() | ir.Window()) as unit, ((Sign.MINUS, ir.Constant(int() | float() as number)),)):
            return unit, -number
        case ir.Arithmetic(ir.Constant(int() | float() as number), ((Sign.PLUS, (ir.Read() | ir.Window()) as unit),)):
            return unit, number
        case _:
            return None


def sides_of(term: ir.Term) -> tuple[ir.Term, ir.Term] | None:
    """Return the two facts whose difference *term* is, None if it is anything else."""
    match term:
        case ir.Arithmetic((ir.Read() | ir.Window()) as left, ((Sign.MINUS, (ir.Read() | ir.Window()) as right),)):
            return left, right
        case _:
            return None


def is_exact(first: Offset, second: Offset) -> bool:
    """Return whether the difference of two offset facts is exact: of counts, or of facts without an offset."""
    whole = all(isinstance(unit, ir.Read) and unit.field.integer for unit, _ in (first, second))
    counted = all(isinstance(number, int) for _, number in (first, second))
    return (whole and counted) or first[1] == second[1] == 0


def relax_sum(first: Offset, comparator: Comparator, second: Offset) -> Relaxation | None:
    """Return a relaxation of ``x > y + 10`` and similar comparisons, where the sum is rounded to a double.

    A sum rounds to a neighbor, so what is beyond it is beyond the true sum too; and what is added up does not fall.
    """
    (left, more), (right, number) = first, second
    if more:
        return None

    def follows(sign: Comparator) -> DifferenceAtom | None:
        if sign in (Comparator.GT, Comparator.LT):
            return DifferenceAtom(left, right, sign, number)
        is_plain = (sign is Comparator.GE and number >= 0) or (sign is Comparator.LE and number <= 0)
        return DifferenceAtom(left, right, sign, 0) if is_plain else None

    return follows(comparator), follows(comparator.opposite)


_BESIDE: Mapping[Comparator, tuple[Comparator, float]] = {
    Comparator.GE: (Comparator.GT, -math.inf),
    Comparator.LE: (Comparator.LT, math.inf),
}


def relax_difference(left: ir.Term, right: ir.Term, comparator: Comparator, number: Number) -> Relaxation:
    """Return a relaxation of ``x - y > 10`` and similar comparisons, where the difference is rounded to a double."""

    def follows(sign: Comparator) -> DifferenceAtom | None:
        if sign in (Comparator.GT, Comparator.LT):
            return DifferenceAtom(left, right, sign, number)
        if sign not in _BESIDE:
            return None
        strict, towards = _BESIDE[sign]
        return DifferenceAtom(left, right, strict, math.nextafter(number, towards))

    return follows(comparator), follows(comparator.opposite)
