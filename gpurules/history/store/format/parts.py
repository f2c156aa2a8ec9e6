"""Joins the files of one day: each snapshot and GPU once, in order."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gpurules.history.store.format.findings import Findings
from gpurules.history.store.format.frame import numbers_of, plain, texts_of
from gpurules.history.store.format.part_file import KEYS, read_part
from gpurules.history.store.schema import TELEMETRY, node_schema, telemetry_schema
from gpurules.history.store.storage import Storage, StorePart
from gpurules.history.store.time_span import ALWAYS, TimeSpan


def telemetry_of(tables: Sequence[pa.Table], place: str, findings: Findings) -> pa.Table:
    """Return the rows of several files in order of identity and time, each GPU once at a time."""
    if not tables:
        return telemetry_schema({}).empty_table().select(list(KEYS))
    table = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")
    table = table.unify_dictionaries().combine_chunks()
    codes, times = _ranks(table), numbers_of(plain(table, "timestamp"))
    if len(tables) == 1 and _is_sorted(codes, times):
        return table
    order = np.lexsort((times, codes))
    codes, times = codes[order], times[order]
    is_first = np.append(True, (codes[1:] != codes[:-1]) | (times[1:] != times[:-1]))[: len(codes)]
    if not is_first.all():
        findings.add(place, f"{int((~is_first).sum())} rows are duplicates (two writers?); the first of each is used")
    return table.take(pa.array(order[is_first]))


def _ranks(table: pa.Table) -> np.ndarray[Any, Any]:
    """Return the identities as ranks in the order of their names."""
    texts = texts_of(plain(table, "identity"))
    ranks = np.empty(len(texts.words) + 1, np.intp)
    ranks[np.argsort(np.array([*texts.words, ""]), kind="stable")] = np.arange(len(texts.words) + 1)
    if (np.diff(ranks[:-1]) > 0).all() and not (texts.codes < 0).any():
        return texts.codes
    ranked: np.ndarray[Any, Any] = ranks[texts.codes]
    return ranked


def _is_sorted(codes: np.ndarray[Any, Any], times: np.ndarray[Any, Any]) -> bool:
    is_later = times[1:] > times[:-1]
    turns = np.flatnonzero(codes[1:] != codes[:-1])
    is_later[turns] = codes[turns + 1] > codes[turns]
    return bool(is_later.all())


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
    storage: Storage,
    parts: Sequence[StorePart],
    wanted: Collection[str] | None,
    findings: Findings,
    span: TimeSpan = ALWAYS,
) -> tuple[pa.Table, pa.Table]:
    """Return the GPUs and the snapshots of one node's day, from its files.

    Raises:
        FileNotFoundError: a file no longer exists, as after a compaction.
    """
    gpus, nodes = list[pa.Table](), list[pa.Table]()
    for part in parts:
        table = read_part(storage, part, wanted, findings, span)
        if table is not None:
            (gpus if part.table == TELEMETRY else nodes).append(table)
    place = next((part.path.rsplit("/", 1)[0] for part in parts if part.table == TELEMETRY), "")
    return telemetry_of(gpus, place, findings), node_of(nodes)
