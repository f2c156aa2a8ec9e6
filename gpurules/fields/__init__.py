"""The symbol table: every field that conditions can read, as data.

::

    field                             Field: name, scope, datatype, range and documentation of one fact
      -> gpu (with gpu_health)        one value for each GPU
      -> node                         one value for each snapshot
      -> transfer (with detection)    one value for each transfer; file type and framework derive from the path
      -> workload                     one value for the workload that a transfer serves

The entry point is ``FIELDS``. To add a field, add a ``Field`` to the module of its scope.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gpurules.fields import gpu, node, transfer, workload
from gpurules.fields.field import AMBIENT, Field, Scope, declared_field, field_range

FIELDS: Mapping[str, Field] = MappingProxyType(
    {field.name: field for field in (*gpu.FIELDS, *node.FIELDS, *transfer.FIELDS, *workload.FIELDS)}
)
"""Every built-in field by its name."""

__all__ = ["AMBIENT", "FIELDS", "Field", "Scope", "declared_field", "field_range"]
