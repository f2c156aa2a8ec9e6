"""An index over many abstractions: which of them screening cannot rule out, for all of them in one lookup.

A set of abstractions is kept as the bits of an integer, by their place. What is looked up may have too many in it, and
never too few: whatever is in it is looked at one by one.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import accumulate

from gpurules.bitset import iter_bits
from gpurules.proofs.formulas.assignments import PartialAssignment
from gpurules.proofs.screening.abstractions import Abstraction, Screening


class _Steps:
    """A set that changes at some places, from the least of them on."""

    def __init__(self, changes: Mapping[int, int], joined: Callable[[int, int], int]) -> None:
        self._places = sorted(changes)
        self._sets = [0, *accumulate((changes[place] for place in self._places), joined)]

    def up_to(self, place: int) -> int:
        """Return the set at *place*."""
        return self._sets[bisect_right(self._places, place)]


class _Column:
    """What abstractions allow of one variable; ``free`` are those that allow everything."""

    def __init__(self, masks: Mapping[int, int], free: int) -> None:
        self._free = free
        toggles: dict[int, int] = defaultdict(int)
        firsts: dict[int, int] = defaultdict(int)
        lasts: dict[int, int] = defaultdict(int)
        for mask, owners in masks.items():
            for place in iter_bits(mask ^ (mask << 1)):
                toggles[place] ^= owners
            firsts[_first(mask)] |= owners
            lasts[-_last(mask)] |= owners
        self._at = _Steps(toggles, int.__xor__)
        self._firsts, self._lasts = _Steps(firsts, int.__or__), _Steps(lasts, int.__or__)

    def at(self, value: int) -> int:
        """Return which abstractions allow the value that has this bit."""
        return self._free | self._at.up_to(_last(value))

    def around(self, mask: int) -> int:
        """Return the abstractions whose values extend as far as those of *mask*, from both sides."""
        return self._free | (self._firsts.up_to(_last(mask)) & self._lasts.up_to(-_first(mask)))


class ScreeningIndex:
    """Looks up among *abstractions*, which *screening* computed."""

    def __init__(self, abstractions: Sequence[Abstraction], screening: Screening) -> None:
        self._defaults, self._per_gpu = screening.defaults, screening.per_gpu
        masks: dict[int, dict[int, int]] = {}
        self._needed: dict[int, int] = defaultdict(int)
        self._known: dict[int, int] = defaultdict(int)
        for place, abstraction in enumerate(abstractions):
            self._needed[abstraction.needed] |= 1 << place
            self._known[abstraction.known] |= 1 << place
            for index, mask in abstraction.hull.items():
                owners = masks.setdefault(index, {})
                owners[mask] = owners.get(mask, 0) | 1 << place
        everyone = (1 << len(abstractions)) - 1
        self._columns = {
            index: _Column(owners, everyone & ~reduce(int.__or__, owners.values())) for index, owners in masks.items()
        }

    def covering(self, inner: Abstraction) -> int:
        """Return the abstractions that *inner* does not plainly refute."""
        found = _within(self._needed, inner.support)
        for point in inner.points:
            found &= self._holding(point)
        return found

    def known_within(self, classes: int) -> int:
        """Return the abstractions that speak of nothing that must be known but the independence classes *classes*."""
        return _within(self._known, classes)

    def overlapping(self, one: Abstraction, among: int) -> int:
        """Return the abstractions *among* some that are not plainly apart from *one*."""
        for index, mask in one.hull.items():
            if index not in self._per_gpu and index in self._columns:
                among &= self._columns[index].around(mask)
        return among

    def _holding(self, point: PartialAssignment) -> int:
        """Return the abstractions that allow *point*."""
        allowed = (column.at(point.get(i, self._defaults[i])) for i, column in self._columns.items())
        return reduce(int.__and__, allowed, -1)


def _within(sets: Mapping[int, int], classes: int) -> int:
    return reduce(int.__or__, (owners for classes, owners in sets.items() if not classes & ~classes), 0)


def _first(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _last(mask: int) -> int:
    return mask.bit_length() - 1
