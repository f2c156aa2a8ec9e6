"""Determines which GPU each row of a file is of: by UUID, else by index, whatever its column ``identity`` says."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gpurules.history.store.format.findings import Findings
from gpurules.history.store.format.frame import plain, texts_of
from gpurules.history.store.storage import StorePart
from gpurules.model import GPU
from gpurules.model.gpu import is_identity

NAMES = ("identity", "uuid", "index")
_BY_INDEX = "index "
_UNNAMED = GPU(index=0).identity


def are_certain(metadata: pq.FileMetaData) -> bool:
    """Return whether the statistics of a file that gpurules wrote agree that each identity is the UUID, else the index.

    If another program changed some of them, the least and greatest of a row group differ in most cases.
    """
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        columns = map(group.column, range(group.num_columns))
        known = {column.path_in_schema: column for column in columns if column.path_in_schema in NAMES}
        if len(known) < len(NAMES) or not _agree(*(known[name] for name in NAMES)):
            return False
    return True


def _agree(identity: Any, uuid: Any, index: Any) -> bool:
    bounds = _bounds(identity)
    if bounds is None:
        return False
    if uuid.statistics is not None and uuid.statistics.null_count == uuid.num_values:
        indexes = _bounds(index)
        return indexes is not None and bounds == [f"{_BY_INDEX}{index}" for index in indexes]
    return bounds == _bounds(uuid)


def _bounds(column: Any) -> list[object] | None:
    """Return the least and the greatest value of a column in a row group; None if one is missing, or not known."""
    known = column.statistics
    if known is None or not known.has_min_max or not known.has_null_count or known.null_count:
        return None
    return [known.min, known.max]


def with_identities(table: pa.Table, part: StorePart, findings: Findings) -> pa.Table:
    """Return *table* with the identities that its GPUs have; a column that says something else is a finding.

    Where a row has neither a UUID nor an index, its identity is its UUID.
    """
    identity, uuid, index = (_words(table, name) for name in NAMES)
    is_unnamed = pc.and_(pc.is_null(uuid), pc.is_null(index))
    uuid = pc.if_else(is_unnamed, _uuids(identity), uuid)
    index = pc.if_else(is_unnamed, _indexes(identity), index)
    by_index = _mapped(index, lambda word: GPU(index=word).identity)
    found = pc.fill_null(pc.coalesce(_uuids(uuid), by_index), _UNNAMED)
    differing = pc.sum(pc.not_equal(identity, found)).as_py() or 0
    if differing:
        findings.add(
            part.path,
            f"the column identity differs from uuid (without one: index) in {differing} rows; these name the GPU",
        )
    for name, column in zip(NAMES, (found, uuid, index), strict=True):
        array = column.dictionary_encode()
        place = table.column_names.index(name) if name in table.column_names else None
        table = table.append_column(name, array) if place is None else table.set_column(place, name, array)
    return table


def _words(table: pa.Table, name: str) -> pa.Array:
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    return plain(table, name).cast(pa.string())


def _uuids(column: pa.Array) -> pa.Array:
    return _mapped(column, lambda word: word if is_identity(word) else None)


def _indexes(column: pa.Array) -> pa.Array:
    return _mapped(column, lambda word: word.removeprefix(_BY_INDEX) if word.startswith(_BY_INDEX) else None)


def _mapped(column: pa.Array, of: Any) -> pa.Array:
    """Return a column of texts with each distinct one replaced; what is missing stays so."""
    texts = texts_of(column)
    return pa.array([*map(of, texts.words), None], pa.string()).take(pa.array(texts.codes % (len(texts.words) + 1)))
