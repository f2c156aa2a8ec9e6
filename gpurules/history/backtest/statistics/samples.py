"""The samples of one frame, and the groups by which they are counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gpurules.backends.columnar import Numbers, Places
from gpurules.history.kernel.outcome import Rows, Runs

HOURS = 168


@dataclass(frozen=True)
class FrameSamples:
    """The samples of one frame, in order of owner and time: its rows, or its snapshots.

    Shape: ``times``, ``hour`` (of the week, 0 to 167; -1 where there is no date), ``bucket`` and ``label`` have one
    entry for each snapshot, ``number`` (the snapshot) and ``owner`` one for each sample.
    Missing: ``bucket`` and ``label`` None: they are not requested.
    """

    times: Numbers
    number: Places
    owner: Places
    names: Sequence[str]
    hour: Places
    bucket: Places | None = None
    label: Places | None = None
    labels: Sequence[str] = ()

    @cached_property
    def segments(self) -> "SampleGroups":
        """The longest runs of samples with the same owner, hour, bucket and label."""
        changes = np.zeros(max(0, len(self.owner) - 1), bool)
        for part in (self.hour, self.bucket, self.label):
            if part is not None:
                here = part[self.number]
                changes |= here[1:] != here[:-1]
        changes |= self.owner[1:] != self.owner[:-1]
        starts = np.append(0, np.flatnonzero(changes) + 1) if len(self.owner) else np.zeros(0, np.intp)
        first = self.number[starts]
        bucket, label = (None if part is None else part[first] for part in (self.bucket, self.label))
        bounds = np.append(starts, len(self.owner))
        return SampleGroups(bounds, self.names, self.owner[starts], self.hour[first], bucket, label)

    def snapshots(self, runs: Runs) -> tuple[int, float, float]:
        """Return the number of snapshots with a sample of *runs* (at least one), and the times of first and last."""
        first, last = self.number[runs.starts], self.number[runs.ends - 1]
        order = np.argsort(first)
        first, last = first[order], np.maximum.accumulate(last[order])
        is_apart = first[1:] > last[:-1]
        heads, tails = np.append(True, is_apart), np.append(is_apart, True)
        count = int((last[tails] - first[heads] + 1).sum())
        return count, float(self.times[first[0]]), float(self.times[last[-1]])


@dataclass(frozen=True)
class SampleGroups:
    """Runs of samples with the same owner, hour, bucket and label.

    Shape: segment *n* is the samples from ``bounds[n]`` to ``bounds[n + 1]`` (excluded); the others have one entry
    for each segment.
    """

    bounds: Places
    names: Sequence[str]
    owner: Places
    hour: Places
    bucket: Places | None
    label: Places | None

    @cached_property
    def sizes(self) -> Places:
        """The number of samples in each segment."""
        return np.diff(self.bounds)

    @cached_property
    def in_hours(self) -> Places:
        """The number of samples in each hour of the week."""
        return self.by_hour(self.sizes)

    def by_hour(self, counts: Places) -> Places:
        """Return the sums of *counts* by hour of the week; segments without a date are left out."""
        return np.bincount(self.hour + 1, counts, HOURS + 1)[1:].astype(np.int64)

    def counts(self, runs: Runs) -> Places:
        """Return the number of samples of *runs* in each segment."""
        before = np.append(0, np.cumsum(runs.ends - runs.starts))
        places = np.searchsorted(runs.starts, self.bounds)
        beyond = np.maximum(0, np.append(0, runs.ends)[places] - self.bounds)
        found: Places = np.diff(before[places] - beyond)
        return found


@dataclass(frozen=True)
class Slices:
    """The groups by which the samples of a frame are counted, computed once for all rules and signals.

    Shape: ``hour`` (0 to 167, from Monday; -1 where there is no date), ``bucket`` and ``label`` have one entry for each
    snapshot.
    Missing: ``bucket`` and ``label`` None: they are not requested.
    """

    hour: Places
    bucket: Places | None = None
    label: Sequence[str] | None = None
    _made: dict[tuple[int, int] | None, FrameSamples] = field(default_factory=dict)

    def samples(self, rows: Rows, per_gpu: bool) -> FrameSamples:
        """Return the samples of a frame: its rows if they are *per_gpu*, else its snapshots.

        Rulesets that forget lost GPUs at different times have different rows in one frame.
        """
        key = (id(rows.groups.snapshot), id(rows.owner)) if per_gpu else None
        found = self._made.get(key)  # what it was made of lives as long as itself, so that no other has its id
        if found is None:
            found = self._made[key] = self._samples(rows) if per_gpu else self._snapshots(rows)
        return found

    def _samples(self, rows: Rows) -> FrameSamples:
        return self._counted(rows.times, rows.groups.snapshot, rows.owner, tuple(rows.owners))

    def _snapshots(self, rows: Rows) -> FrameSamples:
        count = len(rows.times)
        return self._counted(rows.times, np.arange(count, dtype=np.intp), np.zeros(count, np.intp), ("",))

    def _counted(self, times: Numbers, number: Places, owner: Places, names: Sequence[str]) -> FrameSamples:
        places = {label: n for n, label in enumerate(dict.fromkeys(self.label or ()))}
        label = None if self.label is None else np.array([places[one] for one in self.label], np.intp)
        return FrameSamples(times, number, owner, names, self.hour, self.bucket, label, tuple(places))
