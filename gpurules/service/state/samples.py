"""Recent samples of each GPU, in memory: the last 15 minutes at up to one sample per second."""

import threading
from array import array
from collections.abc import Iterator
from math import isnan, nan

from gpurules.model import GPU, GPUIndex, Snapshot
from gpurules.model.gpu import NUMBERS

KEPT_SECONDS = 900
LEAST_SECONDS = 0.9
"""Samples that come closer together are left out; polls of each second do, a little."""
MAX_SERIES = 20_000
"""The most series (a field of a GPU) that are kept; 64 GPUs have some 1,500."""


class _Series:
    """The values of one field of one GPU, in a ring buffer parallel to that of the times; NaN where missing."""

    def __init__(self, size: int) -> None:
        self.values = array("d", [nan]) * size


class Samples:
    """Keeps recent readings of GPUs. Thread-safe.

    Units: seconds since 1970.
    Missing: a value that was missing at a time is None, never omitted.
    """

    def __init__(self, seconds: int = KEPT_SECONDS) -> None:
        self._lock = threading.Lock()
        self._size = int(seconds / LEAST_SECONDS) + 1
        self._times = array("d", [nan]) * self._size
        self._next = 0
        self._last = float("-inf")
        self._series: dict[tuple[str, str], _Series] = {}
        self._index: dict[str, GPUIndex] = {}

    def add(self, snapshot: Snapshot) -> None:
        """Add a snapshot, unless the last one is less than ``LEAST_SECONDS`` older."""
        if abs(snapshot.timestamp - self._last) < LEAST_SECONDS:
            return
        with self._lock:
            place = self._next % self._size
            self._next += 1
            self._last = self._times[place] = snapshot.timestamp
            for series in self._series.values():
                series.values[place] = nan
            for gpu in snapshot.gpus:
                self._index[str(gpu.index)] = gpu.index
                self._add(gpu, place)

    def _add(self, gpu: GPU, place: int) -> None:
        for name in NUMBERS:
            value = getattr(gpu, name)
            if value is None:
                continue
            key = str(gpu.index), name
            series = self._series.get(key)
            if series is None:
                if len(self._series) >= MAX_SERIES:
                    continue
                series = self._series[key] = _Series(self._size)
            series.values[place] = value

    def _places(self, since: float) -> Iterator[int]:
        for number in range(max(0, self._next - self._size), self._next):
            if self._times[number % self._size] >= since:
                yield number % self._size

    @property
    def oldest(self) -> float | None:
        """The time of the oldest sample; None if there is none."""
        with self._lock:
            return None if self._next == 0 else self._times[max(0, self._next - self._size) % self._size]

    def read(
        self, field: str, gpu: str | None, since: float, step: float
    ) -> tuple[list[float], dict[str, list[object]]]:
        """Return times, and the values of *field* at these times for each GPU (or only *gpu*).

        The last sample within each *step* seconds counts.
        """
        with self._lock:
            chosen: dict[float, int] = {}
            for place in self._places(since):
                at = self._times[place]
                chosen[at // step if step > 0 else at] = place
            places = list(chosen.values())
            found = {
                index: [None if isnan(value := series.values[place]) else value for place in places]
                for (index, name), series in self._series.items()
                if name == field and gpu in (None, index)
            }
            return [self._times[place] for place in places], found  # type: ignore[return-value]
