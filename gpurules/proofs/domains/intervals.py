"""The number line of a field, partitioned at every place where the truth of some condition may change.

An endpoint lies just below (side 0) or just above (side 1) a number. Between two neighbors nothing changes, so one
number of each interval represents all of it. The numbers are the doubles, or the integers where the field counts.
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
Endpoint: TypeAlias = tuple[Number, int]

LARGEST = sys.float_info.max
LARGEST_INTEGER = 2**63 - 1
BELOW, ABOVE = 0, 1


def integer_endpoint(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint among the integers that parts them as *endpoint* does: just below an integer."""
    number, side = endpoint
    return (math.ceil(number) if side == BELOW else math.floor(number) + 1, BELOW)


@record
class Interval(Record):
    """The numbers between two neighboring endpoints; ``first`` and ``last``: an end of the line bounds it."""

    low: Endpoint
    high: Endpoint
    first: bool
    last: bool

    @property
    def is_point(self) -> bool:
        """Whether just one number is in it."""
        return self.low[0] == self.high[0]


@dataclass(frozen=True)
class IntervalPartition:
    """A number line with its intervals, in rising order."""

    intervals: tuple[Interval, ...]
    integer: bool

    @cached_property
    def _uppers(self) -> list[Endpoint]:
        return [interval.high for interval in self.intervals]

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """One number of each interval: the plainest that stands near a breakpoint."""
        return tuple(_plain(interval, self.integer) for interval in self.intervals)

    @cached_property
    def by_digits(self) -> tuple[int, ...]:
        """The positions, as bits, of the numbers that are as short as each other, the shortest first."""
        found: dict[int, int] = {}
        for place, number in enumerate(self.numbers):
            digits = len(repr(number))
            found[digits] = found.get(digits, 0) | 1 << place
        return tuple(found[digits] for digits in sorted(found))

    def below(self, endpoint: Endpoint) -> int:
        """Return how many intervals lie below *endpoint*, which must be one that the line was made with."""
        return bisect_right(self._uppers, integer_endpoint(endpoint) if self.integer else endpoint)

    def place(self, number: Number) -> int | None:
        """Return the position of the interval that has *number* in it, None where it is off the line."""
        for position, interval in enumerate(self.intervals):
            if interval.low <= (number, BELOW) and (number, ABOVE) <= _end(interval, self.integer):
                return position
        return None


def _end(interval: Interval, integer: bool) -> Endpoint:
    number, side = interval.high
    return (number - 1, ABOVE) if integer and side == BELOW else interval.high


def ends_of(minimum: Number | None, maximum: Number | None, integer: bool) -> tuple[Number, Number]:
    """Return the first and last number of a line."""
    largest = LARGEST_INTEGER if integer else LARGEST
    return (-largest if minimum is None else minimum, largest if maximum is None else maximum)


def make_partition(
    minimum: Number | None, maximum: Number | None, integer: bool, breakpoints: Iterable[Endpoint]
) -> IntervalPartition:
    """Return the partition from *minimum* to *maximum* (None: unbounded) at *breakpoints*, without empty intervals."""
    start, stop = ends_of(minimum, maximum, integer)
    low, high = (start, BELOW), (stop, ABOVE)
    wanted = [low, high, *(endpoint for endpoint in breakpoints if low < endpoint < high)]
    if integer:
        wanted = [integer_endpoint(endpoint) for endpoint in wanted]
    ends = sorted(set(wanted))
    pairs = list(pairwise(ends))
    intervals = [
        Interval(start, stop, position == 0, position == len(pairs) - 1)
        for position, (start, stop) in enumerate(pairs)
        if integer or _holds_a_double(start, stop)
    ]
    return IntervalPartition(tuple(intervals), integer)


def _holds_a_double(start: Endpoint, stop: Endpoint) -> bool:
    if start[1] == BELOW or stop[1] == ABOVE:
        return True
    return math.nextafter(start[0], math.inf) < stop[0]


def _plain(interval: Interval, integer: bool) -> Number:
    """Return a round number of *interval*, next to its finite endpoint."""
    (low, low_side), (high, high_side) = interval.low, interval.high
    if integer:
        last = int(high) - 1
        if interval.first and interval.last:
            return min(max(int(low), 1), last)
        return last if interval.first else int(low)
    if low == high:
        return low
    if interval.first and interval.last:
        return min(max(low, 1), high)
    if interval.first:
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
