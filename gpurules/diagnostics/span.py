"""Where something stands: offsets in a text, and lines and columns in a file."""

import re
from bisect import bisect_right

from gpurules.records import Record, record

_LINE_END = re.compile(r"\r\n|\r|\n")


@record
class Span(Record):
    """A half-open range of code points in one text.

    Units: code points from the start of the text, counted from 0.
    """

    start: int
    end: int

    def to(self, other: "Span") -> "Span":
        """Return the span from the start of this one to the end of *other*."""
        return Span(self.start, other.end)


@record
class Location(Record):
    """A range in a file, as people count: lines and columns from 1, columns in code points, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class LineIndex:
    """Turns offsets of one text into lines and columns (CR LF, LF and CR all end a line)."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1, of the code point at *offset*."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def location(self, span: Span) -> Location:
        """Return where *span* stands."""
        return Location(*self.position(span.start), *self.position(span.end))
