"""GPR113: a field that has been replaced."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Finding
from gpurules.language import ir
from gpurules.linter.check import Subject, replacing


class DeprecatedField:
    """A condition reads a field that has been replaced.

    **Avoid.** A field that ``gpurules fields NAME`` calls replaced.
    **Prefer.** The field that replaces it.
    **Why.** It will be gone with a later version, and the ruleset will not load then.
    """

    code = "GPR113"

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
                    finding = Finding(self.code, term.span, message, f"write {better}", edits, True)
                    yield placed.expression.diagnostic(finding, placed.rule)
