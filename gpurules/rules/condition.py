"""A condition on its own: checked once, evaluated any number of times."""

from collections.abc import Mapping

from gpurules.backends.backend import Result
from gpurules.backends.explain import ExplainedTerm, explain
from gpurules.backends.facts import NO_NODE, NO_TRANSFER, NO_WORKLOAD, Facts
from gpurules.backends.python import result_of, truths_function
from gpurules.diagnostics import DiagnosedError, Diagnostic, Finding, LineIndex, Severity, diagnostic_at
from gpurules.fields import FIELDS, Field, Scope, declared_field
from gpurules.language import Checked, Environment, parse
from gpurules.model import Dimension, Snapshot, Transfer, Workload


class ConditionError(DiagnosedError):
    """A condition is wrong; ``diagnostics`` says all that is."""


def _declared(name: str, declaration: object) -> Field:
    if isinstance(declaration, Field):
        return declaration
    if not isinstance(declaration, Mapping):
        raise TypeError(
            f"the declaration of {name!r} must be a mapping such as {{'type': 'string', 'scope': 'transfer'}}"
        )
    dimension, scope = declaration.get("dimension", "number"), declaration.get("scope", "transfer")
    kind = str(declaration.get("type", "number"))
    return declared_field(name, kind, Dimension(dimension), Scope(scope), str(declaration.get("description", "")))


def _diagnostics(text: str, findings: tuple[Finding, ...]) -> tuple[Diagnostic, ...]:
    lines = LineIndex(text)
    found = [diagnostic_at(f.code, f.message, None, lines.location(f.span), f.hint) for f in findings]
    return tuple(sorted(found, key=lambda d: d.place))


class Condition:
    """A condition, checked and compiled.

    *fields* declares more fields, each as a ruleset does: ``{"tenant": {"type": "string", "scope": "transfer"}}``.

    Raises:
        ConditionError: *text* is wrong; all mistakes at once.

    >>> from gpurules.model import GPU, Snapshot
    >>> Condition("gpu_temperature > 80C").evaluate(Snapshot(gpus=(GPU(index=3, temperature=91),)))
    Result(value=True, devices=(3,))
    """

    def __init__(self, text: str, fields: Mapping[str, object] | None = None) -> None:
        self.text = text
        known = {**FIELDS, **{name: _declared(name, field) for name, field in (fields or {}).items()}}
        checked: Checked = Environment(known).condition(parse(text))
        self.diagnostics = _diagnostics(text, checked.findings)
        errors = [d for d in self.diagnostics if d.severity is Severity.ERROR]
        if errors:
            raise ConditionError(errors)
        self.term = checked.term
        self.per_gpu = checked.per_gpu
        self._truths = truths_function(checked.term, checked.per_gpu, None)

    def evaluate(
        self,
        snapshot: Snapshot,
        transfer: Transfer | None = None,
        workload: Workload | None = None,
        node: Mapping[str, object] | None = None,
    ) -> Result:
        """Return the value (True, False, or None: unknown), and the GPUs on which the condition is TRUE.

        A window holds just this snapshot.
        """
        return result_of(self._truths, self.per_gpu, _facts(snapshot, transfer, workload, node))

    def explain(
        self,
        snapshot: Snapshot,
        transfer: Transfer | None = None,
        workload: Workload | None = None,
        node: Mapping[str, object] | None = None,
    ) -> ExplainedTerm:
        """Return the value of every part of the condition, per GPU."""
        return explain(self.term, _facts(snapshot, transfer, workload, node))

    def __repr__(self) -> str:
        """Show the text."""
        return f"Condition({self.text!r})"


def _facts(
    snapshot: Snapshot, transfer: Transfer | None, workload: Workload | None, node: Mapping[str, object] | None
) -> Facts:
    return Facts(snapshot, snapshot.gpus, transfer or NO_TRANSFER, workload or NO_WORKLOAD, node or NO_NODE)
