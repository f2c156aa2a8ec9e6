"""The number line of a field, cut at every place where some condition may change its mind.

A cut stands just below (side 0) or just above (side 1) a number. Between two neighbouring cuts nothing changes, so one
number of each stretch stands for all of it. The numbers are the doubles, or the integers where the field counts.
"""

import math
import sys
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

from gpurules.records import Record, record

Number: TypeAlias = int | float
Cut: TypeAlias = tuple[Number, int]

LARGEST = sys.float_info.max
LARGEST_INTEGER = 2**63 - 1
BELOW, ABOVE = 0, 1


def whole_cut(cut: Cut) -> Cut:
    """Return the cut among the integers that parts them as *cut* does: just below an integer."""
    number, side = cut
    return (math.ceil(number) if side == BELOW else math.floor(number) + 1, BELOW)


@record
class Stretch(Record):
    """The numbers between two neighbouring cuts; ``first`` and ``last`` say whether an end of the line bounds it."""

    low: Cut
    high: Cut
    first: bool
    last: bool

    @property
    def is_point(self) -> bool:
        """Whether just one number is in it."""
        return self.low[0] == self.high[0]


@dataclass(frozen=True)
class Line:
    """A number line with its stretches, in rising order."""

    stretches: tuple[Stretch, ...]
    integer: bool

    @cached_property
    def _uppers(self) -> list[Cut]:
        return [stretch.high for stretch in self.stretches]

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """One number of each stretch: the plainest that stands near a cut."""
        return tuple(_plain(stretch, self.integer) for stretch in self.stretches)

    @cached_property
    def by_digits(self) -> tuple[int, ...]:
        """The positions, as bits, of the numbers that are as short as each other, the shortest first."""
        found: dict[int, int] = {}
        for place, number in enumerate(self.numbers):
            digits = len(repr(number))
            found[digits] = found.get(digits, 0) | 1 << place
        return tuple(found[digits] for digits in sorted(found))

    def below(self, cut: Cut) -> int:
        """Return how many stretches lie below *cut*, which must be one that the line was made with."""
        return bisect_right(self._uppers, whole_cut(cut) if self.integer else cut)

    def place(self, number: Number) -> int | None:
        """Return the position of the stretch that has *number* in it, None where it is off the line."""
        for position, stretch in enumerate(self.stretches):
            if stretch.low <= (number, BELOW) and (number, ABOVE) <= _end(stretch, self.integer):
                return position
        return None


def _end(stretch: Stretch, integer: bool) -> Cut:
    number, side = stretch.high
    return (number - 1, ABOVE) if integer and side == BELOW else stretch.high


def ends_of(minimum: Number | None, maximum: Number | None, integer: bool) -> tuple[Number, Number]:
    """Return the first and last number of a line."""
    largest = LARGEST_INTEGER if integer else LARGEST
    return (-largest if minimum is None else minimum, largest if maximum is None else maximum)


def make_line(minimum: Number | None, maximum: Number | None, integer: bool, cuts: Iterable[Cut]) -> Line:
    """Return the line from *minimum* to *maximum* (None: unbounded), cut at *cuts*; empty stretches are left out."""
    start, stop = ends_of(minimum, maximum, integer)
    low, high = (start, BELOW), (stop, ABOVE)
    wanted = [low, high, *(cut for cut in cuts if low < cut < high)]
    if integer:
        wanted = [whole_cut(cut) for cut in wanted]
    ends = sorted(set(wanted))
    pairs = list(pairwise(ends))
    stretches = [
        Stretch(start, stop, position == 0, position == len(pairs) - 1)
        for position, (start, stop) in enumerate(pairs)
        if integer or _holds_a_double(start, stop)
    ]
    return Line(tuple(stretches), integer)


def _holds_a_double(start: Cut, stop: Cut) -> bool:
    if start[1] == BELOW or stop[1] == ABOVE:
        return True
    return math.nextafter(start[0], math.inf) < stop[0]


def _plain(stretch: Stretch, integer: bool) -> Number:
    """Return a number of *stretch* that reads well, next to the cut that is no end of the line."""
    (low, low_side), (high, high_side) = stretch.low, stretch.high
    if integer:
        last = int(high) - 1
        if stretch.first and stretch.last:
            return min(max(int(low), 1), last)
        return last if stretch.first else int(low)
    if low == high:
        return low
    if stretch.first and stretch.last:
        return min(max(low, 1), high)
    if stretch.first:
        if high_side == ABOVE:
            return high
        return _whole_below(high, low, low_side) or _middle(low, high)
    if low_side == BELOW:
        return low
    above = math.floor(low) + 1
    return above if above < high or (above == high and high_side == ABOVE) else _middle(low, high)


def _whole_below(high: Number, low: Number, low_side: int) -> Number | None:
    below = math.ceil(high) - 1
    return below if below > low or (below == low and low_side == BELOW) else None


def _middle(low: Number, high: Number) -> Number:
    """Return a double strictly between, of few digits where there is one."""
    for digits in (1, 2, 3, 6):
        short = round((low / 2 + high / 2), digits)
        if low < short < high:
            return short
    middle = low / 2 + high / 2
    return middle if low < middle < high else math.nextafter(low, math.inf)
