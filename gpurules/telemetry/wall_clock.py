"""Recorded and simulated telemetry in a live agent: shifted onto the wall clock, at the pace at which it was taken."""

from collections.abc import Callable
from dataclasses import replace

from gpurules.model import Snapshot
from gpurules.telemetry.source import EndOfTelemetry, FiniteSource, TelemetryError


class WallClockSource:
    """A finite source that answers like a device: with what is known now.

    Its first snapshot is taken at the first reading, and each further one as much later as it was recorded. Between two
    the answer is the same object again: nothing new is known. Snapshots that no reading asked for in time are passed
    over, as they are by who polls a device. Where the wall clock is set, times move along.

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
            EndOfTelemetry: the time of the last one is over.
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
        """Fetch the next snapshot; what keeps it from coming is raised when the present one has been handed out."""
        try:
            self._next, self._why_not = self._source.read(), None
        except TelemetryError as error:
            self._next, self._why_not = None, error

    def _stamp(self, snapshot: Snapshot) -> Snapshot:
        """Return *snapshot* at the time that the wall clock shows, or showed, when it was due."""
        drift = self._wall() - self._steady()
        return replace(snapshot, timestamp=snapshot.timestamp + self._offset + drift)

    def close(self) -> None:
        """Close the source."""
        self._source.close()
