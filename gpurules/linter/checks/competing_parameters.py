"""GPR308: two rules that tell one action different things, and nobody has said which counts."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import ConflictKind, example
from gpurules.linter.meaning.conflicts import conflicts
from gpurules.linter.reports.rule_pairs import at_rules


class CompetingParameters:
    """Two rules order one action with different values, and the action does not declare how they combine.

    **Avoid.** ``factor: 0.5`` and ``factor: 0.8`` at once, for an action without ``combine``.
    **Prefer.** An action that declares ``combine="min"``; or a higher priority for one of the rules.
    **Why.** One of the values is dropped, and it is nobody's decision which.
    """

    code = "GPR308"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        for conflict in conflicts(analysis, ConflictKind.COMPETES) if analysis else ():
            one, other, action = conflict.rule.rule.name, conflict.others[0].rule.name, conflict.actions[1]
            message = f"`{other}` and `{one}` can tell {action} different things at once, and it has no combine rule"
            yield at_rules(
                self.code,
                conflict.rule,
                conflict.others,
                message,
                hint=f"declare how claims on {action} combine, or give one rule a higher priority",
                witness=str(conflict.found.witness),
                example=example(conflict.found, (other, "match"), (one, "match")),
            )
