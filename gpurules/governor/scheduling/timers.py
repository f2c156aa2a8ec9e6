"""Timers for the scheduler to check a transfer again."""

import heapq
from math import inf

from gpurules.governor.scheduling.entry import TransferEntry


class Timers:
    """Transfers by the time of their next change: the end of a hold, deadline or lease.

    An obsolete timer is not removed, and has no effect when it fires.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, TransferEntry]] = []
        self._numbered = 0

    @property
    def due(self) -> float:
        """When the first timer fires; infinity without any."""
        return self._heap[0][0] if self._heap else inf

    def set(self, entry: TransferEntry, at: float) -> None:
        """Set a timer for *entry*, unless the time is infinity."""
        if at < inf:
            self._numbered += 1
            heapq.heappush(self._heap, (at, self._numbered, entry))

    def ring(self, now: float) -> TransferEntry | None:
        """Remove and return a transfer whose timer is due; None if there is none."""
        return heapq.heappop(self._heap)[2] if self._heap and self._heap[0][0] <= now else None
