"""Which attributes of a GPU have to be sampled for the fields that are wanted."""

from collections.abc import Collection

from gpurules.fields.gpu import FIELDS
from gpurules.telemetry.nvml.counters import Wanted
from gpurules.telemetry.nvml.readings import MEMORY

_ATTRIBUTES = {field.name: field.attribute for field in FIELDS}
_ALL = frozenset((*_ATTRIBUTES.values(), *MEMORY))


def wanted_of(fields: Collection[str] | None) -> Wanted:
    """Return what is to be sampled for *fields*, which may name fields that no GPU has; None is all that are cheap.

    >>> sorted(wanted_of({"gpu_power", "hour"}).attributes)
    ['power']
    >>> wanted_of({"gpu_memory"}).any_of({"memory_total"})
    True
    """
    if fields is None:
        return Wanted(_ALL)
    attributes = {_ATTRIBUTES[name] for name in fields if name in _ATTRIBUTES}
    if "memory" in attributes:
        attributes.update(("memory_used", "memory_total"))
    return Wanted(frozenset(attributes), frozenset(attributes))
