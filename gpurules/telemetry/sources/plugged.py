"""Wraps telemetry sources of plug-ins: any exception becomes a TelemetryError, and only snapshots are returned."""

from collections.abc import Iterator, Mapping
from typing import Any

from gpurules.logs import logger
from gpurules.model import Snapshot
from gpurules.plugins import Contained, Shape, contain
from gpurules.telemetry.source import Source, TelemetryError

_LOGGER = logger("gpurules.telemetry")
_FACTORY = Shape("telemetry source", ("name", "summary"), ("open", "probe"), TelemetryError)
_SOURCE = Shape("telemetry source", ("name",), ("read", "close", "sample", "__iter__"), TelemetryError)


class PluggedFactory(Contained):
    """The factory of a plug-in; attributes that it lacks are absent here too."""

    def __init__(self, factory: object, entry_point: str) -> None:
        super().__init__(factory, _FACTORY, entry_point)
        if callable(open_ := getattr(self, "open", None)):
            self._open = open_
            self.open = self._open_contained

    def _open_contained(self, argument: str, options: Mapping[str, object]) -> Source:
        """Open the source of the plug-in.

        Raises:
            TelemetryError: it cannot be opened.
        """
        parts = Contained(self._open(argument, options), _SOURCE, self.name)
        return PluggedRecording(parts, self.name) if hasattr(parts, "__iter__") else PluggedSource(parts, self.name)


class PluggedSource:
    """A source of a plug-in."""

    def __init__(self, parts: Any, factory: str) -> None:
        if not (hasattr(parts, "read") and hasattr(parts, "close")):
            raise TelemetryError(f"the telemetry source {factory!r} opened an object without read() and close()")
        self.name = str(getattr(parts, "name", factory))
        self._parts = parts
        if hasattr(parts, "sample"):
            self.sample = parts.sample

    def read(self) -> Snapshot:
        """Return the snapshot that the plug-in reads.

        Raises:
            TelemetryError: it cannot be read, or does not return a snapshot.
        """
        return self._check(self._parts.read())

    def close(self) -> None:
        """Close it; an error is only logged, since nothing can be done about it."""
        try:
            self._parts.close()
        except TelemetryError as error:
            _LOGGER.warning("%s was not closed cleanly: %s", self.name, error)

    def _check(self, found: object) -> Snapshot:
        if isinstance(found, Snapshot):
            return found
        raise TelemetryError(f"{self.name} returned {type(found).__name__}, but a source must return a Snapshot")


class PluggedRecording(PluggedSource):
    """A finite source of a plug-in."""

    def __iter__(self) -> Iterator[Snapshot]:
        """Yield the remaining snapshots."""
        left = self._parts.__iter__()
        advance = contain(lambda: next(left, None), f"{self.name}: its iterator", TelemetryError)
        while (found := advance()) is not None:
            yield self._check(found)
