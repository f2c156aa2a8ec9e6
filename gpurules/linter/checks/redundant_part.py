"""GPR203: a part that changes nothing."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Diagnostic, Finding
from gpurules.linter.analysis import Needless
from gpurules.linter.check import Subject, beside, mended
from gpurules.linter.needless import needless


class RedundantPart:
    """A part of an AND or an OR that the other parts already say.

    **Avoid.** ``gpu_memory > 80 AND gpu_memory > 60``.
    **Prefer.** ``gpu_memory > 80``.
    **Why.** Whoever changes the part later is surprised that nothing happens.
    """

    code = "GPR203"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for part in needless(subject):
            if part.by:
                yield _found(self.code, part, subject)


def _found(code: str, part: Needless, subject: Subject) -> Diagnostic:
    placed, text = part.one.placed, part.one.placed.expression.parsed.text
    by = " and ".join(f"`{' '.join(text[span.start : span.end].split())}`" for span in part.by)
    is_and = part.junction.is_and
    message = f"this changes nothing: {'it holds wherever' if is_and else 'wherever it holds so does'} {by}"
    message += " does" if is_and else ""
    finding = Finding(code, part.span, message, "remove it", part.edits, True)
    related = tuple(beside(placed, "says it already", span) for span in part.by)
    return replace(mended(finding, placed, subject), related=related)
