"""Checks the snapshots of a recording: their node, and their order in time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gpurules.model import GPU, Snapshot
from gpurules.model.gpu import FLAGS, NUMBERS
from gpurules.telemetry.recordings.reader import RecordingReader
from gpurules.telemetry.source import TelemetryError

_SHIFTS = ((1700, 1900), (3300, 3700))
"""Seconds by which clocks go back at the end of daylight saving time, less the time between two snapshots."""
_FACTS = (*NUMBERS, *(name for name in FLAGS if name != "mig"))
_BEFORE = "before it"


def format_time(time: float) -> str:
    """Format a time for display, in UTC.

    >>> format_time(1.5)
    '1970-01-01 00:00:01.500 UTC'
    """
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"
    except (ValueError, OverflowError, OSError):
        return f"{time:g} s"


def has_facts(gpu: GPU) -> bool:
    """Return whether there is a reading of a GPU, or a reason why one is missing."""
    return gpu.is_lost or bool(gpu.missing) or any(getattr(gpu, name) is not None for name in _FACTS)


@dataclass(slots=True)
class Order:
    """Passes the snapshots of a recording on, and reports those that rules cannot use.

    A snapshot that is not newer than the one before is passed on and reported: engines do not observe it.
    """

    recording: RecordingReader
    _last: float | None = None
    _host: str | None = None
    _uuids: set[str] = field(default_factory=set)
    _others: dict[str, None] = field(default_factory=dict)
    _is_there: bool = False

    def watch(self, snapshots: Iterator[Snapshot]) -> Iterator[Snapshot]:
        """Yield the snapshots of the requested node, or of the only one.

        Raises:
            TelemetryError: there are several nodes, and none is requested.
        """
        for snapshot in snapshots:
            for problem in snapshot.problems:
                self.recording.problem(None, f"{format_time(snapshot.timestamp)}: {problem}")
            if snapshot.gpus and not any(map(has_facts, snapshot.gpus)):
                self.recording.problem(None, f"{format_time(snapshot.timestamp)}: the snapshot has no GPU readings")
                continue
            if not self._is_of_the_node(snapshot):
                continue
            self._check_time(snapshot.timestamp)
            yield snapshot
        if self._others and not self._is_there:
            hosts = ", ".join(sorted(self._others)[:12])
            raise TelemetryError(
                f"{self.recording.place} has no snapshot of the node {self.recording.options.node!r}; it has {hosts}"
            )

    def _is_of_the_node(self, snapshot: Snapshot) -> bool:
        node, host = self.recording.options.node, snapshot.host
        if node is not None:
            if host is not None:
                self._others.setdefault(host)
            else:
                self.recording.notice(None, "the recording does not name its node, so --node has no effect")
            self._is_there = self._is_there or host in (None, node)
            return host is None or host == node
        uuids = {gpu.uuid for gpu in snapshot.gpus if gpu.uuid}
        if host is None:
            if uuids and self._uuids and not uuids & self._uuids:
                self.recording.notice(
                    None, f"all GPUs change at {format_time(snapshot.timestamp)}; does it cover several nodes?"
                )
            self._uuids |= uuids
            return True
        if self._host is not None and host != self._host:
            if not uuids & self._uuids:
                raise TelemetryError(
                    f"{self.recording.place} covers several nodes, {self._host} and {host}; "
                    f"select one with --node {host}"
                )
            self.recording.notice(
                None, f"the host changes to {host} at {format_time(snapshot.timestamp)}; the GPUs stay the same"
            )
        self._host = host
        self._uuids |= uuids
        return True

    def _check_time(self, time: float) -> None:
        last = self._last
        if last is None or time > last:
            self._last = time
            return
        self.recording.problem(
            None,
            f"the snapshot of {format_time(time)} is not newer than the one {_BEFORE} ({format_time(last)}), so rules "
            f"do not see it; {self._cause(last - time)}",
        )

    def _cause(self, seconds: float) -> str:
        if any(low <= seconds <= high for low, high in _SHIFTS):
            zone = (
                "is --timezone right?"
                if self.recording.options.has_zone
                else "set the recorder's time zone with --timezone"
            )
            return f"were clocks set back at the end of daylight saving time? {zone}"
        return "was the clock set back, are rows out of order, or does the file contain several logs?"
