"""Reads the files of one day: what of a file cannot be used is given, and the rest is read."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gpurules.history.store.findings import Findings
from gpurules.history.store.frame import numbers_of, plain, texts_of
from gpurules.history.store.schema import EXACT, REASON, TELEMETRY, kind_fits, node_schema, telemetry_schema
from gpurules.history.store.storage import Storage, StorePart

DAMAGE = (pa.ArrowException, OSError, ValueError, EOFError)
"""What reading raises where a file is damaged, cut short, or no Parquet."""
KEYS = ("identity", "timestamp", "position")


def read_part(storage: Storage, part: StorePart, wanted: Collection[str] | None, findings: Findings) -> pa.Table | None:
    """Return the columns of a file that are *wanted* (None: all), None where it cannot be read."""
    try:
        source: Any = storage.local(part.path)
        with pq.ParquetFile(source or storage.open(part.path)) as file:
            columns = [c.name for c in file.schema_arrow if wanted is None or _is_wanted(c.name, wanted)]
            fitting = [name for name in columns if kind_fits(name, file.schema_arrow.field(name).type)]
            for name in columns:
                if name not in fitting:
                    kind = file.schema_arrow.field(name).type
                    findings.add(part.path, f"the column {name} has the type {kind}, so its values are missing")
            table = file.read(columns=fitting, use_threads=False)
    except DAMAGE as error:
        first = str(error).split("\n")[0].strip().rstrip(".")
        findings.add(part.path, f"cannot be read: {first or type(error).__name__}")
        return None
    if "timestamp" not in table.column_names:
        findings.add(part.path, "has no readable column timestamp, so nothing in it has a time")
        return None
    return _with_times(table, part, findings)


def _is_wanted(name: str, wanted: Collection[str]) -> bool:
    return name in wanted or name in KEYS or name.removesuffix(REASON).removesuffix(EXACT) in wanted


def _with_times(table: pa.Table, part: StorePart, findings: Findings) -> pa.Table:
    times = table.column("timestamp")
    odd = pc.fill_null(pc.invert(pc.is_finite(pc.cast(times, pa.float64(), safe=False))), True)
    count = pc.sum(odd).as_py() or 0
    if count:
        findings.add(part.path, f"{count} rows have no time, and are skipped")
        table = table.filter(pc.invert(odd))
    return table


def telemetry_of(tables: Sequence[pa.Table], place: str, findings: Findings) -> pa.Table:
    """Return the rows of several files in order of identity and time, each GPU once at a time."""
    if not tables:
        return telemetry_schema({}).empty_table().select(list(KEYS))
    table = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")
    table = _identified(table.unify_dictionaries().combine_chunks())
    codes, times = _ranks(table), numbers_of(plain(table, "timestamp"))
    if len(tables) == 1 and _is_sorted(codes, times):
        return table
    order = np.lexsort((times, codes))
    codes, times = codes[order], times[order]
    is_first = np.append(True, (codes[1:] != codes[:-1]) | (times[1:] != times[:-1]))[: len(codes)]
    if not is_first.all():
        findings.add(place, f"{int((~is_first).sum())} rows are duplicates (two writers?); the first of each is used")
    return table.take(pa.array(order[is_first]))


def _identified(table: pa.Table) -> pa.Table:
    """Return a table of GPUs with their identities, where another program wrote it without."""
    if "identity" in table.column_names:
        return table
    size = table.num_rows

    def column(name: str) -> pa.Array:
        return plain(table, name).cast(pa.string()) if name in table.column_names else pa.nulls(size, pa.string())

    named = pc.binary_join_element_wise("index", pc.fill_null(column("index"), "0"), " ")
    identities = pc.coalesce(column("uuid"), named).dictionary_encode()
    return table.append_column("identity", identities)


def _ranks(table: pa.Table) -> np.ndarray[Any, Any]:
    """Return the identities as numbers in the order of their names."""
    texts = texts_of(plain(table, "identity"))
    ranks = np.empty(len(texts.words) + 1, np.intp)
    ranks[np.argsort(np.array([*texts.words, ""]), kind="stable")] = np.arange(len(texts.words) + 1)
    ranked: np.ndarray[Any, Any] = ranks[texts.codes]
    return ranked


def _is_sorted(codes: np.ndarray[Any, Any], times: np.ndarray[Any, Any]) -> bool:
    same = codes[1:] == codes[:-1]
    return bool(np.all((codes[1:] > codes[:-1]) | (same & (times[1:] > times[:-1]))))


def node_of(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the snapshots of several files in order of time, each once."""
    if not tables:
        return node_schema().empty_table()
    table = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")
    table = table.unify_dictionaries().combine_chunks()
    times = numbers_of(plain(table, "timestamp"))
    if bool(np.all(times[1:] > times[:-1])):
        return table
    _, first = np.unique(times, return_index=True)
    return table.take(pa.array(first))


def read_day(
    storage: Storage, parts: Sequence[StorePart], wanted: Collection[str] | None, findings: Findings
) -> tuple[pa.Table, pa.Table]:
    """Return the GPUs and the snapshots of one node's day, from its files."""
    gpus, nodes = list[pa.Table](), list[pa.Table]()
    for part in parts:
        is_telemetry = part.table == TELEMETRY
        table = read_part(storage, part, wanted if is_telemetry else None, findings)
        if table is not None:
            (gpus if is_telemetry else nodes).append(table)
    place = parts[0].path.rsplit("/", 1)[0] if parts else ""
    return telemetry_of(gpus, place, findings), node_of(nodes)
