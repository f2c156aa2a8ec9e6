"""Finds the columns that have one value in all rows to be read, by the statistics of a file; they are not decoded."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gpurules.history.store.schema import kind_of


@dataclass(frozen=True, slots=True)
class Constants:
    """Columns with one value.

    ``texts`` maps columns to their value. ``absent`` lists the columns that read the same if they are left out: those
    without a value, and ``healthy`` if it is always true.
    """

    texts: dict[str, str]
    absent: frozenset[str]

    def add_to(self, table: pa.Table) -> pa.Table:
        """Return *table* with the texts as columns."""
        for name, text in self.texts.items():
            codes = pa.array(np.zeros(table.num_rows, np.int32))
            array = pa.DictionaryArray.from_arrays(codes, pa.array([text], pa.string()))
            table = table.append_column(pa.field(name, array.type), array)
        return table


def constants_of(metadata: pq.FileMetaData, groups: Sequence[int], names: Collection[str]) -> Constants:
    """Return which of the columns *names* have one value in *groups* of rows.

    The minimum is a lower bound of all values and the maximum an upper bound, even if a writer truncated them, so if
    they are equal, every value equals them. This does not hold for doubles: statistics do not include NaN.
    """
    found: dict[str, set[object]] = {}
    for group in map(metadata.row_group, groups):
        for number in range(group.num_columns):
            column = group.column(number)
            name = column.path_in_schema
            if name in names:
                found.setdefault(name, set()).add(_only_value(name, column))
    values = {name: next(iter(several)) for name, several in found.items() if len(several) == 1}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    absent = {name for name, value in values.items() if value is None or (name == "healthy" and value is True)}
    return Constants(texts, frozenset(absent))


def _only_value(name: str, column: pq.ColumnChunkMetaData) -> object:
    """Return the only value of a column in a row group, None if all are missing, or a new object if it has several."""
    known, kind = column.statistics, kind_of(name)
    if known is None or not known.has_null_count or kind is None:
        return object()
    if known.null_count == column.num_values:
        return None
    is_exact = pa.types.is_dictionary(kind) or pa.types.is_boolean(kind)
    if known.null_count or not is_exact or not known.has_min_max or known.min != known.max:
        return object()
    return known.min
