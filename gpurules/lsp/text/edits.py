"""Computes edits between two texts: only the lines that differ."""

import re
from difflib import SequenceMatcher

from lsprotocol import types

from gpurules.formatting import FormatError, format_text
from gpurules.lsp.text.documents import DocumentKind, TextDocument

MOST_LINES = 20_000
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")


def edits_between(document: TextDocument, after: str) -> list[types.TextEdit]:
    """Return the edits that turn the text of *document* into *after*, line by line."""
    old, new = _LINE.findall(document.source), _LINE.findall(after)
    if len(old) + len(new) > MOST_LINES:
        return [types.TextEdit(document.positions.range(0, len(document.source)), after)]
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    return [
        types.TextEdit(document.positions.range(starts[first], starts[last]), "".join(new[low:high]))
        for kind, first, last, low, high in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if kind != "equal"
    ]


def apply_fixes(document: TextDocument, edits: list[types.TextEdit]) -> str:
    """Return the text of *document* after *edits*, which do not overlap."""
    text, positions = document.source, document.positions
    for edit in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True):
        start, end = positions.offset(edit.range.start), positions.offset(edit.range.end)
        text = text[:start] + edit.new_text + text[end:]
    return text


def format_document(document: TextDocument, wanted: types.Range | None = None) -> list[types.TextEdit]:
    """Return the edits that format a document, or the range *wanted*; none if it cannot be formatted.

    For a range, only the edits that formatting the whole would make there.
    """
    if document.kind not in (DocumentKind.RULESET, DocumentKind.TEST):
        return []
    try:
        after = format_text(document.source)
        edits = edits_between(document, after)
        if wanted is None:
            return edits
        edits = [e for e in edits if e.range.start.line <= wanted.end.line and wanted.start.line <= e.range.end.line]
        return edits if format_text(apply_fixes(document, edits)) == after else []
    except FormatError:
        return []
