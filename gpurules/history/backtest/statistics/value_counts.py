"""Counts of distinct values: quantiles of any number of values in bounded memory."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpurules.backends.columnar import Numbers

MOST_DISTINCT = 4096
"""Up to this many distinct values each is kept as it is; beyond, values that are nearly equal are counted together."""
_WAITING = 4096
"""This many values are collected before they are counted."""
_FIRST_SHIFT = 42
"""Where there are too many distinct values, this many bits of a double are dropped; 10 of its fraction remain."""


class _Tally(NamedTuple):
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]


_NONE = _Tally(np.zeros(0, np.int64), np.zeros(0, np.int64))


class ValueCounts:
    """Counts of values, none of them negative.

    Quantiles are exact up to ``MOST_DISTINCT`` distinct values (times on a regular grid have few), and as exact as
    ``relative_error`` says beyond; the count and the greatest value are exact always. What is counted together depends
    on the values only, not on the order or the parts in which they are added.
    """

    __slots__ = ("_done", "_shift", "_total", "_waiting", "greatest")

    def __init__(self) -> None:
        """Start with no values."""
        self._done = _NONE
        self._shift = 0
        self._total = 0
        self._waiting: list[Numbers] = []
        self.greatest: float | None = None

    def __len__(self) -> int:
        """Return the number of values."""
        return self._total + sum(map(len, self._waiting))

    def add(self, values: Numbers) -> None:
        """Add values."""
        if not len(values):
            return
        most = float(values.max())
        self.greatest = most if self.greatest is None else max(self.greatest, most)
        self._waiting.append(values)
        if sum(map(len, self._waiting)) >= _WAITING or len(self._waiting) >= _WAITING // 64:
            self.settle()

    def settle(self) -> None:
        """Count the collected values."""
        if not self._waiting:
            return
        bits = (np.concatenate(self._waiting) + 0.0).view(np.int64) >> self._shift  # doubles from 0 on sort as bits do
        self._total += len(bits)
        self._waiting = []
        self._join(_Tally(bits, np.ones(len(bits), np.int64)))

    def _join(self, more: _Tally) -> None:
        self._done = _counted(*(np.concatenate(both) for both in zip(self._done, more, strict=True)))
        while len(self._done.keys) > MOST_DISTINCT:
            self._coarsen(_FIRST_SHIFT if not self._shift else self._shift + 1)

    def _coarsen(self, shift: int) -> None:
        self._done = _counted(self._done.keys >> (shift - self._shift), self._done.counts)
        self._shift = shift

    def merge(self, other: "ValueCounts") -> None:
        """Add the values of another."""
        self.settle()
        other.settle()
        if other.greatest is None:
            return
        self.greatest = other.greatest if self.greatest is None else max(self.greatest, other.greatest)
        if self._shift < other._shift:
            self._coarsen(other._shift)
        self._total += other._total
        self._join(_Tally(other._done.keys >> (self._shift - other._shift), other._done.counts))

    @property
    def relative_error(self) -> float | None:
        """The largest relative error of a quantile; missing if quantiles are exact."""
        self.settle()
        return 2.0 ** (self._shift - 53) if self._shift else None

    def values(self) -> tuple[Numbers, NDArray[np.int64]]:
        """Return the distinct values in ascending order, and the count of each."""
        self.settle()
        keys = self._done.keys << self._shift
        if self._shift:
            keys |= 1 << (self._shift - 1)  # the middle of what is counted together
        return keys.view(np.float64), self._done.counts

    def quantile(self, share: float) -> float | None:
        """Return a quantile, interpolated as ``numpy.quantile`` does; missing if there is no value."""
        values, counts = self.values()
        if not len(values):
            return None
        place = (self._total - 1) * share
        low = int(place)
        ends = np.cumsum(counts)
        first, second = (float(values[np.searchsorted(ends, n, "right")]) for n in (low, min(low + 1, self._total - 1)))
        part, step = place - low, second - first
        found = second - step * (1 - part) if part >= 0.5 else first + step * part
        return found if self.greatest is None else min(found, self.greatest)


def _counted(keys: NDArray[np.int64], counts: NDArray[np.int64]) -> _Tally:
    """Return each key once, in ascending order, with the sum of its counts."""
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    heads = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    return _Tally(keys[heads], np.add.reduceat(counts, heads) if len(heads) else counts)
