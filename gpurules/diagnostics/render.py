"""Draws diagnostics: for people (``full``), one a line (``concise``), as JSON, and in the formats of CI systems."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gpurules.diagnostics import reports
from gpurules.diagnostics.code import Severity
from gpurules.diagnostics.diagnostic import Diagnostic
from gpurules.diagnostics.excerpt import excerpt, visible
from gpurules.diagnostics.span import Location
from gpurules.strict_json import dumps

SCHEMA_VERSION = 1
"""The version of the JSON format; it grows when a program that reads the format would have to change."""

ReadSource: TypeAlias = Callable[[str | None], str | None]
"""Gives the text of a path (None: the bare condition that was given), or None where it cannot be read."""


class Format(StrEnum):
    """How diagnostics are drawn."""

    FULL = "full"
    CONCISE = "concise"
    JSON = "json"
    JSON_LINES = "json-lines"
    GITHUB = "github"
    GITLAB = "gitlab"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"


_REPORTS: Mapping[Format, Callable[[Sequence[Diagnostic]], str]] = {
    Format.JSON_LINES: reports.json_lines,
    Format.GITHUB: reports.github,
    Format.GITLAB: reports.gitlab,
    Format.SARIF: reports.sarif,
    Format.JUNIT: reports.junit,
    Format.MARKDOWN: reports.markdown,
}


_RESET, _BOLD, _BLUE = "\x1b[0m", "\x1b[1m", "\x1b[1;34m"
_COLORS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.INFO: "\x1b[1;36m"}
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class _Pen:
    """How to draw: where the lines of sources are, whether in color, how wide."""

    lines_of: Callable[[str | None], Sequence[str]]
    color: bool
    width: int

    def paint(self, text: str, style: str) -> str:
        return f"{style}{text}{_RESET}" if self.color and text else text


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics in order of place, those of one place in order of code."""
    return sorted(diagnostics, key=lambda d: (*d.place, d.code, d.message))


def render(
    diagnostics: Iterable[Diagnostic],
    format: Format,
    read_source: ReadSource = lambda path: None,
    color: bool = False,
    width: int = 100,
) -> str:
    """Return *diagnostics* drawn in *format*, in order of place; each line ends with a line feed.

    Units: *width* in columns of a terminal; source lines are clipped to it, words are not.
    """
    found = sort_diagnostics(diagnostics)
    match format:
        case Format.FULL:
            pen = _Pen(_lines_of(read_source), color, width)
            return "\n".join(_full(diagnostic, pen) for diagnostic in found)
        case Format.CONCISE:
            return "".join(f"{_concise(diagnostic)}\n" for diagnostic in found)
        case Format.JSON:
            return _json(found)
        case _:
            return _REPORTS[format](found)


def counts(diagnostics: Iterable[Diagnostic]) -> dict[str, int]:
    """Return how many diagnostics there are of each severity: ``errors``, ``warnings``, ``infos``."""
    of = Counter(diagnostic.severity for diagnostic in diagnostics)
    return {f"{severity.value}s": of[severity] for severity in Severity}


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """Return the counts in words, such as ``2 errors, 1 warning``."""
    found = [(n, name.removesuffix("s") if n == 1 else name) for name, n in counts(diagnostics).items() if n]
    return ", ".join(f"{n} {name}" for n, name in found) or "no findings"


def _json(found: Sequence[Diagnostic]) -> str:
    data = {
        "schema_version": SCHEMA_VERSION,
        "summary": counts(found),
        "diagnostics": [diagnostic.to_dict() for diagnostic in found],
    }
    return dumps(data, indent=2) + "\n"


def _place(path: str | None, line: int, column: int) -> str:
    return f"{visible(path or '<condition>')}:{line}:{column}"


def _concise(diagnostic: Diagnostic) -> str:
    place = _place(diagnostic.path, diagnostic.line, diagnostic.column)
    hint = f" ({visible(diagnostic.hint)})" if diagnostic.hint else ""
    return f"{place}: {diagnostic.code} {diagnostic.severity.value}: {visible(diagnostic.message)}{hint}"


def _full(diagnostic: Diagnostic, pen: _Pen) -> str:
    color = _COLORS[diagnostic.severity]
    severity = "" if diagnostic.severity is Severity.ERROR else f" ({diagnostic.severity.value})"
    location = Location(diagnostic.line, diagnostic.column, diagnostic.end_line, diagnostic.end_column)
    gutter = max([2, *(len(str(place.line)) for place in (location, *(r.location for r in diagnostic.related)))])
    margin = " " * gutter
    lines = [
        f"{pen.paint(diagnostic.code, color)} {pen.paint(diagnostic.name, _BOLD)}{severity}: "
        f"{visible(diagnostic.message)}",
        f"{margin}{pen.paint('-->', _BLUE)} {_place(diagnostic.path, diagnostic.line, diagnostic.column)}",
    ]
    picture = _picture(diagnostic.path, location, pen, gutter, ("^", color, visible(diagnostic.label)))
    lines += [f"{margin} {pen.paint('|', _BLUE)}", *picture] if picture else []
    for related in diagnostic.related:
        path, place = related.path or diagnostic.path, related.location
        lines.append(f"{margin}{pen.paint(':::', _BLUE)} {_place(path, place.line, place.column)}")
        drawn = _picture(path, place, pen, gutter, ("-", _BLUE, visible(related.message)))
        lines += drawn or [f"{margin} {pen.paint('=', _BLUE)} {visible(related.message)}"]
    notes = (
        ("witness", diagnostic.witness),
        ("help", diagnostic.hint),
        ("more", f"gpurules rule {diagnostic.code}"),
    )
    lines += [f"{margin} {pen.paint('=', _BLUE)} {name}: {visible(text)}" for name, text in notes if text]
    return "\n".join(lines) + "\n"


def _picture(path: str | None, location: Location, pen: _Pen, gutter: int, mark: tuple[str, str, str]) -> list[str]:
    """Return the source line with marks under the range; nothing where the source or the line is not there."""
    sign, style, label = mark
    lines = pen.lines_of(path)
    if not 1 <= location.line <= len(lines):
        return []
    line = lines[location.line - 1]
    is_longer = location.end_line > location.line
    end = len(line) if is_longer else location.end_column - 1
    drawn = excerpt(line, location.column - 1, end, sign, max(20, pen.width - gutter - 3))
    words = " ".join(word for word in (label, f"(to line {location.end_line})" if is_longer else "") if word)
    bar = pen.paint("|", _BLUE)
    number = pen.paint(f"{location.line:>{gutter}}", _BLUE)
    marks = len(drawn.marks) - len(drawn.marks.lstrip())
    under = drawn.marks[:marks] + pen.paint(drawn.marks[marks:], style) + (f" {words}" if words else "")
    return [f"{number} {bar} {drawn.text}".rstrip(), f"{' ' * gutter} {bar} {under}"]


def _lines_of(read_source: ReadSource) -> Callable[[str | None], Sequence[str]]:
    """Return what gives the lines of a source, none where it cannot be read; each source is read once."""
    known: dict[str | None, Sequence[str]] = {}

    def lines_of(path: str | None) -> Sequence[str]:
        if path not in known:
            text = read_source(path)
            known[path] = () if text is None else _LINE_END.split(text.removeprefix("\ufeff"))
        return known[path]

    return lines_of
