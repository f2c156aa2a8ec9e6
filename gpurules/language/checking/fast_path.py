"""Checks at once what most conditions are: ``field < constant``, or a name alone, joined by AND.

A part may be an OR of some in parentheses, and the whole may be an OR instead; nothing is nested deeper.

Such a text needs no syntax tree. What the parser and the checker make of one comparison depends on its field, its
comparator and the unit of its constant alone, but for the constant's value; so they are asked once for each of these,
and after that only the value is read. Of any other text, and of any with a mistake or a warning, it says nothing, and
the parser has its turn (``tests/property`` holds the two together).
"""

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from gpurules.diagnostics import Span
from gpurules.fields import Field
from gpurules.language.checking.checker import Context, Named, SymbolTable, check_condition
from gpurules.language.syntax import nodes
from gpurules.language.syntax.parser import parse
from gpurules.language.terms import ir
from gpurules.model import Datatype, Kind, QuantityError, Value, parse_amount
from gpurules.records import Record, record

MAX_LENGTH = 2000
"""Longer texts are left to the parser, which knows the limits."""
MAX_KNOWN = 2000
"""How many kinds of comparisons are remembered."""

_BLANK = r"[ \t\r\n]*"
_NUMBER = r"(?>([0-9]+(?:\.[0-9]+)?([A-Za-z%°µ]+(?:/s)?)?))(?![A-Za-z0-9_.%°µ:/])"
_TEXT = r"('[^'\\\r\n]*'|\"[^\"\\\r\n]*\")"
_LINK = re.compile(
    rf"{_BLANK}(\()?{_BLANK}(?>([A-Za-z_][A-Za-z0-9_]*))(?:{_BLANK}(==?|!=|<>|<=?|>=?){_BLANK}(?:{_NUMBER}|{_TEXT}))?"
    rf"{_BLANK}(\))?{_BLANK}(?:((?i:AND\b)|&&)|((?i:OR\b)|\|\|)|\Z)"
)
_KEYWORDS = frozenset(
    {"AND", "OR", "NOT", "IN", "BETWEEN", "IS", "MISSING", "TRUE", "FALSE"}
    | {"CONTAINS", "STARTSWITH", "ENDSWITH", "GLOB", "MATCHES"}
)


@record
class _Known(Record):
    """A checked comparison, without the value of its constant."""

    field: Field
    comparators: tuple[nodes.Comparator, ...]
    datatype: Datatype


ComparisonMatch: TypeAlias = re.Match[str]
"""``name``, or ``name comparator number`` (with its unit), or ``name comparator text``.

Its groups are: an opening parenthesis, name, comparator, number, unit, text, a closing parenthesis, AND, OR.
"""


class LinkGroup(NamedTuple):
    """One link, or several in parentheses that OR joins. Missing: ``span`` is None without parentheses."""

    links: tuple[ComparisonMatch, ...]
    span: Span | None = None


class SimpleCondition(NamedTuple):
    """Groups that AND joins, or OR; ``links`` are those of all of them."""

    links: list[ComparisonMatch]
    groups: tuple[LinkGroup, ...]
    is_or: bool


def simple_condition(text: str) -> SimpleCondition | None:
    """Return the comparisons and names that *text* joins; None if it is anything else."""
    if len(text) > MAX_LENGTH:
        return None
    found: list[ComparisonMatch] = list(iter(_LINK.scanner(text).match, None))  # type: ignore[attr-defined]  # as re.Scanner does
    if not found or found[-1].end() < len(text) or not _KEYWORDS.isdisjoint([link[2].upper() for link in found]):
        return None
    if "(" in text or ")" in text:
        return _grouped(found)
    ors = len([link for link in found if link[9]])
    is_joined = found[-1][8] is None and found[-1][9] is None and ors in (0, len(found) - 1)
    return SimpleCondition(found, tuple([LinkGroup((link,)) for link in found]), ors > 0) if is_joined else None


def _grouped(found: list[ComparisonMatch]) -> SimpleCondition | None:
    """Return *found* by parentheses; None where AND and OR are mixed without them, or parentheses do not match."""
    groups: list[LinkGroup] = []
    inside: list[ComparisonMatch] | None = None
    ands = ors = begin = 0
    for link in found:
        is_opening, *_, is_closing, is_and, is_or = link.groups()
        if is_opening:
            if inside is not None:
                return None
            inside, begin = [], link.start(1)
        if inside is not None:
            inside.append(link)
            if is_closing:
                groups.append(LinkGroup(tuple(inside), Span(begin, link.end(7))))
                inside = None
            elif not is_or:
                return None
        elif is_closing:
            return None
        else:
            groups.append(LinkGroup((link,)))
        if inside is None:
            ands, ors = ands + bool(is_and), ors + bool(is_or)
    is_joined = ands + ors == len(groups) - 1  # nothing follows the last
    return SimpleCondition(found, tuple(groups), bool(ors)) if is_joined and not (ands and ors) else None


