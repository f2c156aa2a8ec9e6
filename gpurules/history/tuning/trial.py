"""The scores of a candidate: what its signals did on the days that are searched, and on those left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.columnar import Mask, Places
from gpurules.history.backtest.statistics.episodes import NODE, EpisodeRecorder
from gpurules.history.backtest.statistics.value_counts import ValueCounts
from gpurules.history.frames.completion import CompleteFrame

DAY = 86_400.0
EVERY = 4
"""One day in this many is left out of the search, and used to see whether what was found holds."""


@dataclass(frozen=True, slots=True)
class TuningEvent:
    """An event that a signal must precede: the GPU (or the node) and the time.

    Units: seconds since 1970.
    """

    owner: str
    time: float


@dataclass(frozen=True, slots=True)
class PrecedingSamples:
    """The samples at which a signal must be on to precede the events of one frame, one group for each event.

    Events too early in the frame are left out. The event of a GPU that has no sample there is always missed.
    """

    samples: Places
    starts: Places
    always_missed: int

    @classmethod
    def of(cls, events: Sequence[TuningEvent], frame: CompleteFrame, per_gpu: bool, lead: float) -> "PrecedingSamples":
        """Return the samples *lead* seconds before each of *events*: of rows if *per_gpu*, else of snapshots."""
        groups, missed = list[Places](), 0
        for event in events:
            place = int(np.searchsorted(frame.frame.times, event.time - lead, "right")) - 1
            if place >= 0:
                found = _rows(frame, event.owner, place) if per_gpu else np.array([place], np.intp)
                groups.append(found)
                missed += not len(found)
        filled = [group for group in groups if len(group)]
        sizes = np.array([0, *map(len, filled)], np.intp)
        return cls(np.concatenate([np.zeros(0, np.intp), *filled]), np.cumsum(sizes)[:-1], missed)

    @property
    def events(self) -> int:
        """The number of events."""
        return len(self.starts) + self.always_missed

    def count_missed(self, mask: Mask) -> int:
        """Return the number of events before which *mask* is nowhere on."""
        if not len(self.starts):
            return self.always_missed
        hits = np.logical_or.reduceat(mask[self.samples], self.starts)
        return self.always_missed + int(np.count_nonzero(~hits))


def _rows(frame: CompleteFrame, owner: str, place: int) -> Places:
    here = frame.groups.snapshot == place
    if owner != NODE:
        here &= frame.owner == (list(frame.owners).index(owner) if owner in frame.owners else -1)
    return np.flatnonzero(here)


def is_left_out(frame: CompleteFrame) -> bool:
    """Return whether a frame is of a day that is left out of the search."""
    return int(frame.frame.times[0] // DAY) % EVERY == EVERY - 1


@dataclass(slots=True)
class Score:
    """The behavior of one signal on some days.

    ``lengths`` and ``flaps`` are those of the nodes that are done; ``episodes`` records the one that is not.
    """

    samples: int = 0
    on: int = 0
    hours: float = 0.0
    events: int = 0
    missed: int = 0
    flaps: int = 0
    lengths: ValueCounts = field(default_factory=ValueCounts)
    episodes: EpisodeRecorder = field(default_factory=EpisodeRecorder)

    def finish_node(self) -> None:
        """Add the episodes of a node that is done; GPUs of the next may have the same names."""
        self.lengths.merge(self.episodes.lengths)
        self.flaps += self.episodes.flaps
        self.episodes = EpisodeRecorder()

    @property
    def on_share(self) -> float | None:
        """The share of samples on which it was on."""
        return self.on / self.samples if self.samples else None

    def measure(self, name: str) -> float | None:
        """Return a measure by its name; missing if there is nothing to measure."""
        lengths = self.lengths
        match name:
            case "on_share":
                return self.on_share
            case "episodes":
                return len(lengths)
            case "flaps":
                return self.flaps
            case "flaps_per_hour":
                return self.flaps / self.hours if self.hours else None
            case "missed":
                return self.missed
            case "median_seconds":
                return lengths.quantile(0.5)
            case "p95_seconds":
                return lengths.quantile(0.95)
            case "max_seconds":
                return lengths.greatest
            case _:
                return None


Scores = dict[tuple[str, bool], Score]
"""By signal, and whether the days were left out of the search."""
