"""GPR704: a file that is not in the canonical layout."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Diagnostic, LineIndex, LocatedEdit, Location, Span, diagnostic_at
from gpurules.linter.check import Subject


class NotFormatted:
    """A file that ``gpurules fmt`` would change.

    **Avoid.** ``gpu_memory>80   and gpu_throttled``; lists indented by one, by four, or not at all.
    **Prefer.** What ``gpurules fmt`` makes of it.
    **Why.** With one layout for all files a difference shows what was changed, and nothing else.
    """

    code = "GPR704"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        if subject.path is not None and subject.path.endswith(".json"):
            return
        from gpurules.formatting import FormatError, format_text  # few runs ask for style

        try:
            formatted = format_text(subject.text)
        except FormatError:
            return
        if formatted == subject.text:
            return
        lines, better = subject.text.splitlines(), formatted.splitlines()
        line = next((n for n, (own, new) in enumerate(zip(lines, better, strict=False), 1) if own != new), 0)
        line = line or min(len(lines), len(better))
        width = len(lines[line - 1]) if line <= len(lines) else 0
        place = Location(line, 1, line, width + 1)
        message = "the file is not in the canonical layout; this is the first line that differs"
        found = diagnostic_at(self.code, message, subject.path, place, "gpurules fmt lays it out")
        whole = LineIndex(subject.text).location(Span(0, len(subject.text)))
        yield replace(found, edits=(LocatedEdit(whole, formatted),), safe=True)
