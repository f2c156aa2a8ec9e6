"""GPR407: a rule that is disabled without a reason."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Location, Severity, diagnostic_at
from gpurules.linter.check import Subject

ABOUT = Code(
    code="GPR407",
    name="disabled-long",
    severity=Severity.INFO,
    kind="disabled",
    summary="a rule that is disabled without a reason",
    form=Form.RULE,
    avoid="- {name: example, condition: gpu_memory > 90, action: pause_transfer, enabled: false}",
    prefer="""\
- name: example
  description: off until the cooling is repaired
  condition: gpu_memory > 90
  action: pause_transfer
  enabled: false""",
    why="A rule that is disabled without an explanation stays disabled, because no one dares to touch it.",
)


class DisabledLong:
    """``enabled: false`` without a reason."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for rule in subject.ruleset.rules if subject.ruleset else ():
            if not rule.enabled and not rule.annotations and not rule.description:
                place = Location(rule.line, rule.column, rule.line, rule.column + len(rule.name))
                message = f"{rule.name!r} is disabled without a stated reason"
                yield diagnostic_at(ABOUT.code, message, rule.path, place, "state the reason in its description")
