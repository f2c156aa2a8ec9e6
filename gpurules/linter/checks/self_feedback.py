"""GPR604: an action that works on what its own condition reads."""

from collections.abc import Iterator

from gpurules.actions.between import works_on
from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject, at_rule
from gpurules.linter.meaning.hysteresis import gauges, is_damped


class SelfFeedback:
    """An action that moves the reading on which its own rule looks, with nothing that damps it.

    **Avoid.** ``pause_transfer`` on ``pending_transfers > 20``.
    **Prefer.** The same with ``until: pending_transfers < 5`` or ``for: 30s``, or another reading.
    **Why.** The action changes the reading, the reading the rule, and the rule the action: it swings, or holds itself.
    """

    code = "GPR604"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for rule in subject.ruleset.rules if subject.ruleset else ():
            if is_damped(rule):
                continue
            read = {field.name for field in gauges(rule.term)}
            for ordered in rule.actions:
                moved = sorted(works_on(ordered.action) & read)
                if moved:
                    message = f"{ordered.name} itself changes {moved[0]}, which the condition reads"
                    yield at_rule(self.code, rule, message, "damp it with for, until or keep_for")
