"""Writes snapshots into a store: rows are collected, and each minute becomes a file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gpurules.actions.decision import Decision
from gpurules.backends.columnar.columns import EXACT as LIMIT
from gpurules.backends.facts import NO_NODE
from gpurules.engine import Transition
from gpurules.history.store import schema as tables
from gpurules.history.store.storage import Storage, date_of, new_path
from gpurules.model import GPU, Snapshot, Transfer, Workload
from gpurules.model.gpu import NUMBERS
from gpurules.strict_json import dumps

FLUSH_SECONDS = 60.0
ROW_GROUP = 100_000
SAMPLE = 1000
MOST_ROWS = 1_000_000
"""Rows that are held, at the most, before they become a file."""
NAMELESS = "node"
"""The node of snapshots that do not name theirs."""
Observed = tuple[Snapshot, Mapping[str, object]]


def telemetry_table(snapshots: Sequence[Snapshot]) -> pa.Table:
    """Return the GPUs of snapshots as a table, in order of identity and time."""
    rows = [(gpu.identity, s.timestamp, k, gpu) for s in snapshots for k, gpu in enumerate(s.gpus)]
    rows.sort(key=lambda row: row[:3])
    columns: dict[str, list[object]] = {
        name: [row[n] for row in rows] for n, name in enumerate(("identity", "timestamp", "position"))
    }
    gpus = [row[3] for row in rows]
    columns["index"] = [str(gpu.index) for gpu in gpus]
    for name in tables.ATTRIBUTES:
        if name != "index":
            columns[name] = [getattr(gpu, name) for gpu in gpus]
    columns["labels"] = [dumps(dict(gpu.labels), compact=True) if gpu.labels else None for gpu in gpus]
    columns["processes"] = [_processes(gpu) for gpu in gpus]
    companions = _companions(gpus, columns)
    for name in NUMBERS:
        columns[name] = [None if value is None else float(value) for value in columns[name]]  # type: ignore[arg-type]
    return pa.table(columns, schema=tables.telemetry_schema(companions))


def _processes(gpu: GPU) -> str | None:
    return dumps([process.to_dict() for process in gpu.processes], compact=True) if gpu.processes else None


def _companions(gpus: Sequence[GPU], columns: dict[str, list[object]]) -> dict[str, pa.DataType]:
    """Add the companion columns that are needed, and return their types."""
    found: dict[str, pa.DataType] = {}
    for name in dict.fromkeys(name for gpu in gpus for name in gpu.missing):
        columns[name + tables.REASON] = [gpu.missing.get(name) for gpu in gpus]
        found[name + tables.REASON] = pa.dictionary(pa.int32(), pa.string())
    for name in NUMBERS:
        exact = [v if isinstance(v, int) and abs(v) > LIMIT and int(float(v)) != v else None for v in columns[name]]
        if any(value is not None for value in exact):
            columns[name + tables.EXACT] = exact  # type: ignore[assignment]
            found[name + tables.EXACT] = pa.int64()
    return found


def node_table(observed: Iterable[Observed]) -> pa.Table:
    """Return the attributes of snapshots other than their GPUs as a table."""
    rows = sorted(observed, key=lambda pair: pair[0].timestamp)
    columns: dict[str, list[object]] = {
        "timestamp": [s.timestamp for s, _ in rows],
        "host": [s.host for s, _ in rows],
        "driver_version": [s.driver_version for s, _ in rows],
        "labels": [dumps(dict(s.labels), compact=True) if s.labels else None for s, _ in rows],
        "facts": [dumps(dict(facts), compact=True) if facts else None for _, facts in rows],
    }
    return pa.table(columns, schema=tables.node_schema())


def write_table(storage: Storage, path: str, table: pa.Table) -> None:
    """Write a table as a file of the store."""

    def fill(file: IO[bytes]) -> None:
        split = {name: "BYTE_STREAM_SPLIT" for name in table.column_names if _is_mostly_distinct(table, name)}
        names = [name for name in table.column_names if name not in split]
        pq.write_table(
            table, file, compression="zstd", row_group_size=ROW_GROUP, use_dictionary=names, column_encoding=split
        )

    storage.write(path, fill)


def _is_mostly_distinct(table: pa.Table, name: str) -> bool:
    """Return whether a column has too many distinct numbers for a dictionary, which would only be stored beside them.

    Its bytes are stored in eight streams, the first byte of each number first: smaller, and faster to read.
    """
    column = table.column(name)
    if not pa.types.is_float64(column.type):
        return False
    sample = column.slice(0, SAMPLE)
    return 2 * int(pc.count_distinct(sample).as_py()) > len(sample)


@dataclass(slots=True)
class _Batch:
    """Snapshots to be written as files; ``left`` are the remaining tables."""

    node: str
    observed: list[Observed]
    beside: dict[str, list[dict[str, object]]]
    left: tuple[str, ...]

    @property
    def rows(self) -> int:
        """The number of rows."""
        beside = sum(len(rows) for rows in self.beside.values())
        return beside + sum(len(snapshot.gpus) + 1 for snapshot, _ in self.observed)

    def write(self, storage: Storage) -> None:
        """Write the remaining tables; a retry after an error does not write a table twice."""
        while self.left:
            self._write(storage, self.left[0])
            self.left = self.left[1:]

    def _write(self, storage: Storage, table: str) -> None:
        snapshots, start = [snapshot for snapshot, _ in self.observed], self.observed[0][0].timestamp
        if table == tables.NODE:
            write_table(storage, new_path(table, self.node, start), node_table(self.observed))
        elif table != tables.TELEMETRY:
            add_rows(storage, table, self.node, self.beside[table])
        elif any(snapshot.gpus for snapshot in snapshots):
            write_table(storage, new_path(table, self.node, start), telemetry_table(snapshots))


@dataclass
class StoreWriter:
    """Adds snapshots to a store; use it in a ``with`` statement.

    Rows are written within ``flush_seconds`` (by the snapshots' own times), and all of them when the statement ends. A
    new day starts a new file.

    Rows that cannot be written are kept, up to ``most_rows``, and retried with the next file; beyond that the oldest
    are ``lost``. An error is passed to *complain*, and adding continues; without *complain* it is raised.
    """

    storage: Storage
    node: str | None = None
    flush_seconds: float = FLUSH_SECONDS
    complain: Callable[[Exception], object] | None = None
    most_rows: int = MOST_ROWS
    _held: dict[tuple[str, str], list[Observed]] = field(default_factory=dict)
    _rows: int = 0
    _last: dict[str, float] = field(default_factory=dict)
    _beside: dict[str, dict[str, list[dict[str, object]]]] = field(default_factory=dict)
    _batches: list[_Batch] = field(default_factory=list)
    written: int = 0
    added: int = 0
    ignored: int = 0
    lost: int = 0

    @property
    def unwritten(self) -> int:
        """The number of snapshots that could not be written yet."""
        return sum(len(batch.observed) for batch in self._batches)

    def add(self, snapshot: Snapshot, facts: Mapping[str, object] = NO_NODE) -> bool:
        """Add a snapshot with the facts of the node; one that is not newer than the last is ignored."""
        node = self.node or snapshot.host or NAMELESS
        if snapshot.timestamp <= self._last.get(node, float("-inf")):
            self.ignored += 1
            return False
        key = (node, date_of(snapshot.timestamp))
        self._last[node] = snapshot.timestamp
        for other in [other for other in self._held if other[0] == node and other != key]:
            self._flush(other)
        held = self._held.setdefault(key, [])
        held.append((snapshot, facts))
        self.added += 1
        self._rows += len(snapshot.gpus) + 1
        if snapshot.timestamp - held[0][0].timestamp >= self.flush_seconds:
            self._flush(key)
        elif self._rows >= self.most_rows:
            self.flush()
        return True

    def add_transitions(self, snapshot: Snapshot, transitions: Sequence[Transition]) -> None:
        """Add the transitions of signals at a snapshot; they are written with the node's next snapshot."""
        node = self.node or snapshot.host or NAMELESS
        for change in transitions:
            row = {
                "timestamp": change.timestamp, "signal": change.signal, "owner": change.owner, "on": change.on,
                "lasted": change.lasted, "because": change.because,
            }  # fmt: skip
            self._add_beside(node, "transitions", row)

    def add_transfer(self, snapshot: Snapshot, transfer: Transfer, workload: Workload | None) -> None:
        """Add a transfer that was registered before a snapshot, with its workload."""
        row: dict[str, object] = {
            "timestamp": snapshot.timestamp, "id": transfer.id, "transfer": transfer.to_dict(),
            "workload": None if workload is None else workload.to_dict(),
        }  # fmt: skip
        self._add_beside(self.node or snapshot.host or NAMELESS, "transfers", row)

    def add_decision(self, snapshot: Snapshot, decision: Decision, transfer: Transfer | None = None) -> None:
        """Add the decision at a snapshot: for the node, or on a transfer."""
        row: dict[str, object] = {
            "timestamp": snapshot.timestamp, "transfer": None if transfer is None else transfer.id,
            "ruleset_version": decision.ruleset_version, "rules": list(decision.rules), "decision": decision.to_dict(),
        }  # fmt: skip
        self._add_beside(self.node or snapshot.host or NAMELESS, "decisions", row)

    def _add_beside(self, node: str, table: str, row: dict[str, object]) -> None:
        self._beside.setdefault(node, {}).setdefault(table, []).append(row)
        self._rows += 1

    def flush(self) -> None:
        """Write all pending rows."""
        for key in list(self._held):
            self._seal(key)
        self._write()

    def _flush(self, key: tuple[str, str]) -> None:
        self._seal(key)
        self._write()

    def _seal(self, key: tuple[str, str]) -> None:
        node, held = key[0], self._held.pop(key)
        beside = self._beside.pop(node, {})
        self._batches.append(_Batch(node, held, beside, (tables.TELEMETRY, tables.NODE, *beside)))

    def _write(self) -> None:
        """Write the batches, the oldest first, until one fails."""
        try:
            while self._batches:
                self._batches[0].write(self.storage)
                self.written += len(self._batches[0].observed)
                self._drop_oldest()
        except Exception as error:  # a full disk, a store that is gone: retried later
            while len(self._batches) > 1 and self._rows > self.most_rows:
                self.lost += len(self._batches[0].observed)
                self._drop_oldest()
            if self.complain is None:
                raise
            self.complain(error)

    def _drop_oldest(self) -> None:
        self._rows -= self._batches.pop(0).rows

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the remaining rows, even after an exception."""
        self.flush()


def add_rows(storage: Storage, table: str, node: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows with a ``timestamp`` to a non-telemetry table; mappings and lists become JSON."""
    if not rows:
        return
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [_plain(row.get(name)) for row in rows] for name in names}
    write_table(storage, new_path(table, node, float(rows[0]["timestamp"])), pa.table(columns))


def _plain(value: object) -> object:
    return dumps(value, compact=True) if isinstance(value, Mapping | list | tuple) else value
