"""Replaces live telemetry with recorded or simulated telemetry, whose timestamps are the clock."""

import threading
from collections.abc import Callable

from gpurules.model import Snapshot
from gpurules.telemetry import Source

LONGEST = 2.0
"""The longest wait for the next snapshot, in seconds: gaps of a recording are not sat through."""


class ReplayClock:
    """A source whose latest snapshot is the current time, until it ends.

    *wall_time* gives the time before the first snapshot. *speed* is the replay speed relative to the recording; without
    it, snapshots arrive immediately.
    """

    def __init__(self, source: Source, wall_time: Callable[[], float], speed: float | None = None) -> None:
        self.name = source.name
        self._source = source
        self._wall_time = wall_time
        self._speed = speed
        self._latest: float | None = None
        self._hurry = threading.Event()

    def read(self) -> Snapshot:
        """Return the next snapshot.

        Raises:
            EndOfTelemetry: there is none.
            TelemetryError: it cannot be read.
        """
        snapshot = self._source.read()
        if self._speed and self._latest is not None:
            self._hurry.wait(min(LONGEST, max(0.0, snapshot.timestamp - self._latest) / self._speed))
        self._latest = snapshot.timestamp if self._latest is None else max(self._latest, snapshot.timestamp)
        return snapshot

    def clock(self) -> float:
        """Return the time, in seconds since 1970."""
        return self._wall_time() if self._latest is None else self._latest

    def hurry(self) -> None:
        """Stop waiting between snapshots."""
        self._hurry.set()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
