"""Where words go: data on stdout, everything else on stderr; colour, width and broken pipes."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from gpurules.diagnostics.excerpt import cells, visible

MAX_WIDTH = 100
RESET = "\x1b[0m"


class Style(StrEnum):
    """What colour says; it never says anything alone."""

    HEAD = "\x1b[1m"
    FAINT = "\x1b[2m"
    GOOD = "\x1b[32m"
    BAD = "\x1b[31m"
    WARN = "\x1b[33m"


def steady_streams() -> None:
    """Make sure that no text, whatever file name is in it, can not be written."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def release_streams() -> None:
    """Flush, and leave nothing that the interpreter would complain of at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _discard(stream)


def _discard(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write(text: str) -> bool:
    """Write data to stdout; return False when its reader has gone (a closed pipe is no error)."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
        return False
    return True


def say(text: str) -> None:
    """Write one line that is not data to stderr."""
    with suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)


def fail(text: str) -> None:
    """Write why the program ends to stderr, on one line."""
    say(f"gpurules: {visible(text)}")


def save(text: str, path: Path | None) -> None:
    """Write data to *path*, or to stdout where there is none."""
    if path is None:
        write(text)
    else:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")


def to_json(data: object) -> str:
    """Return *data* as JSON for people and programs."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


SCHEMA_VERSION = 1
"""The version of the JSON of reports: it grows when a key that there was means something else, or is gone."""


def report_json(data: Mapping[str, object]) -> str:
    """Return a report as JSON, with the version of its form."""
    return to_json({"schema_version": SCHEMA_VERSION, **data})


def has_colour(stream: TextIO) -> bool:
    """Whether *stream* is drawn in colour: ``NO_COLOR`` and ``FORCE_COLOR`` decide before the terminal does."""
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    if forced:
        return forced != "0"
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, style: Style) -> str:
    """Return *text* in a style where stdout has colour."""
    return f"{style.value}{text}{RESET}" if has_colour(sys.stdout) and text else text


def terminal_width() -> int:
    """Return how wide lines may be; without a terminal that is the most we ever use."""
    import shutil  # it imports what unpacks archives

    return min(shutil.get_terminal_size((MAX_WIDTH, 24)).columns, MAX_WIDTH)


def counted(count: int, noun: str) -> str:
    """Return a count and its noun, in the plural where that is due.

    >>> counted(1, "rule"), counted(1200, "rule")
    ('1 rule', '1,200 rules')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def columns_of(text: str) -> int:
    """Return how many columns *text* takes in a terminal."""
    return sum(cell.width for cell in cells(text))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return aligned columns under a head; what is empty in every row is left out."""
    lines = [[visible(text) for text in row] for row in rows]
    kept = [n for n in range(len(head)) if any(line[n] for line in lines)]
    widths = {n: max(columns_of(line[n]) for line in [list(head), *lines]) for n in kept}
    drawn = [
        "  ".join(text[n] + " " * (widths[n] - columns_of(text[n])) for n in kept).rstrip() for text in [head, *lines]
    ]
    return "\n".join([paint(drawn[0], Style.HEAD), *drawn[1:]]) + "\n" if kept else ""


def page(markdown: str) -> None:
    """Write a page: drawn on a terminal, as Markdown elsewhere."""
    if not sys.stdout.isatty():
        write(markdown)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=terminal_width(), no_color=not has_colour(sys.stdout))
    with suppress(BrokenPipeError):
        console.print(Markdown(markdown))


def difference(before: str, after: str, path: str) -> str:
    """Return the unified difference of two texts of the file *path*, empty where they are the same."""
    import difflib

    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), path, path)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
