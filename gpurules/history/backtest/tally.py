"""Counters of one rule or signal, per node and in total."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gpurules.backends.columnar import Mask, Places, Truths
from gpurules.history.backtest.episodes import EpisodeRecorder
from gpurules.history.kernel.outcome import Rows

Shares = dict[str, list[int]]
"""How many samples there were, and on how many of them it was on, by a name."""


@dataclass(frozen=True)
class Slices:
    """The groups by which the samples of a frame are counted, computed once for all rules and signals.

    Shape: ``hour`` (0 to 167, from Monday; -1 where there is no date) and ``bucket`` have one entry for each snapshot,
    and so has ``label``.
    Missing: ``label`` None: it is not requested.
    """

    hour: Places
    bucket: Places
    label: Sequence[str] | None = None
    _cells: dict[bool, "_Cells"] = field(default_factory=dict)

    def cells(self, rows: Rows, per_gpu: bool) -> "_Cells":
        """Return the cells that samples fall into: one per row if they are *per_gpu*, else one per snapshot."""
        if per_gpu not in self._cells:
            count = len(rows.times)
            number = rows.groups.snapshot if per_gpu else np.arange(count, dtype=np.intp)
            owner = rows.owner if per_gpu else np.zeros(count, np.intp)
            low = int(self.bucket.min())
            width = int(self.bucket.max()) - low + 1
            cell = owner * width + (self.bucket[number] - low)
            self._cells[per_gpu] = _Cells(
                number, cell, self.hour[number] + 1, tuple(rows.owners) if per_gpu else ("",), (low, width)
            )
        return self._cells[per_gpu]


@dataclass(frozen=True)
class _Cells:
    """The groups of each sample: snapshot, cell of GPU and time, and hour of the week (from 1)."""

    number: Places
    cell: Places
    hour: Places
    names: tuple[str, ...]
    span: tuple[int, int]

    @cached_property
    def in_cells(self) -> Places:
        """The number of samples in each cell."""
        return np.bincount(self.cell, minlength=len(self.names) * self.span[1])

    @cached_property
    def in_hours(self) -> Places:
        """The number of samples in each hour of the week."""
        return np.bincount(self.hour, minlength=169)[1:]


@dataclass(slots=True)
class RuleTally:
    """The counts of one rule or signal.

    ``buckets`` has, by GPU and time bucket, the samples and how many of them were on, for the chart of a report.
    Units: ``first`` and ``last`` in seconds since 1970; ``hours`` are owner hours: of each GPU, or of the node.
    Missing: ``first`` None: it was never on.
    """

    name: str
    per_gpu: bool
    samples: int = 0
    on: int = 0
    unknown: int = 0
    snapshots_on: int = 0
    hours: float = 0.0
    first: float | None = None
    last: float | None = None
    episodes: list[float] = field(default_factory=list)
    flaps: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    by_gpu: Shares = field(default_factory=dict)
    by_node: Shares = field(default_factory=dict)
    by_label: Shares = field(default_factory=dict)
    week: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, 168), np.int64))
    buckets: dict[tuple[str, int], list[int]] = field(default_factory=dict)

    def add(self, mask: Mask, truths: Truths, rows: Rows, slices: Slices) -> None:
        """Count one frame: where it was on, and the truth of its condition."""
        cells = slices.cells(rows, self.per_gpu)
        size, places = len(cells.number), np.flatnonzero(mask)
        self.samples += size
        self.on += len(places)
        self.unknown += size - int(np.count_nonzero(truths.true)) - int(np.count_nonzero(truths.false))
        hit = cells.number[places]
        if len(hit):
            self.snapshots_on += int(np.count_nonzero(np.bincount(hit)))
            first, last = float(rows.times[hit.min()]), float(rows.times[hit.max()])
            self.first = first if self.first is None else min(self.first, first)
            self.last = last if self.last is None else max(self.last, last)
        self.week[0] += cells.in_hours
        self.week[1] += np.bincount(cells.hour[places], minlength=169)[1:]
        self._add_cells(places, cells)
        if slices.label is not None:
            self._add_labels(mask, cells, slices.label)

    def _add_cells(self, places: Places, cells: _Cells) -> None:
        low, width = cells.span
        on = np.bincount(cells.cell[places], minlength=len(cells.in_cells))
        filled = np.flatnonzero(cells.in_cells)
        for place, samples, count in zip(
            filled.tolist(), cells.in_cells[filled].tolist(), on[filled].tolist(), strict=True
        ):
            name = cells.names[place // width]
            _count(self.buckets.setdefault((name, low + place % width), [0, 0]), (samples, count))
            _count(self.by_gpu.setdefault(name, [0, 0]), (samples, count))

    def _add_labels(self, mask: Mask, cells: _Cells, given: Sequence[str]) -> None:
        labels = np.array(given, object)[cells.number]
        for label in dict.fromkeys(given):
            here = labels == label
            _count(self.by_label.setdefault(label, [0, 0]), (int(here.sum()), int((here & mask).sum())))

    def close(self, node: str, episodes: EpisodeRecorder, hours: float) -> None:
        """Finish the count of one node, which was recorded for *hours*."""
        self.episodes, self.flaps = episodes.lengths, episodes.flaps
        self.by_node = {node: [self.samples, self.on]}
        self.by_gpu = {f"{node} {name}".strip(): both for name, both in self.by_gpu.items()}
        self.buckets = {(f"{node} {name}".strip(), b): both for (name, b), both in self.buckets.items()}
        self.hours = hours

    def merge(self, other: "RuleTally") -> None:
        """Add the count of another node."""
        for name in ("samples", "on", "unknown", "snapshots_on", "hours", "flaps"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        firsts = [time for time in (self.first, other.first) if time is not None]
        lasts = [time for time in (self.last, other.last) if time is not None]
        self.first, self.last = min(firsts, default=None), max(lasts, default=None)
        self.episodes = [*self.episodes, *other.episodes]
        self.causes.update(other.causes)
        self.week = self.week + other.week
        self.buckets.update(other.buckets)
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
        if not self.episodes:
            return {"median": None, "p95": None, "max": None}
        median, p95 = np.quantile(self.episodes, [0.5, 0.95]).tolist()
        return {"median": median, "p95": p95, "max": max(self.episodes)}

    def to_dict(self, kind: str) -> dict[str, object]:
        """Return the count as JSON-ready data, of a ``rule`` or a ``signal``."""
        found: dict[str, object] = {
            kind: self.name, "per": "gpu" if self.per_gpu else "node", "samples": self.samples,
            "on_share": self.on_share, "unknown_share": self.unknown_share, "episodes": len(self.episodes),
            "episode_seconds": self.lengths, "flaps": self.flaps, "flaps_per_hour": self.flaps_per_hour,
            "first": self.first, "last": self.last,
        }  # fmt: skip
        if self.causes:
            found["unknown_because"] = dict(self.causes.most_common())
        return found


def _count(both: list[int], more: tuple[int, int]) -> None:
    both[0] += more[0]
    both[1] += more[1]
