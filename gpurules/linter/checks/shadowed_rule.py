"""GPR303: a rule that another one covers wholly."""

from collections.abc import Iterator

from gpurules.actions.action import Combines
from gpurules.actions.interactions import combines
from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import Covering, Shadow, example
from gpurules.linter.meaning.shadows import shadows
from gpurules.linter.reports.rule_pairs import at_rules
from gpurules.proofs import is_not_true, is_true

ABOUT = Code(
    code="GPR303",
    name="shadowed-rule",
    severity=Severity.WARNING,
    kind="between-rules",
    summary="a rule that another rule covers entirely",
    needs=Need.ANALYSIS,
    form=Form.RULE,
    avoid="""\
- {name: full, condition: gpu_memory > 80, action: pause_transfer, priority: 9, stop: true}
- {name: fuller, condition: gpu_memory > 90, action: delay_transfer, parameters: {delay: 30s}}""",
    prefer="""\
- {name: fuller, condition: gpu_memory > 90, action: delay_transfer, parameters: {delay: 30s}, priority: 10}
- {name: full, condition: gpu_memory > 80, action: pause_transfer, priority: 9, stop: true}""",
    why="A rule with `stop` hides all rules of lower priority wherever it matches: a rule that it covers "
    "entirely is never evaluated (an error). A rule is also covered by one that has the same or a "
    "stronger effect wherever it matches (a warning), since the longer of two delays applies, and the "
    "smaller of two prefetch factors. Priority boosts add up, and are exempt.",
)


class ShadowedRule:
    """A rule that another one covers wholly: by ``stop: true`` before it, or by ordering the same or more."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        if analysis is None:
            return
        for shadow in shadows(analysis):
            if shadow.covering is Covering.EQUALS or len(shadow.by) > 1:
                continue
            one, other = shadow.rule, shadow.by[0]
            level, message, hint = _describe(shadow)
            if analysis.depends_on_readings([is_true(one.condition), is_not_true(other.condition)]):
                level = Severity.WARNING
            claims = [is_true(one.now), is_true(other.now)]
            found = analysis.find_witness(claims)
            found = analysis.minimize(found, claims) if found else None
            outcome = "suppressed" if shadow.covering is Covering.STOPS else "match"
            yield at_rules(
                ABOUT.code,
                one,
                shadow.by,
                message,
                hint=hint,
                level=level,
                witness=str(found.witness) if found else None,
                example=example(found, (other.rule.name, "match"), (one.rule.name, outcome)) if found else None,
            )


def _describe(shadow: Shadow) -> tuple[Severity, str, str]:
    one, other = shadow.rule.rule.name, shadow.by[0].rule.name
    if shadow.covering is Covering.STOPS:
        message = f"`{one}` is never evaluated: wherever it matches, `{other}` does and stops"
        return Severity.ERROR, message, f"give `{one}` a higher priority, or narrow `{other}`"
    if _comes_first(shadow):
        message = f"`{one}` has no effect: wherever it matches, `{other}` does too, and comes first"
        return Severity.WARNING, message, f"give `{one}` a higher priority, or remove it"
    message = f"`{one}` has no effect: wherever it matches, `{other}` has the same or a stronger effect"
    return Severity.WARNING, message, f"remove `{one}`, or narrow `{other}`"


def _comes_first(shadow: Shadow) -> bool:
    """Return whether the other rule counts for its place in the order, and not for what it orders."""
    ordered = {action.name: action.parameters for action in shadow.by[0].rule.actions}
    return any(
        combines(action.action) is Combines.FIRST and action.parameters != ordered.get(action.name)
        for action in shadow.rule.rule.actions
    )
