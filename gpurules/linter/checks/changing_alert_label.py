"""GPR610: a label of an alert that changes while the alert fires."""

from collections.abc import Iterator, Mapping

from gpurules.actions import placeholders
from gpurules.actions.action import is_per_gpu
from gpurules.actions.decision import RuleAction
from gpurules.diagnostics import Code, Diagnostic, Form, Severity
from gpurules.fields import FIELDS
from gpurules.linter.check import Subject, at_rule
from gpurules.model import Kind
from gpurules.rules import Ruleset

ABOUT = Code(
    code="GPR610",
    name="changing-alert-label",
    severity=Severity.WARNING,
    kind="alert-identity",
    summary="a label of an alert that changes while it fires",
    since="0.2",
    form=Form.RULE,
    avoid="""\
- name: example
  condition: gpu_temperature > 85
  for: 30s
  action: alertmanager
  parameters: {url: 'http://alertmanager:9093', labels: {celsius: '{gpu_temperature:.0f}'}}""",
    prefer="""\
- name: example
  condition: gpu_temperature > 85
  for: 30s
  action: alertmanager
  parameters: {url: 'http://alertmanager:9093', annotations: {celsius: '{gpu_temperature:.0f}'}}""",
    why="Labels identify an alert. When a reading in a label changes, Alertmanager gets another alert, notifies again, "
    "and the alert before it is never resolved but expires. Put readings and lists of GPUs into `annotations` or "
    "`summary`. With `grouping: gpu` the GPU is a label by itself.",
)
_STEADY = frozenset({"rule", "host", "started"})
_OF_ONE_GPU = frozenset({"gpu_index", "gpu_uuid", "gpu_name", "gpu_vendor"})


class ChangingAlertLabel:
    """A label with a reading, a signal or the list of GPUs in it."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        ruleset = subject.ruleset
        for rule in ruleset.rules if ruleset else ():
            for ordered in rule.actions:
                for label, name in _changing(ordered, ruleset) if ruleset else ():
                    message = f"the label {label!r} changes with {name}, and labels identify the alert"
                    yield at_rule(ABOUT.code, rule, message, "move it to annotations, or to summary")


def _changing(ordered: RuleAction, ruleset: Ruleset) -> Iterator[tuple[str, str]]:
    """Yield each label that changes, with the first placeholder that makes it change."""
    labels = ordered.parameters.get("labels") if ordered.name == "alertmanager" else None
    for label, text in labels.items() if isinstance(labels, Mapping) else ():
        names = (name for _, name in placeholders(str(text)))
        changing = next((name for name in names if not _is_steady(name, ordered, ruleset)), None)
        if changing is not None:
            yield str(label), changing


def _is_steady(name: str, ordered: RuleAction, ruleset: Ruleset) -> bool:
    """Return whether a placeholder has one value as long as an alert fires."""
    field = FIELDS.get(name) or ruleset.fields.get(name)
    if name in _STEADY or field is None:
        return name in _STEADY or name in ruleset.inputs
    if field.is_per_gpu:
        return is_per_gpu(ordered.parameters) and (name in _OF_ONE_GPU or name in ruleset.fields)
    return field.datatype.kind is Kind.STRING
