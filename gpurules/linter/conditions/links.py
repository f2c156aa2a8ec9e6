"""Single comparisons of a term with a constant: what a chain or a comparison is made of, the constant on the right."""

from collections.abc import Iterator
from itertools import pairwise

from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.records import Record, record

UPWARD = (Comparator.GT, Comparator.GE)
ORDERED = (*UPWARD, Comparator.LT, Comparator.LE)


@record
class ComparisonLink(Record):
    """One comparison of ``term`` with a constant; ``place`` is its number in the comparison that it is in."""

    comparator: Comparator
    term: ir.Term
    constant: ir.Constant
    place: int = 0


def links(term: ir.Term) -> Iterator[ComparisonLink]:
    """Yield the links of *term*, where it is a comparison, that have a constant on one side and none on the other."""
    if not isinstance(term, ir.Compare):
        return
    for place, (comparator, (left, right)) in enumerate(zip(term.comparators, pairwise(term.operands), strict=True)):
        if isinstance(right, ir.Constant) and not isinstance(left, ir.Constant):
            yield ComparisonLink(comparator, left, right, place)
        elif isinstance(left, ir.Constant) and not isinstance(right, ir.Constant):
            yield ComparisonLink(comparator.mirrored, right, left, place)


def single_link(term: ir.Term) -> ComparisonLink | None:
    """Return the one link that *term* is, None where it is anything else."""
    found = list(links(term))
    return found[0] if len(found) == 1 and isinstance(term, ir.Compare) and len(term.comparators) == 1 else None
