"""Recorded and simulated telemetry in a live agent: shifted to the wall clock, at its original pace."""

from collections.abc import Callable
from dataclasses import replace

from gpurules.model import Snapshot
from gpurules.telemetry.source import EndOfTelemetry, FiniteSource, TelemetryError


class WallClockSource:
    """A finite source that behaves like a device: it returns the current snapshot.

    Its first snapshot is due at the first reading, each further one at its recorded distance. In between, the same
    object is returned again. Snapshots that no reading requested in time are skipped, as when a device is polled. If
    the wall clock is set, times move along.

    *wall* gives seconds since 1970, *steady* is a monotonic clock.
    """

    def __init__(self, source: FiniteSource, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        self.name = source.name
        self._source = source
        self._wall = wall
        self._steady = steady
        self._offset = 0.0
        self._current: Snapshot | None = None
        self._next: Snapshot | None = None
        self._why_not: TelemetryError | None = None

    def read(self) -> Snapshot:
        """Return the latest snapshot that is due.

        Raises:
            EndOfTelemetry: the last snapshot has expired.
            TelemetryError: the source cannot be read.
        """
        now = self._steady()
        if self._current is None:
            first = self._source.read()
            self._offset = now - first.timestamp
            self._current = self._stamp(first)
            self._look_ahead()
            return self._current
        due = None
        while self._next is not None and self._next.timestamp + self._offset <= now:
            due = self._next
            self._look_ahead()
        if due is not None:
            self._current = self._stamp(due)
        elif self._why_not is not None:
            error = self._why_not
            if not isinstance(error, EndOfTelemetry):
                self._look_ahead()
            raise error
        return self._current

    def _look_ahead(self) -> None:
        """Fetch the next snapshot; an error is raised only after the current one has been returned."""
        try:
            self._next, self._why_not = self._source.read(), None
        except TelemetryError as error:
            self._next, self._why_not = None, error

    def _stamp(self, snapshot: Snapshot) -> Snapshot:
        """Return *snapshot* with the wall clock time at which it was due."""
        drift = self._wall() - self._steady()
        return replace(snapshot, timestamp=snapshot.timestamp + self._offset + drift)

    def close(self) -> None:
        """Close the source."""
        self._source.close()
