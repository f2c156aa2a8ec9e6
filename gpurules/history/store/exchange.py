"""Imports recordings into a store, and exports a store as JSONL."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gpurules.engine.recordings import Recording
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import Storage
from gpurules.history.store.time_span import ALWAYS, TimeSpan
from gpurules.history.store.writer import NAMELESS, StoreWriter
from gpurules.model import Snapshot
from gpurules.strict_json import dumps
from gpurules.telemetry import TelemetryError

DAY = 86_400.0
Watch = Callable[[Iterable[Snapshot], Recording], Iterable[Snapshot]]
"""Wraps the walk through a recording, as by a progress bar."""


@dataclass(slots=True)
class Imported:
    """The result of an import.

    ``unread`` lists what could not be used of each file; ``problems`` is their total number.
    """

    snapshots: int = 0
    ignored: int = 0
    files: int = 0
    nodes: set[str] = field(default_factory=set)
    problems: int = 0
    unread: dict[str, list[str]] = field(default_factory=dict)

    def note(self, path: str, what: str, count: int = 1) -> None:
        """Record that part of the file at *path* was not read."""
        self.problems += count
        self.unread.setdefault(path, []).append(what)


def import_recordings(
    storage: Storage, recordings: Sequence[Recording], node: str | None = None, watch: Watch = lambda items, _: items
) -> Imported:
    """Add *recordings* of any supported tool to a store; one that cannot be read does not stop the others.

    *node* is the node of snapshots that name none; the default is ``node``.
    """
    done = Imported()
    for recording in recordings:
        with StoreWriter(storage, flush_seconds=DAY) as writer:
            try:
                for snapshot in watch(recording, recording):
                    named = snapshot if snapshot.host else _named(snapshot, node or NAMELESS)
                    done.nodes.add(named.host or NAMELESS)
                    writer.add(named)
            except (TelemetryError, OSError) as error:
                done.note(recording.path, str(error))
            else:
                done.files += 1
        done.snapshots += writer.written
        done.ignored += writer.ignored
        for problem in recording.problems:
            done.note(recording.path, problem, 0)
        done.problems += recording.problem_count
    return done


def _named(snapshot: Snapshot, node: str) -> Snapshot:
    return Snapshot(
        timestamp=snapshot.timestamp, host=node, driver_version=snapshot.driver_version, gpus=snapshot.gpus,
        labels=snapshot.labels, problems=snapshot.problems,
    )  # fmt: skip


class StoredRecording:
    """One node of a store in a span, as a recording that can be iterated repeatedly.

    ``problems`` and ``problem_count`` are those of the last iteration.
    """

    def __init__(self, place: str, node: str, span: TimeSpan = ALWAYS) -> None:
        self.path = place if not node else f"{place} ({node})"
        self.problems: tuple[str, ...] = ()
        self.problem_count = 0
        self.notices: tuple[str, ...] = ()
        self._place, self._node, self._span = place, node, span

    def __iter__(self) -> Iterator[Snapshot]:
        """Yield its snapshots, from the start."""
        reader = StoreReader(Storage(self._place))
        try:
            for frame in reader.frames(self._node, None, self._span):
                for snapshot, _ in frame.snapshots():
                    yield snapshot
        finally:
            self.problems, self.problem_count = tuple(reader.findings.texts), reader.findings.count


def export_lines(reader: StoreReader, node: str | None = None) -> Iterator[str]:
    """Yield the snapshots as JSON lines, node by node; the host is the node if none was recorded."""
    for name in reader.nodes if node is None else (node,):
        for frame in reader.frames(name):
            for snapshot, _ in frame.snapshots():
                yield dumps((snapshot if snapshot.host else _named(snapshot, name)).to_dict()) + "\n"
