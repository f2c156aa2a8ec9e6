"""Recorded and simulated telemetry in place of live telemetry: its own time is the time."""

from collections.abc import Callable

from gpurules.model import Snapshot
from gpurules.telemetry import Source


class OwnTime:
    """A source whose latest snapshot tells the time, for as long as it lasts.

    *moment* tells the time before the first snapshot.
    """

    def __init__(self, source: Source, moment: Callable[[], float]) -> None:
        self.name = source.name
        self._source = source
        self._moment = moment
        self._latest: float | None = None

    def read(self) -> Snapshot:
        """Return the next snapshot.

        Raises:
            EndOfTelemetry: there is none.
            TelemetryError: it can not be read.
        """
        snapshot = self._source.read()
        self._latest = snapshot.timestamp if self._latest is None else max(self._latest, snapshot.timestamp)
        return snapshot

    def clock(self) -> float:
        """Return the time, in seconds since 1970."""
        return self._moment() if self._latest is None else self._latest

    def close(self) -> None:
        """Close the source."""
        self._source.close()
