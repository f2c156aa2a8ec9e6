"""GPR407: a rule that is disabled, and nobody says why."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Location, diagnostic_at
from gpurules.linter.check import Subject


class DisabledLong:
    """``enabled: false`` without a reason.

    **Avoid.** A rule with ``enabled: false`` and no word about it.
    **Prefer.** ``description: off until the cooling is repaired``, or ``mode: shadow``, or no rule.
    **Why.** A rule that was switched off for an hour stays so for years, and everyone believes that it is on.
    """

    code = "GPR407"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for rule in subject.ruleset.rules if subject.ruleset else ():
            if not rule.enabled and not rule.annotations and not rule.description:
                place = Location(rule.line, rule.column, rule.line, rule.column + len(rule.name))
                message = f"{rule.name!r} is disabled, and nothing says why"
                yield diagnostic_at(self.code, message, rule.path, place, "say it in its description")
