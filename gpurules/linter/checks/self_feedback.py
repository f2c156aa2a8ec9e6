"""GPR604: an action that works on what its own condition reads."""

from collections.abc import Iterator

from gpurules.actions.interactions import works_on
from gpurules.diagnostics import Code, Diagnostic, Form, Severity
from gpurules.linter.check import Subject, at_rule
from gpurules.linter.meaning.hysteresis import gauges, is_damped

ABOUT = Code(
    code="GPR604",
    name="self-feedback",
    severity=Severity.INFO,
    kind="feedback",
    summary="an undampened action that changes what its own condition reads",
    form=Form.RULE,
    avoid="- {name: example, condition: pending_transfers > 20, action: pause_transfer}",
    prefer="- {name: example, condition: pending_transfers > 20, until: pending_transfers < 5, action: pause_transfer}",
    why="The action changes the reading that its own condition depends on, so the rule switches itself on "
    "and off, or never off. `until`, `for` or `keep_for` at least slow the loop down.",
)


class SelfFeedback:
    """An action that moves the reading on which its own rule looks, with nothing that damps it."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for rule in subject.ruleset.rules if subject.ruleset else ():
            if is_damped(rule) or not any(works_on(ordered.action) for ordered in rule.actions):
                continue
            read = {field.name for field in gauges(rule.term)}
            for ordered in rule.actions:
                moved = sorted(works_on(ordered.action) & read)
                if moved:
                    message = f"{ordered.name} itself changes {moved[0]}, which the condition reads"
                    yield at_rule(ABOUT.code, rule, message, "dampen it with for, until or keep_for")
