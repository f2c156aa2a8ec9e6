"""When the scheduler has to look at a transfer again."""

import heapq
from itertools import count
from math import inf

from gpurules.governor.scheduling.entry import TransferEntry


class Timers:
    """Transfers by the time at which something about them changes by itself: a hold, a deadline, a lease ends.

    A timer that no longer matters is left in and rings for nothing.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, TransferEntry]] = []
        self._order = count()

    @property
    def due(self) -> float:
        """When the first rings; infinity without any."""
        return self._heap[0][0] if self._heap else inf

    def set(self, entry: TransferEntry, at: float) -> None:
        """Ring for *entry* at that time, unless it is never."""
        if at < inf:
            heapq.heappush(self._heap, (at, next(self._order), entry))

    def ring(self, now: float) -> TransferEntry | None:
        """Take off and return a transfer whose time has come, None where there is none."""
        return heapq.heappop(self._heap)[2] if self._heap and self._heap[0][0] <= now else None
