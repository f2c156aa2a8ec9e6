"""An index over many outlines: which of them a glance does not tell apart, or rule out, looked up for all at once.

A set of outlines is kept as the bits of an integer, by their place. What is looked up may have too many in it, and
never too few: whatever is in it is looked at one by one.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import accumulate

from gpurules.masks import positions
from gpurules.proofs.moments import Point
from gpurules.proofs.outlines import Outline, Outlines


class _Steps:
    """A set that changes at some places, from the least of them on."""

    def __init__(self, changes: Mapping[int, int], joined: Callable[[int, int], int]) -> None:
        self._places = sorted(changes)
        self._sets = [0, *accumulate((changes[place] for place in self._places), joined)]

    def up_to(self, place: int) -> int:
        """Return the set at *place*."""
        return self._sets[bisect_right(self._places, place)]


class _Column:
    """What outlines allow of one cell; ``free`` are those that allow everything."""

    def __init__(self, masks: Mapping[int, int], free: int) -> None:
        self._free = free
        toggles: dict[int, int] = defaultdict(int)
        firsts: dict[int, int] = defaultdict(int)
        lasts: dict[int, int] = defaultdict(int)
        for mask, owners in masks.items():
            for place in positions(mask ^ (mask << 1)):
                toggles[place] ^= owners
            firsts[_first(mask)] |= owners
            lasts[-_last(mask)] |= owners
        self._at = _Steps(toggles, int.__xor__)
        self._firsts, self._lasts = _Steps(firsts, int.__or__), _Steps(lasts, int.__or__)

    def at(self, value: int) -> int:
        """Return which outlines allow the value that has this bit."""
        return self._free | self._at.up_to(_last(value))

    def around(self, mask: int) -> int:
        """Return the outlines of which the values reach as far as those of *mask*, from both sides."""
        return self._free | (self._firsts.up_to(_last(mask)) & self._lasts.up_to(-_first(mask)))


class OutlineIndex:
    """Looks up among *outlines*, which were drawn by *drawn_by*."""

    def __init__(self, outlines: Sequence[Outline], drawn_by: Outlines) -> None:
        self._usual, self._per_gpu = drawn_by.usual, drawn_by.per_gpu
        masks: dict[int, dict[int, int]] = {}
        self._needed: dict[int, int] = defaultdict(int)
        self._known: dict[int, int] = defaultdict(int)
        for place, outline in enumerate(outlines):
            self._needed[outline.needed] |= 1 << place
            self._known[outline.known] |= 1 << place
            for index, mask in outline.hull.items():
                owners = masks.setdefault(index, {})
                owners[mask] = owners.get(mask, 0) | 1 << place
        everyone = (1 << len(outlines)) - 1
        self._columns = {
            index: _Column(owners, everyone & ~reduce(int.__or__, owners.values())) for index, owners in masks.items()
        }

    def covering(self, inner: Outline) -> int:
        """Return the outlines that *inner* does not plainly escape."""
        found = _within(self._needed, inner.touched)
        for point in inner.points:
            found &= self._holding(point)
        return found

    def known(self, touched: int) -> int:
        """Return the outlines that speak of nothing that must be known but the families *touched*."""
        return _within(self._known, touched)

    def meeting(self, one: Outline, among: int) -> int:
        """Return the outlines *among* some that are not plainly apart from *one*."""
        for index, mask in one.hull.items():
            if index not in self._per_gpu and index in self._columns:
                among &= self._columns[index].around(mask)
        return among

    def _holding(self, point: Point) -> int:
        """Return the outlines that allow *point*."""
        allowed = (column.at(point.get(i, self._usual[i])) for i, column in self._columns.items())
        return reduce(int.__and__, allowed, -1)


def _within(sets: Mapping[int, int], touched: int) -> int:
    return reduce(int.__or__, (owners for families, owners in sets.items() if not families & ~touched), 0)


def _first(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _last(mask: int) -> int:
    return mask.bit_length() - 1
