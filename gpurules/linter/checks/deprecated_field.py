"""GPR113: a field that has been replaced."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Finding, Fix, Form, Severity, Span
from gpurules.fields import Field
from gpurules.language import Checked, Parsed
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
            for field, span in placed.once(_replaced):
                end = f" and is removed on {field.removed_on}" if field.removed_on else ""
                message, better = f"{field.name} has been replaced{end}", field.replaced_by or ""
                finding = Finding(ABOUT.code, span, message, f"write {better}", replacing(span, better), True)
                yield placed.expression.diagnostic(finding, placed.rule)


def _replaced(parsed: Parsed, checked: Checked) -> list[tuple[Field, Span]]:
    """Return the fields in a text that have been replaced, and where they are."""
    reads = [term for term in ir.walk(checked.term) if isinstance(term, ir.Read) and term.field.replaced_by is not None]
    return [(t.field, t.span) for t in reads if parsed.text[t.span.start : t.span.end] == t.field.name]
