"""GPR508: an action whose parameters cannot be checked."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Location, Severity, diagnostic_at
from gpurules.linter.check import Subject

ABOUT = Code(
    code="GPR508",
    name="plugin-without-schema",
    severity=Severity.WARNING,
    kind="plugin",
    summary="a plug-in action without a parameter schema",
    form=Form.WORDS,
    avoid="A plug-in action that declares no parameters.",
    prefer="A `schema` in its registration, even if it is empty.",
    why="Without a schema its parameters cannot be checked when the rules load, so a misspelled one goes unnoticed.",
)


class PluginWithoutSchema:
    """A rule orders an action of a plug-in that declares no parameters."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        seen: set[str] = set()
        for rule in subject.ruleset.rules if subject.ruleset else ():
            for ordered in rule.actions:
                if "properties" not in ordered.action.schema and ordered.name not in seen:
                    seen.add(ordered.name)
                    place = Location(rule.line, rule.column, rule.line, rule.column + len(rule.name))
                    message = f"the action {ordered.name!r} declares no parameters, so they cannot be checked"
                    yield diagnostic_at(ABOUT.code, message, rule.path, place, "add a schema to the plug-in")