class FastPath:
    """Checks simple conditions without a syntax tree; its cache is valid for one environment only."""

    def __init__(self, names: SymbolTable, alone: Callable[[str], Named]) -> None:
        """Check against *names*; *alone* returns what a name stands for that has a small meaning, else None."""
        self._names = names
        self._alone = alone
        self._known: dict[tuple[str, str, str], _Known] = {}

    def term(self, found: SimpleCondition) -> ir.Term | None:
        """Return what *found* means; None where the parser and the checker have to say it."""
        parts: list[ir.Term] = []
        for group in found.groups:
            part = self._group(group)
            if part is None:
                return None
            parts.append(part)
        if len(parts) == 1:
            return parts[0]
        first, last = found.groups[0].span or parts[0].span, found.groups[-1].span or parts[-1].span
        span = Span(first.start, last.end)
        return ir.Or(tuple(parts), span=span) if found.is_or else ir.And(tuple(parts), span=span)

    def _group(self, group: LinkGroup) -> ir.Term | None:
        parts: list[ir.Term] = []
        for link in group.links:
            part = self._compared(link) if link[3] else self._named(link)
            if part is None:
                return None
            parts.append(part)
        return ir.Or(tuple(parts), span=Span(parts[0].span.start, parts[-1].span.end)) if len(parts) > 1 else parts[0]

    def _named(self, link: ComparisonMatch) -> ir.Term | None:
        meaning = self._alone(link[2])
        if isinstance(meaning, Field) and meaning.datatype.kind is Kind.BOOL:
            return ir.Read(meaning, span=Span(*link.span(2)))
        return (
            ir.Signal(meaning.name, meaning.per_gpu, span=Span(*link.span(2)))
            if isinstance(meaning, ir.Signal)
            else None
        )

    def _compared(self, link: ComparisonMatch) -> ir.Term | None:
        _, name, comparator, spelling, unit, text, *_ = link.groups()
        key = (name, comparator, "'" if text else unit or "")
        known = self._known.get(key) or self._learnt(key, link)
        if known is None:
            return None
        value: Value
        if text:
            value, place, spelling = text[1:-1], link.span(6), ""
        else:
            place = link.span(4)
            try:
                value = parse_amount(spelling).value
            except QuantityError:
                return None
        if not _is_usual(known.field, value):
            return None
        start, end = link.span(2)
        read = ir.Read(known.field, span=Span(start, end))
        constant = ir.Constant(value, known.datatype, spelling=spelling, span=Span(*place))
        return ir.Compare(known.comparators, (read, constant), span=Span(start, place[1]))

    def _learnt(self, key: tuple[str, str, str], link: ComparisonMatch) -> _Known | None:
        """Ask the parser and the checker for the checked comparison; None if parsing or checking yields a finding."""
        if not isinstance(self._alone(link[2]), Field):
            return None
        parsed, context = parse(link.string[link.start(2) : max(link.end(4), link.end(6))]), Context(self._names)
        if parsed.findings or parsed.tree is None or isinstance(parsed.tree, nodes.ListLiteral):
            return None
        match check_condition(parsed.tree, context):
            case ir.Compare(comparators, (ir.Read(field), ir.Constant(_, datatype))) if not context.findings:
                if len(self._known) >= MAX_KNOWN:
                    self._known.clear()
                known = self._known[key] = _Known(field, comparators, datatype)
                return known
        return None


def _is_usual(field: Field, value: Value) -> bool:
    """Return whether the checker has nothing to say of a comparison of *field* with *value*."""
    if isinstance(value, str):
        return not field.values or value in field.values
    assert isinstance(value, int | float)
    low, high = field.minimum, field.maximum
    return (low is None or value >= low) and (high is None or value <= high)


def names_of(found: SimpleCondition) -> frozenset[str]:
    """Return the names in *found*."""
    return frozenset([link[2] for link in found.links])


def names_alone(found: SimpleCondition) -> list[str]:
    """Return the names in *found* that are compared with nothing."""
    return [link[2] for link in found.links if not link[3]]


def size_of(found: SimpleCondition) -> int:
    """Return how many nodes the syntax tree of *found* has, names that stand alone left out."""
    inner = sum([1 + (len(group.links) > 1) for group in found.groups if group.span is not None])
    return 3 * len([link for link in found.links if link[3]]) + inner + (len(found.groups) > 1)
