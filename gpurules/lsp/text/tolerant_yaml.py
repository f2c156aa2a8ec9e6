"""Parses incomplete YAML: lines with syntax errors are blanked, everything else keeps its position."""

import re

from gpurules.rules.yaml import YamlDocument, read_yaml

MAX_REPAIRS = 6
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


def readable(text: str, path: str | None) -> YamlDocument:
    """Return the tree of the readable part of *text*.

    A line that stops the parser is blanked, so that offsets stay valid. With more than a few such lines there is no
    tree.
    """
    read = read_yaml(text, path)
    for _ in range(MAX_REPAIRS):
        line = _stopped_at(read)
        if line is None:
            break
        read = max((read_yaml(blanked, path) for blanked in _blanked(read.source.text, line)), key=_progress)
    return read


def _stopped_at(read: YamlDocument) -> int | None:
    """Return the line, from 1, at which parsing failed; None if it succeeded."""
    if read.root is not None or not read.problems or read.problems[0].code != "GPR001":
        return None
    return read.problems[0].line


def _progress(read: YamlDocument) -> int:
    """Return how far parsing came, in lines."""
    line = _stopped_at(read)
    if line is not None:
        return line
    return 1_000_000_000 if read.root is not None else 0


def _blanked(text: str, line: int) -> list[str]:
    """Return *text* with that line blanked, and with the nearest non-blank line above it blanked.

    The latter is often the cause: an open bracket or a key without its colon is detected one line late.
    """
    lines = _LINE.findall(text)
    above = next((n for n in range(min(line - 2, len(lines) - 1), -1, -1) if lines[n].strip()), None)
    found = []
    for number in (above, line - 1):
        if number is not None and number < len(lines) and lines[number].strip():
            blank = re.sub(r"[^\r\n]", " ", lines[number])
            found.append("".join([*lines[:number], blank, *lines[number + 1 :]]))
    return found or [text]
