"""Stretches of a signal's inputs: the runs of snapshots of one owner in which they are the same.

A signal depends on its condition and ``until`` only by four inputs: TRUE starts it, ENDED ends it, KNOWN does neither,
and UNKNOWN lets it go stale. They change at few snapshots, so all else is worked out per segment of equal inputs;
segments are far fewer than snapshots.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpurules.backends.columnar import Mask, Numbers, Places, Truths

UNKNOWN, KNOWN, ENDED, TRUE = range(4)
Inputs = NDArray[np.uint8]


def inputs_of(truths: Truths, until: Truths | None) -> Inputs:
    """Return what a signal is given at each place: TRUE, ENDED, KNOWN or UNKNOWN."""
    true = truths.true.view(np.uint8)
    ended = truths.false if until is None else until.true
    found = ended.view(np.uint8) * np.uint8(ENDED)
    if until is not None:
        found |= until.false.view(np.uint8)
    np.maximum(found, true * np.uint8(TRUE), out=found)
    return found


@dataclass(frozen=True, slots=True)
class Segments:
    """The runs of equal inputs, in order of owner and time.

    Shape: segment *n* is that of snapshots ``start[n]`` to ``end[n]`` (excluded) of ``owner[n]``; every owner has one.
    """

    owner: Places
    start: Places
    end: Places
    inputs: Inputs

    @classmethod
    def of(cls, grid: Inputs) -> "Segments":
        """Return the segments of a grid, which has a line of snapshots for each owner."""
        flat, count = grid.reshape(-1), grid.shape[1]
        is_edge = np.empty(len(flat), bool)
        np.not_equal(flat[1:], flat[:-1], out=is_edge[1:])
        is_edge[::count] = True
        places = np.flatnonzero(is_edge)
        owner = places // count
        start = places - owner * count
        end = np.append(start[1:], count)
        return cls(owner, start, np.where(end == 0, count, end), flat[places])

    @property
    def begins(self) -> Mask:
        """Which segments begin a stretch: a TRUE one, what follows one, and the first of an owner."""
        is_true: Mask = self.inputs == TRUE
        begins: Mask = (self.start == 0) | is_true | np.append(True, is_true[:-1])
        return begins


def first_after(times: Numbers, span: tuple[Places, Places], base: Numbers, seconds: float) -> Places:
    """Return the first snapshot of each *span* that is at least *seconds* after *base*, as the engine subtracts.

    Shape: a span is from a snapshot to another (excluded), which is returned where there is none.
    Missing: a base of NaN: there is none.
    """
    low, high = span
    found = np.clip(np.searchsorted(times, base + seconds), low, high)
    while (back := (found > low) & (times[found - 1] - base >= seconds)).any():
        found = found - back
    last = len(times) - 1
    while (on := (found < high) & (times[np.minimum(found, last)] - base < seconds)).any():
        found = found + on
    return found
