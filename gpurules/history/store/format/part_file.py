"""Reads selected row groups and columns of one file of a store, in the types of the schema."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gpurules.history.store.format.constants import constants_of
from gpurules.history.store.format.findings import Findings, first_line
from gpurules.history.store.format.frame import numbers_of, plain
from gpurules.history.store.format.identities import NAMES, are_certain, with_identities
from gpurules.history.store.schema import EXACT, REASON, TELEMETRY, VERSION, kind_fits, kind_of, unit_of, version_of
from gpurules.history.store.storage import Storage, StorePart, reachable
from gpurules.history.store.time_span import ALWAYS, LATEST, SLACK, TimeSpan
from gpurules.input_files import check_regular

DAMAGE = (pa.ArrowException, OSError, ValueError, EOFError)
"""What reading raises where a file is damaged, cut short, or no Parquet."""
KEYS = ("identity", "timestamp")
MOST_ROWS = 100_000_000
"""A file with more rows than this is not read: a day of 64 GPUs that are read ten times a second has half of it."""

MOST_ROWS_BESIDE = 2_000_000
"""The same for a file of transfers, decisions or transitions."""


@contextmanager
def opened_part(storage: Storage, part: StorePart) -> Iterator[pq.ParquetFile]:
    """Open a file of the store.

    Raises:
        FileNotFoundError: it no longer exists, as after a compaction.
        OSError, ArrowException: it cannot be read.
    """
    path = storage.local(part.path)
    if path is not None:
        check_regular(os.stat(path).st_mode, path)  # noqa: PTH116  (a pipe would be waited for)
        with pq.ParquetFile(path) as file:
            yield file
    else:
        with reachable(), storage.open(part.path) as source, pq.ParquetFile(source) as file:
            yield file


def read_part(
    storage: Storage, part: StorePart, wanted: Collection[str] | None, findings: Findings, span: TimeSpan = ALWAYS
) -> pa.Table | None:
    """Return the rows of a file in *span*, with the *wanted* columns (None: all).

    Missing: None if it cannot be read, which is reported as a finding.

    Raises:
        FileNotFoundError: it no longer exists, as after a compaction.
    """
    try:
        with opened_part(storage, part) as file:
            table = _rows_of(file, part, findings, wanted, span)
    except FileNotFoundError:
        raise
    except DAMAGE as error:
        findings.add_damage(part.path, error)
        return None
    return None if table is None else span.of(timed_rows(table, part, findings))


def _rows_of(
    file: pq.ParquetFile, part: StorePart, findings: Findings, wanted: Collection[str] | None, span: TimeSpan
) -> pa.Table | None:
    """Return the rows of all groups that have some in *span*, in the types of the schema; None where there is none."""
    names, metadata = readable_columns(file, part, findings, wanted), file.metadata
    groups = [n for n in range(metadata.num_row_groups) if names and span.has_group(metadata.row_group(n))]
    if not groups:
        return None
    is_uncertain = part.table == TELEMETRY and not (version_of(file.schema_arrow) and are_certain(metadata))
    unwanted = set(NAMES) - {"identity"} - set(NAMES if wanted is None else wanted)
    if is_uncertain:
        wanted = None if wanted is None else {*wanted, *NAMES}
        names = readable_columns(file, part, findings, wanted)
    constants = constants_of(metadata, groups, () if wanted is None else set(names) - {"timestamp", "identity"})
    decoded = [name for name in names if name not in constants.texts and name not in constants.absent]
    table = file.read_row_groups(groups, columns=decoded, use_threads=False)
    table = constants.add_to(_in_types_of_schema(table, part, findings))
    if not is_uncertain:
        return table
    # columns that only some files of a day have would be missing in the rows of the others
    table = with_identities(table, part, findings)
    return table.drop_columns([name for name in table.column_names if name in unwanted])


def rows_of(storage: Storage, part: StorePart, findings: Findings) -> list[dict[str, Any]]:
    """Return the rows of a non-telemetry file; none if it cannot be read, which is reported as a finding."""
    try:
        with opened_part(storage, part) as file:
            if file.metadata.num_rows > MOST_ROWS_BESIDE:
                findings.add(part.path, f"has more than {MOST_ROWS_BESIDE:,} rows, and is not read; split it")
                return []
            found: list[dict[str, Any]] = file.read(use_threads=False).to_pylist()
    except DAMAGE as error:
        findings.add_damage(part.path, error)
        return []
    return found


def groups_of(
    file: pq.ParquetFile, part: StorePart, findings: Findings, wanted: Collection[str] | None, span: TimeSpan = ALWAYS
) -> Iterator[pa.Table]:
    """Yield the rows of each row group that overlaps *span*, in the types of the schema; no other group is read.

    Unusable data is reported as a finding.
    """
    names = readable_columns(file, part, findings, wanted)
    for number in range(file.num_row_groups if names else 0):
        if span.has_group(file.metadata.row_group(number)):
            table = file.read_row_group(number, columns=names, use_threads=False)
            yield _in_types_of_schema(table, part, findings)


def readable_columns(
    file: pq.ParquetFile, part: StorePart, findings: Findings, wanted: Collection[str] | None
) -> list[str]:
    """Return the *wanted* columns that can be read; each of the others is reported as a finding.

    Missing: no column if nothing of the file can be used, or it has no rows.
    """
    schema, rows = file.schema_arrow, file.metadata.num_rows
    version = version_of(schema)
    if version > VERSION:
        findings.add(part.path, f"is of version {version} of the layout, and not read; a later gpurules reads it")
        return []
    if rows > MOST_ROWS:
        findings.add(part.path, f"has {rows:,} rows, more than {MOST_ROWS:,}, and is not read; split it")
        return []
    if part.table == TELEMETRY and not {"identity", "uuid", "index"} & set(schema.names):
        findings.add(part.path, "has no column identity, uuid or index, so which GPU a row is of is not known")
        return []
    known = [name for name in schema.names if kind_of(name) is not None]
    names = [name for name in known if wanted is None or _is_wanted(name, wanted)]
    readable = [name for name in dict.fromkeys(names) if _is_readable(schema, name, part, findings)]
    if "timestamp" not in schema.names:
        findings.add(part.path, "has no column timestamp, so nothing in it has a time")
    if "timestamp" not in readable:
        return []
    return readable if rows else []


def _is_readable(schema: pa.Schema, name: str, part: StorePart, findings: Findings) -> bool:
    if schema.names.count(name) > 1:
        findings.add(part.path, f"has {schema.names.count(name)} columns {name}, so its values are missing")
        return False
    column = schema.field(name)
    if not kind_fits(name, column.type):
        remedy = "; write seconds since 1970, or timestamps with a time zone" if name == "timestamp" else ""
        findings.add(part.path, f"the column {name} has the type {column.type}, so its values are missing{remedy}")
        return False
    expected, unit = unit_of(name), ((column.metadata or {}).get(b"unit") or b"").decode("utf-8", "replace")
    if expected and unit and unit != expected:
        findings.add(part.path, f"the column {name} is in {unit!r}, not {expected!r}, so its values are missing")
        return False
    return True


def _is_wanted(name: str, wanted: Collection[str]) -> bool:
    return name in wanted or name in KEYS or name.removesuffix(REASON).removesuffix(EXACT) in wanted


def _in_types_of_schema(table: pa.Table, part: StorePart, findings: Findings) -> pa.Table:
    """Return a table whose columns have the types of the schema, even if another program wrote it."""
    for place, name in enumerate(table.column_names):
        column, kind = table.column(place), kind_of(name)
        if kind is None or column.type == kind:
            continue
        try:
            cast = _cast(column, kind)
        except DAMAGE as error:
            findings.add(
                part.path, f"the column {name} cannot be read ({first_line(error)}), so its values are missing"
            )
            cast = pa.chunked_array([pa.nulls(table.num_rows, kind)])
        table = table.set_column(place, pa.field(name, kind), cast)
    return table


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(kind):
        texts = column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
        return pc.cast(texts.dictionary_encode(), kind)
    if pa.types.is_timestamp(column.type):
        exact = pc.cast(pc.cast(column, pa.timestamp("ns", column.type.tz)), pa.int64())
        return pc.divide(pc.cast(exact, pa.float64(), safe=False), 1e9)
    return pc.cast(column, kind, safe=not pa.types.is_float64(kind))


def timed_rows(table: pa.Table, part: StorePart, findings: Findings) -> pa.Table:
    """Return the rows with a valid time that is near the day of their folder."""
    first, last = _bounds(part.date)
    numbers = numbers_of(plain(table, "timestamp"))
    if len(numbers) and first <= numbers.min() and numbers.max() < last:  # not where one of them is missing
        return table
    table = _kept(table, pc.is_finite(table.column("timestamp")), part, findings, "have no time, and are skipped")
    times = table.column("timestamp")
    is_near = pc.and_(pc.greater_equal(times, first), pc.less(times, last))
    what = "have a time that is not of the day of their folder (is it in seconds since 1970?), and are skipped"
    return _kept(table, is_near, part, findings, what)


def _kept(table: pa.Table, mask: pa.ChunkedArray, part: StorePart, findings: Findings, what: str) -> pa.Table:
    mask = pc.fill_null(mask, False)
    kept = pc.sum(mask).as_py() or 0
    if kept == table.num_rows:
        return table
    findings.add(part.path, f"{table.num_rows - kept} rows {what}")
    return table.filter(mask)


def _bounds(date: str) -> tuple[float, float]:
    """Return the bounds of the times that *date* can have in any time zone, with a margin for clock errors."""
    day = TimeSpan.of_day(date)
    return (0.0, LATEST) if day is None else (day.since - SLACK, day.until + SLACK)
