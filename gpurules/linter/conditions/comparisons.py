"""Comparisons of a field with a constant: what most checks of conditions look at."""

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from gpurules.diagnostics import Edit, Span
from gpurules.fields import Field
from gpurules.language import Checked, Parsed
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.linter.conditions.links import links
from gpurules.records import Record, record
from gpurules.rules.building import Placed

WrittenLink: TypeAlias = tuple[Field, Comparator, ir.Constant, Span | None]
"""A field, how it is compared, the constant, and what stands between the two."""


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
        for field, comparator, constant, between in placed.once(_written):
            yield Comparison(placed, field, comparator, constant, between)


def _written(parsed: Parsed, checked: Checked) -> list[WrittenLink]:
    """Return the comparisons that are written in a text itself."""
    found = (link for term in ir.walk(checked.term) for link in _links(term))
    return [
        link
        for link in found
        if link[2].span.end <= len(parsed.text)
        and parsed.text[link[2].span.start : link[2].span.end] == link[2].spelling
    ]


def _links(term: ir.Term) -> Iterator[WrittenLink]:
    if isinstance(term, ir.Member) and isinstance(term.subject, ir.Read):
        for member in term.members:
            if isinstance(member, ir.Constant):
                yield term.subject.field, Comparator.EQ, member, None
    for link in links(term):
        if isinstance(link.term, ir.Read):
            first, second = sorted((link.term.span, link.constant.span), key=lambda span: span.start)
            yield link.term.field, link.comparator, link.constant, Span(first.end, second.start)
