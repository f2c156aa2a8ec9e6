"""Difference logic: whether numbers exist in the given intervals whose differences satisfy the given constraints.

Shortest paths over bounds of the form ``x - y <= c`` or ``x - y < c`` (Dill 1989), in exact fractions.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

from gpurules.proofs.domains.intervals import ABOVE, BELOW, Endpoint, Number
from gpurules.proofs.domains.variables import AbstractVariable
from gpurules.records import Record, record

Exact: TypeAlias = int | Fraction
DifferenceBound: TypeAlias = tuple[Exact, int]
"""At most the number, or (with -1) less than it. Tuples order by tightness: (5, -1) is ``< 5``, tighter than (5, 0)."""
EndpointPair: TypeAlias = tuple[Endpoint, Endpoint]

_TRIES = 64
_NOTHING: DifferenceBound = (0, 0)
ZERO = 0


def runs(variable: AbstractVariable, mask: int) -> list[EndpointPair]:
    """Return the intervals that *mask* covers on the line of *variable*, neighbors joined."""
    if variable.partition is None:
        return []
    joined: list[EndpointPair] = []
    for position, interval in enumerate(variable.partition.intervals):
        if mask >> position & 1:
            if joined and joined[-1][1] == interval.low:
                joined[-1] = (joined[-1][0], interval.high)
            else:
                joined.append((interval.low, interval.high))
    if variable.partition.integer:
        return [(low, (high - 1, ABOVE)) for low, (high, _) in joined]
    return joined


@record
class BoundedNumber(Record):
    """A number that is looked for, in one of the intervals."""

    name: int
    intervals: tuple[EndpointPair, ...]
    integer: bool


@record
class DifferenceConstraint(Record):
    """``left - right`` lies in one of the intervals."""

    left: int
    right: int
    intervals: tuple[EndpointPair, ...]


def exact(number: Number) -> Exact:
    """Return *number* without rounding; whole numbers as integers, with which Python counts fastest."""
    return int(number) if number == math.floor(number) else Fraction(number)


class IncompleteError(Exception):
    """Real numbers exist, but no doubles or integers among them were found."""


def solve(numbers: Sequence[BoundedNumber], distances: Sequence[DifferenceConstraint]) -> dict[int, Number] | None:
    """Return a number for each of *numbers* that keeps all *distances*, None where there are none.

    Raises:
        IncompleteError: none were found, and it is not proved that there are none.
    """
    found: dict[int, Number] = {}
    for part, among in _components(numbers, distances):
        solution = _solve(part, among)
        if solution is None:
            return None
        found |= solution
    return found


def _components(
    numbers: Sequence[BoundedNumber], distances: Sequence[DifferenceConstraint]
) -> Iterator[tuple[list[BoundedNumber], list[DifferenceConstraint]]]:
    """Yield the numbers that distances tie together, with these distances."""
    group = {unknown.name: {unknown.name} for unknown in numbers}
    for distance in distances:
        joined = group[distance.left] | group[distance.right]
        for name in joined:
            group[name] = joined
    for names in {id(names): names for names in group.values()}.values():
        yield [u for u in numbers if u.name in names], [d for d in distances if d.left in names]


def _solve(numbers: Sequence[BoundedNumber], distances: Sequence[DifferenceConstraint]) -> dict[int, Number] | None:
    unsure = False
    for count, choice in enumerate(_choices(numbers, distances)):
        if count >= _TRIES:
            raise IncompleteError
        bounds = _closed(choice, len(numbers))
        if bounds is None:
            continue
        found = _numbers(numbers, bounds)
        if found is not None:
            return found
        unsure = True
    if unsure:
        raise IncompleteError
    return None


Edges: TypeAlias = dict[tuple[int, int], DifferenceBound]


def _choices(numbers: Sequence[BoundedNumber], distances: Sequence[DifferenceConstraint]) -> Iterator[Edges]:
    """Yield the bounds of every choice of one interval each; node 0 stands for zero."""
    place = {unknown.name: i for i, unknown in enumerate(numbers, 1)}
    sides = [(place[u.name], ZERO, u.intervals) for u in numbers]
    sides += [(place[d.left], place[d.right], d.intervals) for d in distances]
    model = [0] * len(sides)
    if any(not intervals for _, _, intervals in sides):
        return
    while True:
        edges: Edges = {}
        for (left, right, intervals), index in zip(sides, model, strict=True):
            (low, low_side), (high, high_side) = intervals[index]
            _tighten(edges, left, right, (exact(high), 0 if high_side == ABOVE else -1))
            _tighten(edges, right, left, (-exact(low), 0 if low_side == BELOW else -1))
        yield edges
        for position, (_, _, intervals) in enumerate(sides):
            model[position] += 1
            if model[position] < len(intervals):
                break
            model[position] = 0
        else:
            return


def _tighten(edges: Edges, left: int, right: int, bound: DifferenceBound) -> None:
    known = edges.get((left, right))
    if known is None or bound < known:
        edges[left, right] = bound


def _closed(edges: Edges, count: int) -> Edges | None:
    """Return the tightest bounds that follow, None where they clash.

    Floyd-Warshall: real solutions exist if and only if no cycle is negative, so no node bounds itself below zero.
    """
    nodes = range(count + 1)
    closed = dict(edges)
    for middle in nodes:
        for left in nodes:
            first = closed.get((left, middle))
            if first is None:
                continue
            for right in nodes:
                second = closed.get((middle, right))
                if second is not None:
                    _tighten(closed, left, right, (first[0] + second[0], max(-1, first[1] + second[1])))
    return None if any(closed.get((n, n), _NOTHING) < _NOTHING for n in nodes) else closed


def _with(closed: Edges, place: int, number: Number) -> Edges | None:
    """Return closed bounds with one unknown at *number*, None where it does not fit."""
    # only paths through a new edge can get shorter, so one pass over pairs keeps the bounds closed
    tighter = dict(closed)
    for left, right, bound in ((place, ZERO, exact(number)), (ZERO, place, -exact(number))):
        into = [(n, b) for (n, end), b in tighter.items() if end == left] + [(left, _NOTHING)]
        out = [(n, b) for (start, n), b in tighter.items() if start == right] + [(right, _NOTHING)]
        for first, before in into:
            for last, after in out:
                total = before[0] + bound + after[0], max(-1, before[1] + after[1])
                if first == last and total < _NOTHING:
                    return None
                _tighten(tighter, first, last, total)
    return tighter


def _numbers(numbers: Sequence[BoundedNumber], bounds: Edges) -> dict[int, Number] | None:
    """Return numbers within closed *bounds*, chosen one after the other.

    Over real numbers any choice within closed bounds extends to a solution, so the choice is never taken back; doubles
    and integers may still have no number in between.
    """
    found: dict[int, Number] = {}
    closed: Edges | None = bounds
    for place, unknown in enumerate(numbers, 1):
        if closed is None:
            return None
        high, (low, low_strict) = closed[place, ZERO], closed[ZERO, place]
        number = _between((-low, low_strict), high, unknown.integer)
        if number is None:
            return None
        found[unknown.name] = number
        closed = _with(closed, place, number)
    return None if closed is None else found


def _between(low: DifferenceBound, high: DifferenceBound, integer: bool) -> Number | None:
    """Return a number between two bounds, a plain one where there is one."""
    least, most = low[0], high[0]
    first = math.floor(least) + 1 if low[1] else math.ceil(least)
    last = math.ceil(most) - 1 if high[1] else math.floor(most)
    if first <= last:
        return first if abs(first) <= abs(last) or first >= 0 else last
    if integer:
        return None
    middle = float((least + most) / 2)
    for number in (middle, float(least), float(most)):
        whole = exact(number)
        above = whole > least or (whole == least and not low[1])
        below = whole < most or (whole == most and not high[1])
        if above and below:
            return number
    return None
