"""GPR507: an action that cannot be taken back, with nothing that damps its rule."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Severity
from gpurules.linter.check import Subject, at_rule
from gpurules.linter.meaning.hysteresis import gauges, is_damped

ABOUT = Code(
    code="GPR507",
    name="irreversible-without-guard",
    severity=Severity.WARNING,
    kind="unguarded",
    summary="an irreversible action that nothing dampens",
    form=Form.WORDS,
    avoid="An irreversible action on a condition that may hold only briefly.",
    prefer="The same with `for`, `cooldown`, or `mode: shadow` for the first days.",
    why="A single bad reading is enough to start it. No built-in action is irreversible; plug-ins can "
    "declare that theirs are.",
)


class IrreversibleWithoutGuard:
    """A rule orders an irreversible action as soon as one reading says so."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for rule in subject.ruleset.rules if subject.ruleset else ():
            irreversible = [ordered for ordered in rule.actions if ordered.action.schema.get("x-irreversible")]
            if not irreversible or is_damped(rule) or not gauges(rule.term):
                continue
            for ordered in irreversible:
                message = f"{ordered.name} is irreversible, and one reading is enough to start it"
                yield at_rule(ABOUT.code, rule, message, "add for or cooldown to the rule, or start with mode: shadow")
