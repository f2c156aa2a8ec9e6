"""GPR302: two rules that are the same."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import Covering
from gpurules.linter.meaning.shadows import shadows
from gpurules.linter.reports.rule_pairs import at_rules, removal


class EquivalentRules:
    """Two rules whose conditions are the same up to rewriting, and whose actions are.

    **Avoid.** One rule on ``gpu_memory > 80`` and another on ``NOT any(gpu_memory <= 80)`` with the same action.
    **Prefer.** One of them.
    **Why.** Whoever changes one does not know of the other.
    """

    code = "GPR302"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        for shadow in shadows(analysis) if analysis else ():
            if shadow.covering is Covering.EQUALS:
                twin, one = shadow.by[0].rule.name, shadow.rule
                message = f"`{one.rule.name}` matches exactly where `{twin}` does, and orders the same"
                found = at_rules(self.code, one, shadow.by, message, hint="remove one of them")
                yield replace(found, edits=removal(subject, one.rule.name))
