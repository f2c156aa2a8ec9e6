"""Vectorized signals: streaks, holds and ends, computed per stretch of equal inputs.

A signal that is on can only end in a stretch in which its condition is not TRUE, and every such stretch ends it (or
does not) whatever was before. So there are two kinds of events, that it would start and that it would end, each worked
out for itself, and a signal is on where the last event was a start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.columnar import Mask, Numbers, Places, Truths
from gpurules.engine.state.signals import HysteresisState
from gpurules.history.kernel.stretches import ENDED, TRUE, UNKNOWN, Segments, first_after, inputs_of
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

    @classmethod
    def none(cls) -> "Changes":
        """Return no changes."""
        places, mask = np.zeros(0, np.intp), np.zeros(0, bool)
        return cls(places, places, mask, np.zeros(0), mask)


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
        if not truths.true.size:
            return truths.true, Changes.none()
        moves = _Moves(signal, self.settings, grid, _Carried.of(grid.owners, states))
        on, changes = moves.made(truths, until)
        self.states[signal.name] = moves.left(on, changes)
        return on, changes


@dataclass(frozen=True, slots=True)
class _Stretches:
    """The stretches of a signal's owners in which its condition is TRUE, and those in between, in turn.

    Shape: ``event`` is the snapshot from which it would be on (in the others: off); ``end`` where there is none.
    Units: ``since`` is when the streak began (in the others: the pending end); NaN where there is none.
    """

    owner: Places
    end: Places
    is_true: Mask
    since: Numbers
    event: Places
    is_stale: Mask


class _Moves:
    """Computes the transitions of one signal over one frame."""

    def __init__(self, signal: Signal, settings: Settings, grid: Grid, carried: _Carried) -> None:
        self._signal, self._settings, self._grid, self._carried = signal, settings, grid, carried

    def made(self, truths: Truths, until: Truths | None) -> tuple[Mask, Changes]:
        """Return where the signal is on, and what changed; *truths* and *until* are grids."""
        self._segments = Segments.of(inputs_of(truths, until))
        self._stretches = stretches = self._stretches_of(self._segments)
        changed = self._changed(stretches)
        changes = self._changes(stretches, changed)
        return self._on(changes), changes

    def _stretches_of(self, segments: Segments) -> _Stretches:
        times, first = self._grid.times, np.flatnonzero(segments.begins)
        owner, start, is_true = segments.owner[first], segments.start[first], segments.inputs[first] == TRUE
        end = segments.end[np.append(first[1:], len(segments.owner)) - 1]
        ended = np.where(segments.inputs == ENDED, segments.start, len(times))
        ends_at = np.minimum.reduceat(ended, first)
        carried = np.where(is_true, self._carried.streak[owner], self._carried.ending[owner])
        goes_on = (start == 0) & ~np.isnan(carried)
        begin = np.where(is_true | goes_on, start, ends_at)
        known = times[np.minimum(begin, len(times) - 1)]
        since = np.where(goes_on, carried, np.where(begin < end, known, np.nan))
        span = np.minimum(begin, end), end
        event = np.where(
            is_true,
            first_after(times, span, since, self._signal.for_seconds),
            first_after(times, span, since, self._signal.keep_for_seconds),
        )
        stale = np.minimum.reduceat(self._stale_at(segments), first)
        is_stale = ~is_true & (stale < event)
        return _Stretches(owner, end, is_true, since, np.where(is_stale, stale, event), is_stale)

    def _known(self, segments: Segments) -> Numbers:
        """Return when each segment's owner was last known before it; in one that is UNKNOWN it is since then."""
        before = self._grid.times[np.maximum(segments.start - 1, 0)]
        return np.where(segments.start > 0, before, self._carried.known[segments.owner])

    def _stale_at(self, segments: Segments) -> Places:
        """Return the snapshot from which each segment is stale; one beyond all where it is not."""
        beyond = len(self._grid.times)
        found = np.full(len(segments.owner), beyond, np.intp)
        if self._settings.on_stale != "release":
            return found
        places = np.flatnonzero(segments.inputs == UNKNOWN)
        span = segments.start[places], segments.end[places]
        stale = first_after(self._grid.times, span, self._known(segments)[places], self._settings.stale_after)
        found[places] = np.where(stale < span[1], stale, beyond)
        return found

    def _changed(self, stretches: _Stretches) -> Places:
        """Return the stretches in whose events the signal changes."""
        number = np.arange(len(stretches.owner))
        has_event = stretches.event < stretches.end
        last = np.maximum.accumulate(np.where(has_event, number, -1))
        before = np.append(-1, last[:-1])
        of_owner = np.searchsorted(stretches.owner, stretches.owner)
        was_on = np.where(before >= of_owner, stretches.is_true[before], self._carried.on[stretches.owner])
        return np.flatnonzero(has_event & (was_on != stretches.is_true))

    def _changes(self, stretches: _Stretches, changed: Places) -> Changes:
        owner, snapshot, on = stretches.owner[changed], stretches.event[changed], stretches.is_true[changed]
        now = self._grid.times[snapshot]
        follows = np.append(False, owner[1:] == owner[:-1])[: len(owner)]
        since = np.where(follows, np.append(0.0, now)[:-1], self._carried.since[owner])
        lasted = now - np.where(on, stretches.since[changed], since)
        return Changes(owner, snapshot, on, lasted, stretches.is_stale[changed])

    def _on(self, changes: Changes) -> Mask:
        """Return where the signal is on: from each change to the next."""
        owners, count = len(self._grid.owners), len(self._grid.times)
        firsts = np.arange(owners) * count
        turns = np.concatenate([firsts, changes.owner * count + changes.snapshot])
        order = np.argsort(turns, kind="stable")
        state = np.concatenate([self._carried.on, changes.on])[order]
        return np.repeat(state, np.diff(np.append(turns[order], owners * count))).reshape(owners, count)

    def left(self, on: Mask, changes: Changes) -> dict[str, HysteresisState]:
        """Return the states after the frame."""
        stretches, segments, now = self._stretches, self._segments, float(self._grid.times[-1])
        lasts = np.flatnonzero(np.append(stretches.owner[1:] != stretches.owner[:-1], True))
        is_true, is_on = stretches.is_true[lasts], on[:, -1]
        if not (is_true | is_on).any():
            return {}
        last = np.flatnonzero(np.append(segments.owner[1:] != segments.owner[:-1], True))
        known = np.where(segments.inputs[last] == UNKNOWN, self._known(segments)[last], now)
        since = self._carried.since.copy()
        since[changes.owner] = self._grid.times[changes.snapshot]
        found: dict[str, HysteresisState] = {}
        for n, owner in enumerate(self._grid.owners):
            begun = float(stretches.since[lasts[n]])
            if is_on[n]:
                ending = None if is_true[n] or np.isnan(begun) else begun
                found[owner] = HysteresisState(True, float(since[n]), float(known[n]), None, ending)
            elif is_true[n]:
                found[owner] = HysteresisState(False, now, now, begun, None)
        return found
