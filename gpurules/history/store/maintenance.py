"""Store maintenance: compacts small files into one per day, and applies limits on age and size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from gpurules.history.store.format.findings import Findings
from gpurules.history.store.format.part_file import DAMAGE, opened_part, read_part, rows_of
from gpurules.history.store.format.parts import node_of, telemetry_of
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.schema import NODE, TABLES, TELEMETRY, kind_of
from gpurules.history.store.storage import Storage, StorePart, new_name
from gpurules.history.store.writer import write_table


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """The recorded data of one node.

    Units: ``size`` in bytes; ``first`` and ``last`` are days.
    """

    node: str
    days: int
    files: int
    size: int
    first: str
    last: str


def info(storage: Storage) -> list[NodeInfo]:
    """Return the recorded data, by node.

    Raises:
        StoreError: there is none.
    """
    reader, found = StoreReader(storage), []
    for node in reader.nodes:
        parts = [part for part in reader.parts if part.node == node]
        dates = sorted({part.date for part in parts})
        size = sum(part.size for part in parts)
        found.append(NodeInfo(node, len(dates), len(parts), size, dates[0], dates[-1]))
    return found


def _groups(storage: Storage, tables: Sequence[str]) -> dict[tuple[str, str, str], list[StorePart]]:
    found: dict[tuple[str, str, str], list[StorePart]] = {}
    for part in storage.parts(*tables):
        found.setdefault((part.table, part.node, part.date), []).append(part)
    return found


def compact(storage: Storage, findings: Findings) -> Iterator[tuple[str, int]]:
    """Merge the files of each day and node into one, and yield its folder with the number of files merged.

    The new file is written before the old ones are removed, and readers drop duplicate rows; a file that cannot be read
    is kept. Unfinished files of a crash are removed.
    """
    for path in storage.unfinished_files():
        storage.remove(path)
    for parts in _groups(storage, (TELEMETRY, NODE)).values():
        folder = parts[0].path.rsplit("/", 1)[0]
        tables = [(part, found) for part in parts if (found := _whole(storage, part, findings)) is not None]
        if len(tables) < 2:
            continue
        whole = _joined(parts[0].table, [found for _, found in tables], folder, findings)
        start = float(pc.min(whole.column("timestamp")).as_py() or 0.0)
        write_table(storage, f"{folder}/{new_name(start)}", whole)
        for part, _ in tables:
            storage.remove(part.path)
        yield folder, len(tables)
    yield from _compact_beside(storage, findings)


def _compact_beside(storage: Storage, findings: Findings) -> Iterator[tuple[str, int]]:
    """Merge the few rows of transfers, decisions and transitions likewise; equal rows become one."""
    for parts in _groups(storage, [table for table in TABLES if table not in (TELEMETRY, NODE)]).values():
        read = [(part, rows) for part in parts if (rows := rows_of(storage, part, findings))]
        if len(read) < 2:
            continue
        folder, distinct = parts[0].path.rsplit("/", 1)[0], {repr(row): row for _, rows in read for row in rows}
        try:
            ordered = sorted(distinct.values(), key=lambda row: float(row["timestamp"]))
            names = dict.fromkeys(name for row in ordered for name in row)
            whole = pa.table({name: [row.get(name) for row in ordered] for name in names})
        except (*DAMAGE, KeyError, TypeError) as error:
            findings.add(folder, f"is not merged: {error}")
            continue
        write_table(storage, f"{folder}/{new_name(float(ordered[0]['timestamp']))}", whole)
        for part, _ in read:
            storage.remove(part.path)
        yield folder, len(read)


def _whole(storage: Storage, part: StorePart, findings: Findings) -> pa.Table | None:
    """Return the rows of a file; None if it is kept, because rewriting it would lose some of it."""
    found = Findings()
    try:
        with opened_part(storage, part) as file:
            is_foreign = any(kind_of(name) is None for name in file.schema_arrow.names)
        table = None if is_foreign else read_part(storage, part, None, found)
    except FileNotFoundError:
        return None  # another compaction was here
    except DAMAGE as error:
        found.add_damage(part.path, error)
        table = None
    findings.merge(found)
    return None if found.count else table


def _joined(table: str, tables: Sequence[pa.Table], place: str, findings: Findings) -> pa.Table:
    return telemetry_of(tables, place, findings) if table == TELEMETRY else node_of(tables)


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention limits of a store.

    Units: ``days``, starting with the latest recorded one; ``size`` in bytes.
    Missing: None: no limit.
    """

    days: int | None = None
    size: int | None = None


def retain(storage: Storage, retention: Retention) -> list[StorePart]:
    """Remove what exceeds *retention*, whole days at a time, the oldest first; return what was removed."""
    parts = storage.parts()
    dates = sorted({part.date for part in parts})
    if not dates:
        return []
    doomed: set[str] = set()
    if retention.days is not None:
        limit = _days_before(dates[-1], retention.days)
        doomed |= {date for date in dates if date <= limit}
    if retention.size is not None:
        total = sum(part.size for part in parts if part.date not in doomed)
        for date in (date for date in dates[:-1] if date not in doomed):
            if total <= retention.size:
                break
            doomed.add(date)
            total -= sum(part.size for part in parts if part.date == date)
    gone = [part for part in parts if part.date in doomed]
    for part in gone:
        storage.remove(part.path)
    return gone


def _days_before(date: str, days: int) -> str:
    try:
        return (datetime.fromisoformat(date).replace(tzinfo=UTC) - timedelta(days=days)).date().isoformat()
    except (ValueError, OverflowError):
        return ""
