"""The time on of a rule or signal, by owner and time bucket: the timeline of a report."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gpurules.backends.columnar import Places
from gpurules.history.backtest.statistics.samples import SampleGroups

LINES = 16
"""A timeline shows this many owners: those with the most time on."""


class Cells(NamedTuple):
    """The time buckets of one owner, in ascending order, with the number of samples in each, and of those on."""

    bucket: Places
    samples: Places
    on: Places

    def merge(self, other: "Cells") -> "Cells":
        """Return the sum of both, each bucket once."""
        bucket, samples, on = (np.concatenate(both) for both in zip(self, other, strict=True))
        order = np.argsort(bucket, kind="stable")
        heads = np.flatnonzero(np.append(True, np.diff(bucket[order]) != 0)[: len(bucket)])
        return Cells(bucket[order][heads], np.add.reduceat(samples[order], heads), np.add.reduceat(on[order], heads))


@dataclass(slots=True)
class OwnerTimelines:
    """The time buckets of each owner; of many nodes, only of the owners that are shown.

    ``left_out`` is the number of the others.
    """

    owners: dict[str, Cells] = field(default_factory=dict)
    left_out: int = 0

    def add(self, segments: SampleGroups, on: Places) -> None:
        """Add the samples of a frame, with the number of samples *on* in each of *segments*."""
        buckets = segments.bucket
        if buckets is None:
            return
        bounds = np.searchsorted(segments.owner, np.arange(len(segments.names) + 1))
        for name, start, end in zip(segments.names, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            if end > start:
                self._join(name, Cells(buckets[start:end], segments.sizes[start:end], on[start:end]))

    def _join(self, name: str, cells: Cells) -> None:
        mine = self.owners.get(name)
        self.owners[name] = cells if mine is None else mine.merge(cells)

    def with_node(self, node: str) -> "OwnerTimelines":
        """Return it with the owners named after their *node*."""
        return OwnerTimelines({f"{node} {name}".strip(): cells for name, cells in self.owners.items()}, self.left_out)

    def merge(self, other: "OwnerTimelines") -> None:
        """Add that of the next node; of those before, only the owners that are shown are kept."""
        before = [name for name in self.longest(len(self.owners)) if name not in other.owners]
        for name in before[LINES:]:
            del self.owners[name]
        self.left_out += max(0, len(before) - LINES) + other.left_out
        for name, cells in other.owners.items():
            self._join(name, cells)

    def longest(self, count: int) -> list[str]:
        """Return the *count* owners with the most samples on, the most first."""
        return sorted(self.owners, key=lambda name: (-int(self.owners[name].on.sum()), name))[:count]
