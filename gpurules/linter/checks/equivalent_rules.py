"""GPR302: two rules that are the same."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Code, Diagnostic, Fix, Form, Need, Severity
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import Covering
from gpurules.linter.meaning.shadows import shadows
from gpurules.linter.reports.rule_pairs import at_rules, removal

ABOUT = Code(
    code="GPR302",
    name="equivalent-rules",
    severity=Severity.WARNING,
    kind="between-rules",
    summary="two rules with the same condition and the same action",
    fix=Fix.UNSAFE,
    needs=Need.ANALYSIS,
    form=Form.RULE,
    avoid="""\
- {name: one, condition: gpu_count > 4, action: limit_concurrency, parameters: {max_concurrency: 2}}
- {name: two, condition: NOT (gpu_count <= 4), action: limit_concurrency, parameters: {max_concurrency: 2}}""",
    prefer="- {name: one, condition: gpu_count > 4, action: limit_concurrency, parameters: {max_concurrency: 2}}",
    why="Two rules that match in the same situations and have the same actions are one rule, written "
    "twice. Someone who changes one may not know of the other. The conditions need not be spelled "
    "alike: their equivalence is proved.",
)


class EquivalentRules:
    """Two rules whose conditions are the same up to rewriting, and whose actions are."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        for shadow in shadows(analysis) if analysis else ():
            if shadow.covering is Covering.EQUALS:
                twin, one = shadow.by[0].rule.name, shadow.rule
                message = f"`{one.rule.name}` matches exactly where `{twin}` does, with the same actions"
                found = at_rules(ABOUT.code, one, shadow.by, message, hint="remove one of them")
                yield replace(found, edits=removal(subject, one.rule.name))
