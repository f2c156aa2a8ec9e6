"""Counters of one rule or signal, per node and in total."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gpurules.backends.columnar import Places, Truths
from gpurules.history.backtest.statistics.episodes import EpisodeRecorder
from gpurules.history.backtest.statistics.samples import HOURS, FrameSamples
from gpurules.history.backtest.statistics.timeline import OwnerTimelines
from gpurules.history.backtest.statistics.value_counts import ValueCounts
from gpurules.history.kernel.outcome import Runs

Shares = dict[str, list[int]]
"""How many samples there were, and on how many of them it was on, by a name."""


@dataclass(slots=True)
class RuleTally:
    """The counts of one rule or signal.

    ``episodes`` are the lengths of its episodes, in seconds. ``by`` is what shares are counted by, besides the hour of
    the week: ``node``, ``gpu``, or a label. ``timeline`` is for the chart of a report.
    Units: ``first`` and ``last`` in seconds since 1970; ``hours`` are those of owners: of each GPU, or of the node.
    Missing: ``first`` None: it was never on; ``timeline`` None: there is no report.
    """

    name: str
    per_gpu: bool
    by: frozenset[str] = frozenset()
    samples: int = 0
    on: int = 0
    unknown: int = 0
    snapshots_on: int = 0
    hours: float = 0.0
    first: float | None = None
    last: float | None = None
    episodes: ValueCounts = field(default_factory=ValueCounts)
    flaps: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    by_gpu: Shares = field(default_factory=dict)
    by_node: Shares = field(default_factory=dict)
    by_label: Shares = field(default_factory=dict)
    week: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, HOURS), np.int64))
    timeline: OwnerTimelines | None = None

    def add(self, runs: Runs, truths: Truths, samples: FrameSamples) -> None:
        """Count one frame: the *runs* of samples on which it was on, and the truth of its condition."""
        size = len(samples.owner)
        self.samples += size
        self.unknown += size - int(np.count_nonzero(truths.true)) - int(np.count_nonzero(truths.false))
        segments = samples.segments
        self.week[0] += segments.in_hours
        on = np.zeros(len(segments.owner), np.intp)
        if len(runs.starts):
            self.on += int((runs.ends - runs.starts).sum())
            snapshots, first, last = samples.snapshots(runs)
            self.snapshots_on += snapshots
            self.first = first if self.first is None else min(self.first, first)
            self.last = last if self.last is None else max(self.last, last)
            on = segments.counts(runs)
            self.week[1] += segments.by_hour(on)
        self._add_shares(samples, on)
        if self.timeline is not None:
            self.timeline.add(segments, on)

    def _add_shares(self, samples: FrameSamples, on: Places) -> None:
        segments = samples.segments
        if "gpu" in self.by:
            _share_out(self.by_gpu, samples.names, segments.owner, (segments.sizes, on))
        if segments.label is not None:
            _share_out(self.by_label, samples.labels, segments.label, (segments.sizes, on))

    def close(self, node: str, episodes: EpisodeRecorder, hours: float) -> None:
        """Finish the count of one node, which was recorded for *hours*."""
        episodes.lengths.settle()
        self.episodes, self.flaps = episodes.lengths, episodes.flaps
        if "node" in self.by:
            self.by_node = {node: [self.samples, self.on]}
        self.by_gpu = {f"{node} {name}".strip(): both for name, both in self.by_gpu.items()}
        self.timeline = None if self.timeline is None else self.timeline.with_node(node)
        self.hours = hours

    def merge(self, other: "RuleTally") -> None:
        """Add the count of another node."""
        for name in ("samples", "on", "unknown", "snapshots_on", "hours", "flaps"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        firsts = [time for time in (self.first, other.first) if time is not None]
        lasts = [time for time in (self.last, other.last) if time is not None]
        self.first, self.last = min(firsts, default=None), max(lasts, default=None)
        self.episodes.merge(other.episodes)
        self.causes.update(other.causes)
        self.week += other.week
        if self.timeline is not None and other.timeline is not None:
            self.timeline.merge(other.timeline)
        for mine, more in ((self.by_gpu, other.by_gpu), (self.by_node, other.by_node), (self.by_label, other.by_label)):
            for key, both in more.items():
                _count(mine.setdefault(key, [0, 0]), (both[0], both[1]))

    @property
    def on_share(self) -> float | None:
        """The share of samples on which it was on; missing if there is none."""
        return self.on / self.samples if self.samples else None

    @property
    def unknown_share(self) -> float | None:
        """The share of samples on which its condition was UNKNOWN; missing if there is none."""
        return self.unknown / self.samples if self.samples else None

    @property
    def flaps_per_hour(self) -> float | None:
        """Flaps per hour of one owner; missing if less than a second is recorded."""
        return self.flaps / self.hours if self.hours * 3600 >= 1 else None

    @property
    def lengths(self) -> dict[str, float | None]:
        """The lengths of episodes, in seconds; missing if there is none."""
        found = self.episodes
        return {"median": found.quantile(0.5), "p95": found.quantile(0.95), "max": found.greatest}

    def to_dict(self, kind: str) -> dict[str, object]:
        """Return the count as JSON-ready data, of a ``rule`` or a ``signal``."""
        found: dict[str, object] = {
            kind: self.name, "per": "gpu" if self.per_gpu else "node", "samples": self.samples,
            "on_share": self.on_share, "unknown_share": self.unknown_share, "episodes": len(self.episodes),
            "episode_seconds": self.lengths, "flaps": self.flaps, "flaps_per_hour": self.flaps_per_hour,
            "first": self.first, "last": self.last,
        }  # fmt: skip
        if self.episodes.relative_error is not None:
            found["episode_seconds_error"] = self.episodes.relative_error
        if self.causes:
            found["unknown_because"] = dict(self.causes.most_common())
        return found


def _share_out(shares: Shares, names: Sequence[str], places: Places, counts: tuple[Places, Places]) -> None:
    """Add *counts* of segments to the shares of their names."""
    samples, on = (np.bincount(places, count, len(names)).astype(np.int64).tolist() for count in counts)
    for name, both in zip(names, zip(samples, on, strict=True), strict=True):
        if both[0]:
            _count(shares.setdefault(name, [0, 0]), both)


def _count(both: list[int], more: tuple[int, int]) -> None:
    both[0] += more[0]
    both[1] += more[1]
