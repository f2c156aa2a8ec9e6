"""Output: data on stdout, everything else on stderr; color, width and broken pipes."""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from gpurules.diagnostics.excerpt import MAX_WIDTH, columns_of, visible
from gpurules.output_files import write_file
from gpurules.strict_json import dumps

RESET = "\x1b[0m"


class Style(StrEnum):
    """The styles of text; color never carries meaning alone."""

    HEAD = "\x1b[1m"
    FAINT = "\x1b[2m"
    GOOD = "\x1b[32m"
    BAD = "\x1b[31m"
    WARN = "\x1b[33m"


def steady_streams() -> None:
    """Make every text writable on stdout and stderr, whatever characters a file name has."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def release_streams() -> None:
    """Flush the streams so that the interpreter has nothing to report at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _discard(stream)


def _discard(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


_STYLE = r"(?:[34]8;(?:5;\d{1,3}|2;\d{1,3};\d{1,3};\d{1,3})|[0-4]|7|9|2\d|3[0-79]|4[0-79]|9[0-7]|10[0-7])"
_UNDRAWN = re.compile(
    rf"(?P<color>\x1b\[{_STYLE}(?:;{_STYLE})*m)"
    "|[^\n\t -~\xa0-\xac\xae-\u05ff\u2010-\u2027\u2030-\u205f\u2070-\ud7ff]"
)
"""What may have to be made visible: all but line feeds and the characters that are surely drawn."""


def drawn_for(stream: TextIO, text: str) -> str:
    """Return *text* safe for *stream*: colors if it supports them, no other control sequences."""

    def seen(found: re.Match[str]) -> str:
        return found[0] if found["color"] and has_color(stream) else visible(found[0])

    return text if text.isascii() and text.replace("\n", "").isprintable() else _UNDRAWN.sub(seen, text)


def write(text: str) -> bool:
    """Write lines for people or programs to stdout; return False when its reader has closed the pipe (not an error).

    Control characters are made visible; in text from outside, the caller has done so already, line feeds included.
    """
    return _write(drawn_for(sys.stdout, text))


def write_data(text: str) -> bool:
    """Write the content of a file to stdout; on a terminal, control characters are made visible."""
    return write(text) if sys.stdout.isatty() else _write(text)


def write_lines(lines: Iterable[str]) -> bool:
    """Write *lines*, each as exactly one line, even if it has line feeds from outside text."""
    return write("".join(f"{line}\n" for line in map(_one_line, lines)))


def _one_line(line: str) -> str:
    return line.replace("\n", "\u240a")


def _write(text: str) -> bool:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
        return False
    return True


def clear_screen() -> None:
    """Clear stdout if it is a terminal."""
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        _write("\x1b[2J\x1b[3J\x1b[H")


def say(text: str) -> None:
    """Write one line that is not data to stderr."""
    say_drawn(_one_line(text))


def say_drawn(text: str) -> None:
    """Write already styled lines that are not data to stderr."""
    with suppress(BrokenPipeError):
        print(drawn_for(sys.stderr, text), file=sys.stderr, flush=True)


def show_status(text: str) -> None:
    """Replace the last line on the terminal of stderr by *text*; empty text erases it."""
    sys.stderr.write(f"\r\x1b[K{visible(text)}")
    sys.stderr.flush()


def note(text: str) -> None:
    """Write a one-line note to stderr; the program continues."""
    say(f"gpurules: {text}")


def fail(text: str) -> None:
    """Write the reason why the program ends to stderr, on one line."""
    say(f"gpurules: {text}")


def save(text: str, path: Path | None) -> None:
    """Write a report to *path*, or to stdout if there is none."""
    if path is None:
        write(text)
    else:
        write_file(path, text)


def to_json(data: object) -> str:
    """Return *data* as JSON for people and programs."""
    return dumps(data, indent=2) + "\n"


SCHEMA_VERSION = 1
"""The version of the JSON of reports: it grows when a key that there was means something else, or is gone."""


def report_json(data: Mapping[str, object]) -> str:
    """Return a report as JSON, with its format version."""
    return to_json({"schema_version": SCHEMA_VERSION, **data})


def has_color(stream: TextIO) -> bool:
    """Whether *stream* gets colors: ``NO_COLOR`` and ``FORCE_COLOR`` take precedence over the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    if forced:
        return forced != "0"
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, style: Style) -> str:
    """Return *text* in a style if stdout has color."""
    return f"{style.value}{text}{RESET}" if has_color(sys.stdout) and text else text


def terminal_width() -> int:
    """Return the maximum line width; without a terminal, the widest that is ever used."""
    import shutil  # imports what unpacks archives

    return min(shutil.get_terminal_size((MAX_WIDTH, 24)).columns, MAX_WIDTH)


def window_size() -> tuple[int, int]:
    """Return the columns and rows of the terminal of stdout; 80 and 24 if it is not one."""
    try:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):  # no terminal, or no file at all
        return 80, 24
    return max(60, columns or 80), max(10, rows or 24)


def pluralize(count: int, noun: str) -> str:
    """Return a count and its noun, in the plural unless the count is 1.

    >>> pluralize(1, "rule"), pluralize(1200, "rule")
    ('1 rule', '1,200 rules')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return aligned columns under a header; columns that are empty in every row are omitted."""
    lines = [[visible(text) for text in row] for row in rows]
    kept = [n for n in range(len(head)) if any(line[n] for line in lines)]
    widths = {n: max(columns_of(line[n]) for line in [list(head), *lines]) for n in kept}
    drawn = [
        "  ".join(text[n] + " " * (widths[n] - columns_of(text[n])) for n in kept).rstrip() for text in [head, *lines]
    ]
    return "\n".join([paint(drawn[0], Style.HEAD), *drawn[1:]]) + "\n" if kept else ""


def page(markdown: str) -> None:
    """Write a page: rendered on a terminal, as Markdown elsewhere."""
    if not sys.stdout.isatty():
        write(markdown)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=terminal_width(), no_color=not has_color(sys.stdout))
    with console.capture() as captured:
        console.print(Markdown(markdown, hyperlinks=False))
    write(captured.get())


def quoted_path(path: str) -> str:
    """Return a path for the header of a diff, quoted as git does if it has characters that are not printable.

    >>> quoted_path("a b.yaml"), quoted_path("a\\nb")
    ('a b.yaml', '"a\\\\nb"')
    """
    if path.isprintable() and '"' not in path:
        return path
    inside = "".join(_octal(c) if not c.isprintable() else f"\\{c}" if c in '"\\' else c for c in path)
    return f'"{inside}"'


def _octal(character: str) -> str:
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return known.get(character) or "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))


def difference(before: str, after: str, path: str) -> str:
    """Return the unified diff of two texts of the file *path*; empty if they are equal."""
    import difflib

    name = quoted_path(path)
    name += (
        "\t" if " " in name and not name.startswith('"') else ""
    )  # without it patch takes the first word for the name
    lines = difflib.unified_diff(_lines(before), _lines(after), name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Return the lines of *text* with their ends, split as diff and patch do: at line feeds only."""
    *whole, rest = text.split("\n")
    return [*(f"{line}\n" for line in whole), *([rest] if rest else [])]


def name_failed_plugins() -> None:
    """Report why each unusable action plug-in failed to load: rules with its action will be invalid."""
    from gpurules.actions import failed_plugins  # commands without actions do not import them

    for plugin, error in failed_plugins().items():
        say(f"gpurules: skipping the action plug-in {plugin!r}: {error}")
