"""The columnar back end: conditions over NumPy arrays of many snapshots of one node at once.

A comparison with NaN is neither TRUE nor FALSE, which is Kleene's UNKNOWN for nothing. What doubles cannot say exactly
(integers beyond 2**53) is refused, never rounded: ``UnsupportedError``, and the engine has to be asked.
"""

from gpurules.backends.columnar.columns import (
    Column,
    Groups,
    Mask,
    Numbers,
    Places,
    Table,
    Texts,
    Truths,
    as_column,
    as_numbers,
    as_texts,
    as_truths,
    repeat_value,
)
from gpurules.backends.columnar.evaluator import Columnar, ColumnarBackEnd
from gpurules.backends.columnar.operations import constant, is_missing

__all__ = [
    "Column",
    "Columnar",
    "ColumnarBackEnd",
    "Groups",
    "Mask",
    "Numbers",
    "Places",
    "Table",
    "Texts",
    "Truths",
    "as_column",
    "as_numbers",
    "as_texts",
    "as_truths",
    "constant",
    "is_missing",
    "repeat_value",
]
