"""The tables of the store: one column for each attribute of the model, with its type and unit."""

from collections.abc import Mapping
from dataclasses import fields as fields_of

import pyarrow as pa

from gpurules.fields import FIELDS, Scope
from gpurules.model import GPU
from gpurules.model.gpu import FLAGS, NUMBERS
from gpurules.strict_json import dumps, loads

VERSION = 1
"""The version of the layout; a column that is not there is missing, so only a new meaning needs another version."""
TELEMETRY, NODE = "telemetry", "node"
TABLES = (TELEMETRY, NODE, "transfers", "decisions", "transitions")
"""The folders of the store."""
REASON, EXACT = ".missing", ".exact"
"""Endings of companion columns: why a value is missing, and an integer that no double equals."""
_KEYS = ("identity", "timestamp", "position")
_APART = ("labels", "processes", "missing")
TEXTS = tuple(f.name for f in fields_of(GPU) if f.name not in (*NUMBERS, *FLAGS, "healthy", *_APART))
BOOLS = (*FLAGS, "healthy")
ATTRIBUTES = (*TEXTS, *NUMBERS, *BOOLS)
"""The attributes of a GPU that have a column of their own, index first."""
_UNITS: Mapping[str, str] = {
    f.attribute: str(f.datatype.dimension.value) for f in FIELDS.values() if f.scope is Scope.GPU
}
_NODE_COLUMNS = ("host", "driver_version", "labels", "facts")
_TEXT_COLUMNS = frozenset(("identity", *TEXTS, "processes", *_NODE_COLUMNS))


def _field(name: str, kind: pa.DataType, unit: str = "") -> pa.Field:
    return pa.field(name, kind, metadata={"unit": unit} if unit else None)


_TEXT = pa.dictionary(pa.int32(), pa.string())


def telemetry_schema(companions: Mapping[str, pa.DataType]) -> pa.Schema:
    """Return the schema of telemetry, with the *companions* columns that are needed."""
    columns = [_field("identity", _TEXT), _field("timestamp", pa.float64(), "seconds since 1970 (UTC)")]
    columns.append(_field("position", pa.int16()))
    columns += [_field(name, _TEXT) for name in TEXTS]
    columns += [_field(name, pa.float64(), _UNITS.get(name, "")) for name in NUMBERS]
    columns += [_field(name, pa.bool_()) for name in BOOLS]
    columns += [_field(name, _TEXT) for name in ("labels", "processes")]
    columns += [_field(name, kind) for name, kind in companions.items()]
    return pa.schema(columns, metadata=_metadata(TELEMETRY))


def node_schema() -> pa.Schema:
    """Return the schema of the attributes of snapshots other than their GPUs."""
    columns = [_field("timestamp", pa.float64(), "seconds since 1970 (UTC)")]
    return pa.schema(columns + [_field(name, _TEXT) for name in _NODE_COLUMNS], metadata=_metadata(NODE))


def _metadata(table: str) -> dict[str, str]:
    return {"gpurules": dumps({"version": VERSION, "table": table})}


def version_of(schema: pa.Schema) -> int:
    """Return the layout version of a file; 0 for a file of another program, which has none."""
    try:
        found = loads((schema.metadata or {}).get(b"gpurules", b"{}").decode())
    except ValueError:
        return 0
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, int) else 0


def unit_of(name: str) -> str:
    """Return the unit of a column; empty if it has none."""
    return _UNITS.get(name, "")


def kind_of(name: str) -> pa.DataType | None:
    """Return the type of the column *name*; None for one that is not in the schema."""
    if name in NUMBERS or name == "timestamp":
        return pa.float64()
    if name == "position":
        return pa.int16()
    if name in BOOLS:
        return pa.bool_()
    if name.endswith(EXACT):
        return pa.int64()
    return _TEXT if name in _TEXT_COLUMNS or name.endswith(REASON) else None


def kind_fits(name: str, kind: pa.DataType) -> bool:
    """Return whether a column of a file can be read as the column *name* of the schema.

    A time may be an Arrow timestamp with a zone; without a zone it is ambiguous.
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    expected = kind_of(name)
    if expected is None or pa.types.is_null(kind):
        return True
    if name == "timestamp" and pa.types.is_timestamp(kind):
        return kind.tz is not None
    if pa.types.is_floating(expected) or name == "position":
        return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
    if pa.types.is_boolean(expected):
        return bool(pa.types.is_boolean(kind))
    if pa.types.is_integer(expected):
        return bool(pa.types.is_integer(kind))
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
