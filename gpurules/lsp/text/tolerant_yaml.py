"""Reads YAML that is being typed: the lines that stop the reader are left out, everything else keeps its place."""

import re

from gpurules.rules.yaml import YamlDocument, read_yaml

MAX_REPAIRS = 6
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


def readable(text: str, path: str | None) -> YamlDocument:
    """Return the tree of what can be read of *text*.

    A line that stops the reader is blanked, so that every offset stays true. After a few such lines there is no tree.
    """
    read = read_yaml(text, path)
    for _ in range(MAX_REPAIRS):
        line = _stopped_at(read)
        if line is None:
            break
        read = max((read_yaml(blanked, path) for blanked in _blanked(read.source.text, line)), key=_progress)
    return read


def _stopped_at(read: YamlDocument) -> int | None:
    """Return the line, from 1, at which reading ended; None where it did not."""
    if read.root is not None or not read.problems or read.problems[0].code != "GPR001":
        return None
    return read.problems[0].line


def _progress(read: YamlDocument) -> int:
    """Return how far reading came, in lines."""
    line = _stopped_at(read)
    if line is not None:
        return line
    return 1_000_000_000 if read.root is not None else 0


def _blanked(text: str, line: int) -> list[str]:
    """Return *text* without its line of that number, and without the line with words that is nearest above it.

    The second is the one to blame as often: an open bracket or a key without its colon is noticed a line too late.
    """
    lines = _LINE.findall(text)
    above = next((n for n in range(min(line - 2, len(lines) - 1), -1, -1) if lines[n].strip()), None)
    found = []
    for number in (above, line - 1):
        if number is not None and number < len(lines) and lines[number].strip():
            blank = re.sub(r"[^\r\n]", " ", lines[number])
            found.append("".join([*lines[:number], blank, *lines[number + 1 :]]))
    return found or [text]
