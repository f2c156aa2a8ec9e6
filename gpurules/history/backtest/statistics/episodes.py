"""Episodes: the intervals in which a rule or signal is on, joined across frames."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gpurules.backends.columnar import Mask, Numbers, Places
from gpurules.engine.state.signals import Transition
from gpurules.history.backtest.statistics.samples import FrameSamples
from gpurules.history.backtest.statistics.value_counts import ValueCounts
from gpurules.history.kernel.outcome import Runs

FLAP_SECONDS = 60.0
"""A rule or signal that turns on again within this time after it turned off has flapped."""
NODE = ""


class _Intervals(NamedTuple):
    """Intervals in order of owner and time, each later than the one of its owner before.

    Missing: ``ends`` NaN: it goes on.
    """

    owner: Places
    begins: Numbers
    ends: Numbers


@dataclass(slots=True)
class EpisodeRecorder:
    """The episodes of one rule or signal on one node, by owner: a GPU, or the node.

    Units: ``lengths`` in seconds; an episode that is still on at the end counts with its recorded length.
    """

    lengths: ValueCounts = field(default_factory=ValueCounts)
    flaps: int = 0
    _since: dict[str, float] = field(default_factory=dict)
    _off: dict[str, float] = field(default_factory=dict)
    _start: float | None = None

    def restart(self, time: float) -> None:
        """Begin to count at *time*: what is on continues from there, and the times of the last ends stay known."""
        self.lengths, self.flaps, self._start = ValueCounts(), 0, time
        self._since = dict.fromkeys(self._since, time)

    def _begin(self, owner: str, time: float) -> None:
        if owner not in self._since:
            self._since[owner] = time
            self.flaps += time - self._off.get(owner, float("-inf")) < FLAP_SECONDS

    def _end(self, owner: str, time: float) -> None:
        since = self._since.pop(owner, None)
        if since is not None:
            if time != self._start:  # what ends with the first snapshot is on in none
                self.lengths.add(np.array([time - since]))
            self._off[owner] = time

    def add_transitions(self, transitions: Sequence[Transition]) -> None:
        """Add the transitions of a signal, in order of time for each owner."""
        for change in transitions:
            (self._begin if change.on else self._end)(change.owner, change.timestamp)

    def add_changes(self, owners: Sequence[str], owner: Places, times: Numbers, on: Mask) -> None:
        """Add the changes of a signal in one frame, in order of owner and time; one that repeats the state is none."""
        if not len(on):
            return
        is_change = np.append(True, (on[1:] != on[:-1]) | (owner[1:] != owner[:-1]))
        owner, times, on = owner[is_change], times[is_change], on[is_change]
        is_last = np.append(owner[1:] != owner[:-1], True)
        is_first = np.append(True, is_last[:-1])
        for place in np.flatnonzero(is_first & ~on).tolist():
            self._end(owners[int(owner[place])], float(times[place]))
        starts = np.flatnonzero(on)
        ends = np.where(is_last[starts], np.nan, np.append(times, np.nan)[starts + 1])
        self._add(owners, _Intervals(owner[starts], times[starts], ends))

    def add_runs(self, runs: Runs, samples: FrameSamples) -> None:
        """Add the runs of samples of one frame on which a rule matches."""
        starts, owner = samples.number[runs.starts], samples.owner[runs.starts]
        continues = starts == 0
        going = {samples.names[place] for place in owner[continues].tolist()} if self._since else set()
        for name in [name for name in self._since if name not in going]:
            self._end(name, float(samples.times[0]))
        times = np.append(samples.times, np.nan)
        ends = times[samples.number[runs.ends - 1] + 1]
        self._add(samples.names, _Intervals(owner, times[starts], ends))

    def _add(self, names: Sequence[str], found: _Intervals) -> None:
        """Add intervals; the first of an owner that is already on continues its episode."""
        owner, begins, ends = found
        if not len(owner):
            return
        begins = begins.copy()
        firsts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        before = np.append(-np.inf, ends[:-1])
        for place in firsts.tolist():
            name = names[int(owner[place])]
            before[place] = self._off.get(name, -np.inf)
            if name in self._since:
                begins[place], before[place] = self._since.pop(name), -np.inf
        self.flaps += int(np.count_nonzero(begins - before < FLAP_SECONDS))
        lasts = np.append(firsts[1:], len(owner)) - 1
        for place, first in zip(lasts.tolist(), firsts.tolist(), strict=True):
            name, end = names[int(owner[place])], float(ends[place])
            if end == end:
                self._off[name] = end
                continue
            self._since[name] = float(begins[place])
            if place > first:
                self._off[name] = float(ends[place - 1])
        self.lengths.add((ends - begins)[~np.isnan(ends)])

    def finish(self, last: float) -> None:
        """Close the episodes that are still on at the end of the recording."""
        self._start = None
        for owner in list(self._since):
            self._end(owner, last)
