"""Rewrites "some GPU has x > c" to "max x > c": no loop over GPUs, and an aggregate that many rules share."""

from collections.abc import Sequence
from math import isfinite

from gpurules.backends.facts import SlotKey, SlotLayout, slot_key
from gpurules.backends.python import RuleTerm
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.model import Kind, Value

_EXTREMES = {Comparator.GT: "max", Comparator.GE: "max", Comparator.LT: "min", Comparator.LE: "min"}


def is_finite(limit: Value) -> bool:
    """Return whether *limit* is a number below which or above which others can be."""
    return isinstance(limit, int) or (isinstance(limit, float) and isfinite(limit))


class ExistentialRewrite:
    """Puts conditions that are TRUE where one is TRUE on some GPU in its place, and knows what it has made.

    Some value is above a limit if and only if the largest is; a signal is on for some GPU if the node's row says so.
    """

    def __init__(self, layout: SlotLayout | None) -> None:
        self._layout = layout
        self._extremes: dict[tuple[str, SlotKey], ir.Aggregate] = {}

    def rewrite(self, rule: RuleTerm, parts: Sequence[ir.Term]) -> tuple[RuleTerm, tuple[ir.Term, ...]]:
        """Return *rule* and its *parts* without a loop over GPUs, if one of the parts needs it and can do without."""
        own = [part for part in parts if ir.is_per_gpu(part)]
        rewrite = self._of(own[0]) if rule.per_gpu and len(own) == 1 else None
        if rewrite is None:
            return rule, tuple(parts)
        return RuleTerm(rule.term, per_gpu=False), tuple([rewrite if part is own[0] else part for part in parts])

    def _of(self, part: ir.Term) -> ir.Term | None:
        match part:
            case ir.Signal(name):
                found = ir.Signal(name, False)
                return found if self._layout is not None and slot_key(found) in self._layout.node else None
            case ir.Compare((comparator,), (ir.Read() | ir.Window() as value, ir.Constant() as limit)):
                is_number = value.datatype.kind is limit.datatype.kind is Kind.NUMBER
                if comparator in _EXTREMES and is_number and is_finite(limit.value):
                    return ir.Compare((comparator,), (self._extreme(_EXTREMES[comparator], value), limit))
            case _:
                pass
        return None

    @property
    def extremes(self) -> tuple[ir.Aggregate, ...]:
        """The largest and smallest values that have been put in place, each once."""
        return tuple(self._extremes.values())

    def _extreme(self, function: str, value: ir.Read | ir.Window) -> ir.Term:
        key = (function, slot_key(value) if isinstance(value, ir.Window) else ("read", value.field.name))
        return self._extremes.setdefault(key, ir.Aggregate(function, value, value.datatype))
