"""GPR805: a rule that does not say what it is for."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject, at_rule


class MissingDescription:
    """A rule with no ``description``, and no ``owner`` or ``runbook`` among its annotations.

    **Avoid.** A rule that only its author can explain.
    **Prefer.** One sentence in ``description``, or an annotation that names the owner or the runbook.
    **Why.** Whoever is called at night has to know whether the rule is right, and whom to ask.
    """

    code = "GPR805"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for rule in subject.ruleset.rules if subject.ruleset else ():
            if not rule.description.strip() and not {"owner", "runbook"} & rule.annotations.keys():
                message = f"{rule.name!r} does not say what it is for"
                yield at_rule(self.code, rule, message, "add a description, or annotations: {owner: …, runbook: …}")
