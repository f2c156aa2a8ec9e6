"""Positions as editors count them: lines from 0, columns in the negotiated code units."""

import re
from bisect import bisect_right

from lsprotocol import types

from gpurules.diagnostics import Location

_LINE_END = re.compile(r"\r\n|\r|\n")
_WIDTH = {types.PositionEncodingKind.Utf8.value: 1, types.PositionEncodingKind.Utf16.value: 2}
_CODEC = {types.PositionEncodingKind.Utf8.value: "utf-8", types.PositionEncodingKind.Utf16.value: "utf-16-le"}


class Positions:
    """Converts positions in one text to offsets, and back.

    Units: offsets in code points, not counting a byte order mark, as those of YAML nodes.
    """

    def __init__(self, text: str, encoding: str = types.PositionEncodingKind.Utf16.value) -> None:
        self._text = text
        self._encoding = encoding
        self._mark = int(text.startswith("\ufeff"))
        breaks = list(_LINE_END.finditer(text))
        self._starts = [0, *(match.end() for match in breaks)]
        self._ends = [*(match.start() for match in breaks), len(text)]

    @property
    def lines(self) -> int:
        """The number of lines."""
        return len(self._starts)

    def line(self, number: int) -> str:
        """Return the line *number*, counted from 0, without its line ending; empty if there is none."""
        return self._text[self._starts[number] : self._ends[number]] if 0 <= number < self.lines else ""

    def offset(self, position: types.Position) -> int:
        """Return the offset of *position*; clamped to the end of its line."""
        if position.line >= self.lines:
            return len(self._text) - self._mark
        start, line = self._starts[position.line], self.line(position.line)
        return max(0, start + self._column(line, position.character) - self._mark)

    def position(self, offset: int) -> types.Position:
        """Return the position of an offset."""
        offset = min(offset + self._mark, len(self._text))
        number = bisect_right(self._starts, offset) - 1
        return types.Position(number, self._units(self._text[self._starts[number] : offset]))

    def range(self, start: int, end: int) -> types.Range:
        """Return the range between two offsets."""
        return types.Range(self.position(start), self.position(end))

    def range_of(self, location: Location) -> types.Range:
        """Return the range of a location, whose columns are code points."""
        return types.Range(
            self._from_column(location.line, location.column), self._from_column(location.end_line, location.end_column)
        )

    def _from_column(self, line: int, column: int) -> types.Position:
        number = min(line, self.lines) - 1
        mark = self._mark if number == 0 else 0
        return types.Position(number, self._units(self.line(number)[: column - 1 + mark]))

    def _units(self, text: str) -> int:
        if text.isascii() or self._encoding not in _CODEC:
            return len(text)
        return len(text.encode(_CODEC[self._encoding], "surrogatepass")) // _WIDTH[self._encoding]

    def _column(self, line: str, units: int) -> int:
        """Return the number of code points of *line* within *units*."""
        if line.isascii() or self._encoding not in _CODEC:
            return min(units, len(line))
        used = 0
        for column, character in enumerate(line):
            used += self._units(character)
            if used > units:
                return column
        return len(line)
