"""Comparisons of a field with a constant: what most checks of conditions look at."""

import re
from collections.abc import Iterable, Iterator

from gpurules.diagnostics import Edit, Span
from gpurules.fields import Field
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.linter.conditions.links import links
from gpurules.records import Record, record
from gpurules.rules.building import Placed


@record
class Comparison(Record):
    """A field against a constant, in one link of a comparison or one member of a list.

    ``comparator`` is as written with the field on the left; ``between`` is what stands between the two, in which it is
    written.
    Missing: ``between`` is None where the constant is a member of a list.
    """

    placed: Placed
    field: Field
    comparator: Comparator
    constant: ir.Constant
    between: Span | None = None

    def with_comparator(self, comparator: Comparator) -> tuple[Edit, ...]:
        """Return the edit that compares with *comparator*, the field on the left, instead; none in a list."""
        if self.between is None:
            return ()
        text = self.placed.expression.parsed.text[self.between.start : self.between.end]
        written = re.search(r"[=!<>]+", text)
        if written is None:
            return ()
        span = Span(self.between.start + written.start(), self.between.start + written.end())
        is_first = self.between.end <= self.constant.span.start
        return (Edit(span, (comparator if is_first else comparator.mirrored).value),)


def comparisons(expressions: Iterable[Placed]) -> Iterator[Comparison]:
    """Yield every comparison of a field with a constant, those that come from a definition only in the definition."""
    for placed in expressions:
        end = len(placed.expression.parsed.text)
        for term in ir.walk(placed.checked.term):
            for field, comparator, constant, between in _links(term):
                span = constant.span
                if span.end <= end and placed.expression.parsed.text[span.start : span.end] == constant.spelling:
                    yield Comparison(placed, field, comparator, constant, between)


def _links(term: ir.Term) -> Iterator[tuple[Field, Comparator, ir.Constant, Span | None]]:
    if isinstance(term, ir.Member) and isinstance(term.subject, ir.Read):
        for member in term.members:
            if isinstance(member, ir.Constant):
                yield term.subject.field, Comparator.EQ, member, None
    for link in links(term):
        if isinstance(link.term, ir.Read):
            first, second = sorted((link.term.span, link.constant.span), key=lambda span: span.start)
            yield link.term.field, link.comparator, link.constant, Span(first.end, second.start)
