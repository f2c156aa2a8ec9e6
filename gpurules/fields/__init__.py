"""The symbol table: every field that conditions can read, as data."""

from collections.abc import Mapping
from types import MappingProxyType

from gpurules.fields import gpu, node, transfer, workload
from gpurules.fields.field import AMBIENT, Field, Scope, declared_field, field_range

FIELDS: Mapping[str, Field] = MappingProxyType(
    {field.name: field for field in (*gpu.FIELDS, *node.FIELDS, *transfer.FIELDS, *workload.FIELDS)}
)
"""Every built-in field by its name."""

__all__ = ["AMBIENT", "FIELDS", "Field", "Scope", "declared_field", "field_range"]
