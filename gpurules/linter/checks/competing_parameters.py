"""GPR308: two rules that give one action different parameters, with no rule for combining them."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import ConflictKind, example
from gpurules.linter.meaning.conflicts import conflicts
from gpurules.linter.reports.rule_pairs import at_rules

ABOUT = Code(
    code="GPR308",
    name="competing-parameters",
    severity=Severity.WARNING,
    kind="between-rules",
    summary="two rules that give one action different parameters",
    needs=Need.ANALYSIS,
    form=Form.WORDS,
    avoid='Two rules of one priority set `park` to 5 and 10 minutes, and `@gpurules.action("park", '
    'kind="directive")` does not say how claims combine.',
    prefer='`@gpurules.action("park", kind="directive", combine="max")`.',
    why="Without a declared combination the first claim is used and the other is dropped, which no one has decided on.",
)


class CompetingParameters:
    """Two rules order one action with different values, and the action does not declare how they combine."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        for conflict in conflicts(analysis, ConflictKind.COMPETES) if analysis else ():
            one, other, action = conflict.rule.rule.name, conflict.others[0].rule.name, conflict.actions[1]
            message = (
                f"`{other}` and `{one}` can give {action} different parameters at once, and it has no combine rule"
            )
            yield at_rules(
                ABOUT.code,
                conflict.rule,
                conflict.others,
                message,
                hint=f"declare how claims on {action} combine, or give one rule a higher priority",
                witness=str(conflict.found.witness),
                example=example(conflict.found, (other, "match"), (one, "match")),
            )
