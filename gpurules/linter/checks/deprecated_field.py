"""GPR113: a field that has been replaced."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Finding, Fix, Form, Severity
from gpurules.language.terms import ir
from gpurules.linter.check import Subject, replacing

ABOUT = Code(
    code="GPR113",
    name="deprecated-field",
    severity=Severity.WARNING,
    kind="deprecated",
    summary="a field that has been replaced",
    fix=Fix.SAFE,
    form=Form.WORDS,
    avoid="A field that has been replaced.",
    prefer="The replacement that the message names.",
    why="The old name will be removed in the version that the message names. No built-in field is deprecated today.",
)


class DeprecatedField:
    """A condition reads a field that has been replaced."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for placed in subject.placed:
            text = placed.expression.parsed.text
            for term in ir.walk(placed.checked.term):
                if not isinstance(term, ir.Read) or term.field.replaced_by is None:
                    continue
                name, better = term.field.name, term.field.replaced_by
                if text[term.span.start : term.span.end] == name:
                    end = f" and is removed on {term.field.removed_on}" if term.field.removed_on else ""
                    message = f"{name} has been replaced{end}"
                    edits = replacing(term.span, better)
                    finding = Finding(ABOUT.code, term.span, message, f"write {better}", edits, True)
                    yield placed.expression.diagnostic(finding, placed.rule)
