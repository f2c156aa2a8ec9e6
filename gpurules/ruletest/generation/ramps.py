"""Ramps: what a ``rate``, a ``delta`` or their like needs to pass its limit, as a series."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import rebuilt

_PER_SECOND = ("rate", "deriv")
_MORE = 1.25
"""How much faster than the limit the readings rise."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A comparison of how fast a field rises that readings pass where they rise fast enough.

    Units: ``limit`` in those of the window, which for ``rate`` and ``deriv`` are of one second.
    """

    leaf: ir.Compare
    window: ir.Window
    limit: float

    def samples(self, step: float, back: int) -> str | None:
        """Return readings that stay, rise for as long as the window looks *back*, and stay: of one sample a *step*.

        Missing: None where they would leave the range of the field.
        """
        field = self.window.field
        by = self.limit * step if self.window.function in _PER_SECOND else self.limit / max(1, back - 1)
        by = math.ceil(by * _MORE) if field.integer else float(f"{by * _MORE:.3g}")
        low = field.minimum or 0
        high = low + by * (back + 1)
        if field.maximum is not None and high > field.maximum:
            return None
        count = back + 1
        return f"{low:g}x{count} {low + by:.12g}+{by:.12g}x{count} {high:.12g}x{count}"


def rise_of(term: ir.Term, windows: Sequence[ir.Window]) -> Rise | None:
    """Return the comparison of *term* that readings pass by rising, None where it has other *windows*, or none such."""
    if (
        len(windows) != 1
        or windows[0].operand is not None
        or windows[0].function not in (*_PER_SECOND, "delta", "increase")
    ):
        return None
    for part in ir.walk(term):
        match part:
            case ir.Compare(
                (Comparator.GT | Comparator.GE,), (ir.Window() as window, ir.Constant(int() | float() as c))
            ):
                return Rise(part, window, c) if c >= 0 else None
            case ir.Compare(
                (Comparator.LT | Comparator.LE,), (ir.Constant(int() | float() as c), ir.Window() as window)
            ):
                return Rise(part, window, c) if c >= 0 else None
            case _:
                continue
    return None


def with_limit_passed(term: ir.Term, leaf: ir.Term) -> ir.Term:
    """Return *term* where *leaf* is TRUE."""
    if term == leaf:
        return ir.TRUE
    return rebuilt(term, lambda part: with_limit_passed(part, leaf)) if ir.children(term) else term
