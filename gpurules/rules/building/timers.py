"""What conditions of timers may read: facts of the node, which last, and none of a transfer, which comes and goes."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Finding, Span
from gpurules.fields import AMBIENT
from gpurules.language import Checked
from gpurules.language.terms import ir
from gpurules.rules.building.expression import Expression


def scope_problems(found: Expression, checked: Checked, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with a condition of the signal *name* that reads more than the node."""
    strange = sorted(f.name for f in ir.fields(checked.term) if f.scope not in AMBIENT)
    if not strange:
        return
    fits = [f for f in checked.fields if f not in strange]
    signal = f"{name.removeprefix('rule:')}_held"
    hint = f"define a signal for the part about the node and use it: condition: {signal} AND …"
    message = f"a timer watches the node over time, but {strange[0]!r} belongs to one transfer or workload"
    if not fits:
        hint = "remove the timer, or watch a field of a GPU or the node"
    yield found.diagnostic(Finding("GPR608", Span(0, len(found.text)), message, hint))
