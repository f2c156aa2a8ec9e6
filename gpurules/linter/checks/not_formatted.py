"""GPR704: a file that is not in the canonical layout."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import (
    Code,
    Diagnostic,
    Fix,
    Form,
    LineIndex,
    LocatedEdit,
    Location,
    Severity,
    Span,
    diagnostic_at,
)
from gpurules.linter.check import Subject

ABOUT = Code(
    code="GPR704",
    name="not-formatted",
    severity=Severity.WARNING,
    kind="style",
    summary="a file that `gpurules fmt` would change",
    fix=Fix.SAFE,
    form=Form.RULE,
    avoid="""\
-   name: example
    condition: gpu_memory>80   and   gpu_throttled
    action: pause_transfer""",
    prefer="""\
- name: example
  condition: gpu_memory > 80 AND gpu_throttled
  action: pause_transfer""",
    why="With one format for all files, a diff shows only real changes. `gpurules fmt` applies it; the "
    "meaning stays the same.",
)


class NotFormatted:
    """A file that ``gpurules fmt`` would change."""

    about = ABOUT

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
        message = "the file is not formatted; this is the first line that differs"
        found = diagnostic_at(ABOUT.code, message, subject.path, place, "run gpurules fmt")
        whole = LineIndex(subject.text).location(Span(0, len(subject.text)))
        yield replace(found, edits=(LocatedEdit(whole, formatted),), safe=True)
