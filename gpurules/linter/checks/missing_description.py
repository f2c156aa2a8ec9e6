"""GPR805: a rule that does not say what it is for."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Severity
from gpurules.linter.check import Subject, at_rule

ABOUT = Code(
    code="GPR805",
    name="missing-description",
    severity=Severity.WARNING,
    kind="style",
    summary="a rule that does not say what it is for",
    form=Form.RULE,
    avoid="- {name: example, condition: gpu_memory > 90, action: pause_transfer}",
    prefer="- {name: example, description: keep room for the optimizer, condition: gpu_memory > 90, action: "
    "pause_transfer}",
    why="Someone who is called at night has to know whether the rule is right, and whom to ask. An "
    "annotation `owner` or `runbook` also satisfies this check.",
)


class MissingDescription:
    """A rule with no ``description``, and no ``owner`` or ``runbook`` among its annotations."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for rule in subject.ruleset.rules if subject.ruleset else ():
            if not rule.description.strip() and not {"owner", "runbook"} & rule.annotations.keys():
                message = f"{rule.name!r} does not say what it is for"
                yield at_rule(ABOUT.code, rule, message, "add a description, or annotations: {owner: …, runbook: …}")
