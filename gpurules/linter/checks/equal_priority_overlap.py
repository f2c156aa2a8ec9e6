"""GPR307: two rules of which the order in the file decides."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import ConflictKind, example
from gpurules.linter.meaning.conflicts import conflicts
from gpurules.linter.reports.rule_pairs import at_rules


class EqualPriorityOverlap:
    """Two rules of one priority that can match at once, where the order in the file decides what comes of it.

    **Avoid.** Two rules that stage one transfer in different areas, with equal priorities.
    **Prefer.** A higher priority for the one that is meant to win.
    **Why.** Whoever moves a rule in the file changes what the node does.
    """

    code = "GPR307"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        for conflict in conflicts(analysis, ConflictKind.ORDER) if analysis else ():
            one, other = conflict.rule.rule.name, conflict.others[0].rule.name
            message = f"`{other}` and `{one}` can match at once, and {conflict.actions[1]} then goes by their order"
            yield at_rules(
                self.code,
                conflict.rule,
                conflict.others,
                f"{message} in the file",
                hint="give one a higher priority",
                witness=str(conflict.found.witness),
                example=example(conflict.found, (other, "match"), (one, "match")),
            )
