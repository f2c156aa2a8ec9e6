"""Which rules follow every wobble of a gauge, and which are damped."""

from gpurules.fields import Field, Scope
from gpurules.language import ir
from gpurules.model import Kind
from gpurules.rules import Rule

_STEADY = frozenset({"gpu_index", "gpu_memory_total", "gpu_memory_reserved", "gpu_power_limit", "gpu_xid"})
_GAUGES_OF_NODE = frozenset({"pending_transfers", "pending_bytes"})


def is_gauge(field: Field) -> bool:
    """Return whether readings of *field* go up and down from one poll to the next."""
    if field.datatype.kind is not Kind.NUMBER or field.counter or field.name in _STEADY:
        return False
    return field.scope is Scope.GPU or field.name in _GAUGES_OF_NODE


def gauges(term: ir.Term) -> frozenset[Field]:
    """Return the gauges that *term* compares as they are: neither through a signal nor over a window."""
    return frozenset(t.field for t in ir.walk(term) if isinstance(t, ir.Read) and is_gauge(t.field))


def is_damped(rule: Rule) -> bool:
    """Return whether *rule* has timers of its own or a cooldown, or does nothing anyway."""
    return rule.signal is not None or rule.cooldown is not None or rule.is_shadow or not rule.enabled
