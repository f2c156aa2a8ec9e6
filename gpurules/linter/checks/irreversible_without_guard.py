"""GPR507: an action that cannot be taken back, with nothing that damps its rule."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject, at_rule
from gpurules.linter.meaning.hysteresis import gauges, is_damped


class IrreversibleWithoutGuard:
    """A rule orders an irreversible action as soon as one reading says so.

    **Avoid.** An action whose schema says ``"x-irreversible": True``, on ``gpu_memory > 95`` alone.
    **Prefer.** The same with ``for``, ``cooldown``, or ``mode: shadow`` for the first days.
    **Why.** One bad reading is enough to start it.
    """

    code = "GPR507"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for rule in subject.ruleset.rules if subject.ruleset else ():
            if is_damped(rule) or not gauges(rule.term):
                continue
            for ordered in rule.actions:
                if ordered.action.schema.get("x-irreversible"):
                    message = f"{ordered.name} cannot be taken back, and one reading is enough to start it"
                    yield at_rule(self.code, rule, message, "give the rule for, cooldown, or mode: shadow at first")
