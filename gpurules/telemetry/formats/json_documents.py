"""Splits a text into JSON documents, each on one line or pretty-printed over many."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gpurules.strict_json import loads
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import MAX_DOCUMENT, RecordingReader

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(r"[\[\]{}]")
_CLOSES = {"]": "[", "}": "{"}


def is_start(text: str) -> bool:
    """Return whether a document (an object, or a list of objects) may start with this line."""
    stripped = text.strip()
    return stripped.startswith("{") or (stripped.startswith("[") and stripped.lstrip("[ ")[:1] in ("", "{"))


@dataclass(slots=True)
class _Cutter:
    """The current document, its open brackets, and the last non-blank character."""

    recording: RecordingReader
    lines: list[Line] = field(default_factory=list)
    brackets: list[str] = field(default_factory=list)
    last: str = ""
    size: int = 0

    def take(self, line: Line) -> Iterator[tuple[int, object]]:
        text = line.text.strip()
        if not text:
            return
        if self.lines and self._begins_again(line.text):
            self.recording.problem(
                self.lines[0].number, "the JSON is cut off: it does not end before the next one begins"
            )
            self._clear()
        if not self.lines and not is_start(text):
            self.recording.problem(line.number, f"not JSON: {text[:80]!r}")
            return
        self.lines.append(line)
        self.size += len(text)
        if self.size > MAX_DOCUMENT:
            raise self.recording.error(line.number, "one document is longer than 16 MiB; split the file")
        self._count(text)
        if not self.brackets:
            yield from self.finish()

    def _begins_again(self, text: str) -> bool:
        """Return whether a line starts a new document although one is open: at the margin, where no value can be."""
        expected = "[," if self.brackets[-1:] == ["["] and text[:1] == "{" else ":"
        return text[:1] in ("{", "[") and self.last not in expected

    def _count(self, text: str) -> None:
        bare = _STRING.sub('""', text)
        for bracket in _BRACKET.findall(bare):
            if bracket in "[{":
                self.brackets.append(bracket)
            elif self.brackets and self.brackets[-1] == _CLOSES[bracket]:
                self.brackets.pop()
        self.last = bare[-1:]

    def finish(self) -> Iterator[tuple[int, object]]:
        """Yield the current document if it is complete."""
        if not self.lines:
            return
        number, text = self.lines[0].number, "\n".join(line.text for line in self.lines)
        self._clear()
        try:
            yield number, parse_json(text)
        except ValueError as error:
            self.recording.problem(number, f"not JSON: {error}")

    def _clear(self) -> None:
        self.lines, self.brackets, self.last, self.size = [], [], "", 0


def documents(recording: RecordingReader) -> Iterator[tuple[int, object]]:
    """Yield the documents of a file, each with the number of its first line.

    Lines between documents, such as warnings, and truncated or damaged documents are problems; the others are
    unaffected.
    """
    cutter = _Cutter(recording)
    for line in recording.lines:
        yield from cutter.take(line)
    yield from cutter.finish()


def parse_json(text: str) -> object:
    """Parse JSON.

    Raises:
        ValueError: *text* is not JSON, is nested too deep, or has a number out of range.
    """
    try:
        return loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
