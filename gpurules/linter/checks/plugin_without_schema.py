"""GPR508: an action whose parameters cannot be checked."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Location, diagnostic_at
from gpurules.linter.check import Subject


class PluginWithoutSchema:
    """A rule orders an action of a plug-in that declares no parameters.

    **Avoid.** ``@gpurules.action("park")`` without ``schema``.
    **Prefer.** ``@gpurules.action("park", schema={"properties": {…}, "additionalProperties": False, …})``.
    **Why.** A misspelt parameter of such an action is found by nobody.
    """

    code = "GPR508"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        seen: set[str] = set()
        for rule in subject.ruleset.rules if subject.ruleset else ():
            for ordered in rule.actions:
                if "properties" not in ordered.action.schema and ordered.name not in seen:
                    seen.add(ordered.name)
                    place = Location(rule.line, rule.column, rule.line, rule.column + len(rule.name))
                    message = f"the action {ordered.name!r} declares no parameters, so they cannot be checked"
                    yield diagnostic_at(self.code, message, rule.path, place, "give the plug-in a schema")
