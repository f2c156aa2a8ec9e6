"""Applies the edits that findings propose, as long as they make nothing worse."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from gpurules.diagnostics import Diagnostic, LocatedEdit, Severity
from gpurules.records import Record, record

_LINE_END = re.compile(r"\r\n|\r|\n")
MAX_ROUNDS = 20


@record
class FixedText(Record):
    """A text after its fixes: ``applied`` counts them by code, ``left`` are the findings that remain."""

    text: str
    applied: Counter[str]
    left: tuple[Diagnostic, ...]


def fix(text: str, path: str | None, lint_text: Callable[[str], Sequence[Diagnostic]], unsafe: bool) -> FixedText:
    """Return *text* with the fixes of its findings; with *unsafe* also of those that may change its meaning.

    Each round applies the edits that do not overlap, and is proved by linting again: a fix after which there are
    errors that were not there before is not made.
    """
    applied: Counter[str] = Counter()
    found = lint_text(text)
    refused: set[tuple[str, str]] = set()
    for _ in range(MAX_ROUNDS):
        fixes = [
            d for d in found if d.edits and d.path == path and (d.safe or unsafe) and (d.code, d.message) not in refused
        ]
        chosen = _apart(text, fixes)
        if not chosen:
            break
        text, found, made = _round(text, found, chosen, lint_text)
        applied.update(d.code for d in made)
        refused |= {(d.code, d.message) for d in chosen if d not in made}
    return FixedText(text, applied, tuple(found))


def _round(
    text: str,
    found: Sequence[Diagnostic],
    chosen: list[Diagnostic],
    lint_text: Callable[[str], Sequence[Diagnostic]],
) -> tuple[str, Sequence[Diagnostic], list[Diagnostic]]:
    """Make all *chosen* fixes, or as many as do no harm together; return the fixed text with its findings."""
    after = apply_fixes(text, chosen)
    again = lint_text(after)
    if _is_no_worse(found, again):
        return after, again, chosen
    if len(chosen) == 1:
        return text, found, []
    # one by one from the end, so that the places of those before stay as they are
    made = []
    for one in sorted(chosen, key=lambda d: d.place, reverse=True):
        after = apply_fixes(text, [one])
        again = lint_text(after)
        if _is_no_worse(found, again):
            text, found = after, again
            made.append(one)
    return text, found, made


def _is_no_worse(before: Iterable[Diagnostic], after: Iterable[Diagnostic]) -> bool:
    def errors(found: Iterable[Diagnostic]) -> Counter[str]:
        return Counter(d.code for d in found if d.severity is Severity.ERROR)

    return not errors(after) - errors(before)


def _offsets(text: str, edit: LocatedEdit, starts: Sequence[int]) -> tuple[int, int]:
    place = edit.location
    start, end = (
        min(len(text), starts[min(line, len(starts)) - 1] + column - 1)
        for line, column in ((place.line, place.column), (place.end_line, place.end_column))
    )
    return start, end


def _starts(text: str) -> list[int]:
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def _apart(text: str, fixes: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return those of *fixes* whose edits do not touch each other; the first of two that do.

    Of the proved ones about meaning one for each rule: of two equal parts each is needless, but not both.
    """
    starts, taken, chosen = _starts(text), list[tuple[int, int]](), list[Diagnostic]()
    for diagnostic in sorted(fixes, key=lambda d: d.place):
        if diagnostic.code.startswith("GPR2") and diagnostic.rule in {
            one.rule for one in chosen if one.code.startswith("GPR2")
        }:
            continue
        ranges = [_offsets(text, edit, starts) for edit in diagnostic.edits]
        if not any((a < end and start < b) or (a, b) == (start, end) for a, b in ranges for start, end in taken):
            taken += ranges
            chosen.append(diagnostic)
    return chosen


def apply_fixes(text: str, fixes: Iterable[Diagnostic]) -> str:
    """Return *text* with all edits of *fixes* made, its line ends kept; they must not overlap."""
    starts = _starts(text)
    edits = [(*_offsets(text, edit, starts), edit.replacement) for fix in fixes for edit in fix.edits]
    if "\r\n" in text:
        edits = [(start, end, new.replace("\r\n", "\n").replace("\n", "\r\n")) for start, end, new in edits]
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text
