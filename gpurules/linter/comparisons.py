"""Comparisons of a field with a constant: what most checks of conditions look at."""

from collections.abc import Iterator
from dataclasses import dataclass

from gpurules.fields import Field
from gpurules.language import ir
from gpurules.language.nodes import Comparator
from gpurules.linter.check import Subject
from gpurules.linter.links import links
from gpurules.model import Dimension
from gpurules.rules.expression import Placed


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field against a constant, in one link of a comparison or one member of a list.

    ``comparator`` is as written with the field on the left.
    """

    placed: Placed
    field: Field
    comparator: Comparator
    constant: ir.Constant


def comparisons(subject: Subject) -> Iterator[Comparison]:
    """Yield every comparison of a field with a constant, those that come from a definition only in the definition."""
    for placed in subject.placed:
        end = len(placed.expression.parsed.text)
        for term in ir.walk(placed.checked.term):
            for field, comparator, constant in _links(term):
                span = constant.span
                if span.end <= end and placed.expression.parsed.text[span.start : span.end] == constant.spelling:
                    yield Comparison(placed, field, comparator, constant)


def _links(term: ir.Term) -> Iterator[tuple[Field, Comparator, ir.Constant]]:
    if isinstance(term, ir.Member) and isinstance(term.subject, ir.Read):
        for member in term.members:
            if isinstance(member, ir.Constant):
                yield term.subject.field, Comparator.EQ, member
    for link in links(term):
        if isinstance(link.term, ir.Read):
            yield link.term.field, link.comparator, link.constant


_MEMORY_FIELDS = frozenset({"gpu_memory_used", "gpu_memory_free", "gpu_memory_total", "memory_footprint"})
_LEAST_BYTES = 1024 * 1024


def better_scale(comparison: Comparison) -> str | None:
    """Return the quantity that a literal of a very odd scale was probably meant to be, None where it is not odd."""
    value, spelling = comparison.constant.value, comparison.constant.spelling
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        return None
    if comparison.field.datatype.dimension is Dimension.PERCENT and value < 1 and "." in spelling:
        return f"{value * 100:g}%"
    if comparison.field.name in _MEMORY_FIELDS and value < _LEAST_BYTES and spelling.isdigit():
        return f"{spelling}MiB"
    return None
