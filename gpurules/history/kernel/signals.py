"""Vectorized signals: streaks, holds and ends, computed from the index of the last occurrence.

A signal that is on can only end in a stretch in which its condition is not TRUE, and every such stretch ends it (or
does not) whatever was before. So there are two kinds of events, that it would start and that it would end, each worked
out for itself, and a signal is on where the last event was a start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.columnar import Mask, Numbers, Places, Truths
from gpurules.engine.state.signals import HysteresisState
from gpurules.rules.rule import Settings, Signal


@dataclass(frozen=True, slots=True)
class Grid:
    """The owners of the states of signals, at every snapshot; where an owner is not there, everything is UNKNOWN.

    Shape: ``places`` has the place in the flattened grid of each row; one line for each of ``owners``.
    Missing: ``places`` None: the rows are the grid.
    """

    owners: Sequence[str]
    times: Numbers
    places: Places | None

    def spread(self, mask: Mask) -> Mask:
        """Return a mask of the rows as a grid."""
        shape = len(self.owners), len(self.times)
        if self.places is None:
            return mask.reshape(shape)
        flat = np.zeros(shape[0] * shape[1], bool)
        flat[self.places] = mask
        return flat.reshape(shape)

    def gather(self, grid: Mask) -> Mask:
        """Return the rows of a grid."""
        flat = grid.reshape(-1)
        return flat if self.places is None else flat[self.places]


@dataclass(frozen=True, slots=True)
class Changes:
    """The transitions of one signal, in order of owner and time.

    Units: ``lasted`` in seconds, how long it was in the state before (of a start: how long its condition held).
    """

    owner: Places
    snapshot: Places
    on: Mask
    lasted: Numbers
    is_stale: Mask


@dataclass(slots=True)
class _Carried:
    """The states of all owners when the frame begins; NaN where there is none."""

    on: Mask
    since: Numbers
    known: Numbers
    streak: Numbers
    ending: Numbers

    @classmethod
    def of(cls, owners: Sequence[str], states: Mapping[str, HysteresisState]) -> "_Carried":
        found = [states.get(owner) for owner in owners]

        def numbers(name: str) -> Numbers:
            values = [None if state is None else getattr(state, name) for state in found]
            return np.array([np.nan if value is None else value for value in values], np.float64)

        on = np.array([state is not None and state.on for state in found], bool)
        carried = cls(on, numbers("since"), numbers("known"), numbers("streak"), numbers("ending"))
        carried.streak[on] = np.nan
        return carried


@dataclass(slots=True)
class Stepper:
    """Steps the signals of one ruleset over the frames of one node, and remembers their states in between."""

    settings: Settings
    states: dict[str, dict[str, HysteresisState]] = field(default_factory=dict)

    @property
    def owners(self) -> list[str]:
        """Every owner with a state to remember."""
        return list(dict.fromkeys(owner for states in self.states.values() for owner in states))

    def step(self, signal: Signal, grid: Grid, truths: Truths, until: Truths | None) -> tuple[Mask, Changes]:
        """Return where *signal* is on, as a grid, and what changed."""
        states = self.states.setdefault(signal.name, {})
        moves = _Moves(signal, self.settings, grid, _Carried.of(grid.owners, states))
        on, changes = moves.made(truths, until)
        self.states[signal.name] = moves.left(on, changes)
        return on, changes


class _Moves:
    """What becomes of one signal over one frame."""

    def __init__(self, signal: Signal, settings: Settings, grid: Grid, carried: _Carried) -> None:
        self._signal, self._settings, self._grid, self._carried = signal, settings, grid, carried
        self._now = grid.times[None, :]
        self._index = np.arange(len(grid.times), dtype=np.int32)[None, :]

    def made(self, truths: Truths, until: Truths | None) -> tuple[Mask, Changes]:
        """Return where the signal is on, and what changed; *truths* and *until* are grids."""
        self._true = true = truths.true
        if until is None:
            self._ended, self._is_known = truths.false, truths.true | truths.false
        else:
            self._ended, self._is_known = until.true & ~true, true | until.true | until.false
        self._stops = self._due_stops()
        starts = self._due_starts()
        stops = self._stops | self._stale_stops()
        events = np.where(starts, 2 * self._index + 1, np.where(stops, 2 * self._index, np.int32(-1)))
        np.maximum.accumulate(events, axis=1, out=events)
        on = np.where(events < 0, self._carried.on[:, None], (events & 1).astype(bool))
        return on, self._changes(on)

    def _last(self, mask: Mask) -> np.ndarray:
        """Return the place of the last snapshot, up to each, that is in *mask*; -1 where there is none."""
        return np.maximum.accumulate(np.where(mask, self._index, np.int32(-1)), axis=1)

    def _times(self, places: np.ndarray, before: Numbers) -> Numbers:
        """Return the times at *places*, and what was *before* the frame where there is no place."""
        found: Numbers = np.where(places < 0, before[:, None], self._grid.times[np.maximum(places, 0)])
        return found

    def _streaks(self) -> Numbers:
        """Return since when the condition has been TRUE, where it is."""
        start = self._last(~self._true) + 1
        first = self._grid.times[np.minimum(start, len(self._grid.times) - 1)]
        goes_on = (start == 0) & ~np.isnan(self._carried.streak)[:, None]
        return np.where(goes_on, self._carried.streak[:, None], first)

    def _due_starts(self) -> Mask:
        if not self._signal.for_seconds:
            return self._true
        return self._true & (self._now - self._streaks() >= self._signal.for_seconds)

    def _endings(self) -> tuple[Mask, Numbers]:
        """Return where an end is under way, if the signal is on there, and since when."""
        last_true, last_end = self._last(self._true), self._last(self._ended)
        before = np.concatenate([np.full((len(last_end), 1), -1, np.int32), last_end[:, :-1]], axis=1)
        begun = (last_true < 0) & ~np.isnan(self._carried.ending)[:, None]
        first = self._ended & (before <= last_true) & ~begun
        place = self._last(first)
        is_under_way = (place > last_true) | begun
        times = np.where(begun, self._carried.ending[:, None], self._grid.times[np.maximum(place, 0)])
        return is_under_way & ~self._true, times

    def _due_stops(self) -> Mask:
        if not self._signal.keep_for_seconds and np.isnan(self._carried.ending).all():
            return self._ended
        under_way, since = self._endings()
        return under_way & (self._now - since >= self._signal.keep_for_seconds)

    def _stale_stops(self) -> Mask:
        if self._settings.on_stale != "release" or self._is_known.all():
            return np.zeros_like(self._true)
        known = self._times(self._last(self._is_known), self._carried.known)
        return ~self._is_known & (self._now - known >= self._settings.stale_after)

    def _changes(self, on: Mask) -> Changes:
        before = np.concatenate([self._carried.on[:, None], on[:, :-1]], axis=1)
        owner, snapshot = np.nonzero(on != before)
        is_start, now = on[owner, snapshot], self._grid.times[snapshot]
        follows = np.append(False, owner[1:] == owner[:-1])[: len(owner)]
        since = np.where(follows, np.append(0.0, now)[:-1][: len(now)], self._carried.since[owner])
        lasted = now - since
        if is_start.any():
            lasted[is_start] = now[is_start] - self._streaks()[owner[is_start], snapshot[is_start]]
        is_stale = ~is_start & ~self._stops[owner, snapshot]
        return Changes(owner, snapshot, is_start, lasted, is_stale)

    def left(self, on: Mask, changes: Changes) -> dict[str, HysteresisState]:
        """Return the states after the frame."""
        times, carried = self._grid.times, self._carried
        since = carried.since.copy()
        since[changes.owner] = times[changes.snapshot]
        waits = self._true[:, -1] & ~on[:, -1]
        if not (waits | on[:, -1]).any():
            return {}
        known = self._times(self._last(self._is_known)[:, -1:], carried.known)[:, 0]
        streak = self._streaks()[:, -1]
        under_way, ending = self._endings()
        found: dict[str, HysteresisState] = {}
        for n, owner in enumerate(self._grid.owners):
            if on[n, -1]:
                ends = float(ending[n, -1]) if under_way[n, -1] else None
                found[owner] = HysteresisState(True, float(since[n]), float(known[n]), None, ends)
            elif waits[n]:
                found[owner] = HysteresisState(False, float(times[-1]), float(times[-1]), float(streak[n]), None)
        return found
