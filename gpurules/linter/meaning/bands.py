"""Rules on bands of one field, and what lies between two that stand side by side: a gap, an overlap, or nothing."""

import re
from collections.abc import Iterator
from itertools import pairwise

from gpurules.actions import is_directive
from gpurules.diagnostics import Edit, Span
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.linter.conditions.links import ORDERED, UPWARD, ComparisonLink, links
from gpurules.linter.meaning.analysis import ActiveRule
from gpurules.model import Kind
from gpurules.proofs import ABOVE, BELOW, Endpoint, Number, integer_endpoint
from gpurules.records import Record, record

_COMPARATOR = re.compile(r"\s*(<=|>=|<|>)\s*")
_NARROW = 0.25
"""A gap wider than this share of the number at its upper end may well be meant."""


@record
class End(Record):
    """Where a band begins or ends, by one link of a condition."""

    link: ComparisonLink
    value: Number

    @property
    def has_edge(self) -> bool:
        """Whether the number itself belongs to the band."""
        return self.link.comparator in (Comparator.LE, Comparator.GE)


@record
class Band(Record):
    """A rule on one range of a field. Missing: an end is None where the range is not bounded."""

    rule: ActiveRule
    read: ir.Read
    low: End | None
    high: End | None

    @property
    def order(self) -> tuple[float, float]:
        """What bands are sorted by."""
        least, most = float("-inf"), float("inf")
        return (self.low.value if self.low else least, self.high.value if self.high else most)

    @property
    def width(self) -> float:
        """How much is in it."""
        read, (low, high) = self.read.field, self.order
        low = max(low, float("-inf") if read.minimum is None else read.minimum)
        return min(high, float("inf") if read.maximum is None else read.maximum) - low


@record
class Joint(Record):
    """Two bands side by side that do not meet; between them lies what none has (``is_gap``), or what both have."""

    lower: Band
    upper: Band
    is_gap: bool

    @property
    def ends(self) -> tuple[End, End]:
        """The upper end of the lower band, and the lower end of the upper one."""
        assert self.lower.high is not None and self.upper.low is not None
        return self.lower.high, self.upper.low

    @property
    def is_edge(self) -> bool:
        """Whether just one number is between them."""
        return self.ends[0].value == self.ends[1].value

    @property
    def region(self) -> ir.Term:
        """What is between them, as a condition."""
        first, second = self.ends if self.is_gap else reversed(self.ends)
        strict = [end.has_edge is self.is_gap for end in (first, second)]
        signs = [Comparator.LT if one else Comparator.LE for one in strict]
        return ir.Compare((signs[0], signs[1]), (first.link.constant, self.lower.read, second.link.constant))

    @property
    def value(self) -> Number:
        """A number between them."""
        high, low = self.ends
        if self.is_edge:
            return high.value
        if self.lower.read.field.integer:
            return _whole(high, True)[0] if self.is_gap else _whole(low, False)[0]
        middle = high.value / 2 + low.value / 2
        return int(middle) if middle == int(middle) else middle


def joints(bands: list[Band]) -> Iterator[Joint]:
    """Yield the pairs of neighboring bands that leave a gap or overlap, where that is hardly meant."""
    for lower, upper in pairwise(sorted(bands, key=lambda band: band.order)):
        if lower.high is None or upper.low is None:
            continue
        end, start = _cut(lower.high, True, lower.read), _cut(upper.low, False, lower.read)
        if end == start:
            continue
        joint = Joint(lower, upper, end < start)
        if joint.is_edge or (_is_graded(joint) and (_is_narrow(joint) if joint.is_gap else _is_staggered(joint))):
            yield joint


def _cut(end: End, is_high: bool, read: ir.Read) -> Endpoint:
    return _whole(end, is_high) if read.field.integer else (end.value, ABOVE if end.has_edge is is_high else BELOW)


def _whole(end: End, is_high: bool) -> Endpoint:
    return integer_endpoint((end.value, ABOVE if end.has_edge is is_high else BELOW))


def _is_graded(joint: Joint) -> bool:
    """Return whether both rules order the same, but not as much: other directives may well hold side by side."""
    one, other = joint.lower.rule.rule.actions, joint.upper.rule.rule.actions
    is_ordered = all(is_directive(action.action) for action in (*one, *other))
    return is_ordered and [a.parameters for a in one] != [a.parameters for a in other]


def _is_narrow(joint: Joint) -> bool:
    high, low = joint.ends
    gap = low.value - high.value
    return gap < min(joint.lower.width, joint.upper.width) and gap <= abs(low.value) * _NARROW


def _is_staggered(joint: Joint) -> bool:
    """Return whether each band has something that the other has not: one within the other is a grade."""
    (low, high), (other_low, other_high) = joint.lower.order, joint.upper.order
    return low < other_low and high < other_high


def band_of(one: ActiveRule) -> Band | None:
    """Return the band that a rule is about, None where its condition is anything else."""
    if one.rule.signal is not None:
        return None
    found: list[ComparisonLink] = []
    for part in one.rule.term.parts if isinstance(one.rule.term, ir.And) else (one.rule.term,):
        mine = list(links(part))
        if not isinstance(part, ir.Compare) or len(mine) < len(part.comparators):
            return None
        found += mine
    read = found[0].term if found else None
    if not isinstance(read, ir.Read) or read.datatype.kind is not Kind.NUMBER:
        return None
    if any(link.term != read or link.comparator not in ORDERED for link in found):
        return None
    lows = [end for end in map(_end, found) if end is not None and end.link.comparator in UPWARD]
    highs = [end for end in map(_end, found) if end is not None and end.link.comparator not in UPWARD]
    low = max(lows, key=lambda end: (end.value, not end.has_edge), default=None)
    high = min(highs, key=lambda end: (end.value, end.has_edge), default=None)
    band = Band(one, read, low, high)
    return band if band.order[0] < band.order[1] else None


def _end(link: ComparisonLink) -> End | None:
    value = link.constant.value
    return End(link, value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def meeting(joint: Joint) -> Edit | None:
    """Return the edit that lets the upper band begin where the lower one ends, None where it is written otherwise."""
    high, low = joint.ends
    placed = joint.upper.rule.placed
    if placed is None or not high.link.constant.spelling:
        return None
    text, constant = placed.expression.parsed.text, low.link.constant.span
    read = _read_beside(low.link, joint.upper)
    if text[constant.start : constant.end] != low.link.constant.spelling or read is None:
        return None
    new, is_left = high.link.constant.spelling, read.start < constant.start
    between = Span(read.end, constant.start) if is_left else Span(constant.end, read.start)
    if not _COMPARATOR.fullmatch(text[between.start : between.end]):
        return None
    if is_left:
        return Edit(Span(read.end, constant.end), f" {'>' if high.has_edge else '>='} {new}")
    return Edit(Span(constant.start, read.start), f"{new} {'<' if high.has_edge else '<='} ")


def _read_beside(link: ComparisonLink, band: Band) -> Span | None:
    """Return where the field of a link is in the condition of a rule."""
    term = band.rule.rule.term
    for part in term.parts if isinstance(term, ir.And) else (term,):
        if isinstance(part, ir.Compare):
            for left, right in pairwise(part.operands):
                if left is link.constant or right is link.constant:
                    return (right if left is link.constant else left).span
    return None
