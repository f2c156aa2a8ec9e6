"""Where in a YAML file each character of a decoded scalar stands, for every style of scalar.

A YAML parser reports where a scalar starts and ends, and its decoded text, but not where in between a given character
came from. This module decodes the source again, noting places; it is asked only when something is wrong.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_BREAK = r"(?:\r\n|[\r\n\x85\u2028\u2029])"
_FOLD = re.compile(rf"[ \t]*{_BREAK}(?:[ \t]*{_BREAK})*[ \t]*")
_ONE_BREAK = re.compile(_BREAK)
_ESCAPED_BREAK = re.compile(rf"\\{_BREAK}((?:[ \t]*{_BREAK})*)[ \t]*")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_HEADER = re.compile(rf"[|>][-+0-9]*[ \t]*(?:#[^\r\n\x85\u2028\u2029]*)?(?:{_BREAK}|$)")
_LINE = re.compile(r"[^\r\n\x85\u2028\u2029]*")
_SIMPLE_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


@dataclass(slots=True)
class Decoded:
    """Decoded characters, each with the half-open range of the source that it came from.

    Units: code points from the start of the file.
    """

    characters: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What was decoded."""
        return "".join(self.characters)

    def put(self, character: str, start: int, end: int) -> None:
        """Add one character that spans ``start`` to ``end`` of the source."""
        self.characters.append(character)
        self.starts.append(start)
        self.ends.append(end)

    def put_each(self, source: str, start: int, end: int) -> None:
        """Add the characters of the source from *start* to *end*, which stand for themselves."""
        for offset in range(start, end):
            self.put(source[offset], offset, offset + 1)

    def put_breaks(self, breaks: list["_Break"]) -> None:
        """Add line breaks, as YAML normalizes them."""
        for line_break in breaks:
            self.put(line_break.character, line_break.start, line_break.end)

    def put_folded(self, breaks: list["_Break"]) -> None:
        """Add what a run of line breaks folds to: one is a space, of more the first is dropped."""
        first, rest = breaks[0], breaks[1:]
        if first.character != "\n":
            self.put_breaks(breaks)
        elif rest:
            self.put_breaks(rest)
        else:
            self.put(" ", first.start, first.end)


@dataclass(frozen=True, slots=True)
class _Break:
    character: str
    start: int
    end: int


def decode(source: str, start: int, end: int, style: str) -> Decoded:
    """Return the decoded characters of the scalar at *start* to *end* of *source*, without its quotes or header."""
    match style:
        case "'":
            return _flow(source, start + 1, end - 1, _single_quote)
        case '"':
            return _flow(source, start + 1, end - 1, _escape)
        case _:
            return _flow(source, start, end, _nothing_special)


def decode_block(source: str, start: int, end: int, text: str) -> Decoded | None:
    """Return the decoded characters of the block scalar at *start* to *end* of *source*, given its *text*.

    The indentation of a block can depend on what is around it, so each one that is possible is tried.
    """
    header = _HEADER.match(source, start)
    if header is None:
        return None
    source, literal = source[:end], source[start] == "|"
    chomping = "+" if "+" in header[0].partition("#")[0] else "-" if "-" in header[0].partition("#")[0] else ""
    likely = _indentation(source, header.end())
    for indentation in (likely, *(n for n in range(likely + 1) if n != likely)):
        decoded = _Block(source, header.end(), indentation, literal, chomping).decode(len(text))
        if decoded.text == text:
            return decoded
    return None


def _indentation(source: str, offset: int) -> int:
    """Return how far the first line from *offset* on that is not blank is indented."""
    deepest = 0
    while offset < len(source):
        line = _LINE.match(source, offset)
        assert line is not None  # it matches the empty line
        spaces = len(line[0]) - len(line[0].lstrip(" "))
        if line[0].strip(" "):
            return spaces
        deepest = max(deepest, spaces)
        line_break = _ONE_BREAK.match(source, line.end())
        offset = line_break.end() if line_break else len(source)
    return deepest


def _breaks(source: str, start: int, end: int) -> list[_Break]:
    return [_as_break(match) for match in _ONE_BREAK.finditer(source, start, end)]


def _as_break(match: re.Match[str]) -> _Break:
    return _Break(match[0] if match[0] in "\u2028\u2029" else "\n", match.start(), match.end())


def _nothing_special(source: str, offset: int, decoded: Decoded) -> int | None:
    return None


def _single_quote(source: str, offset: int, decoded: Decoded) -> int | None:
    if not source.startswith("''", offset):
        return None
    decoded.put("'", offset, offset + 2)
    return offset + 2


def _escape(source: str, offset: int, decoded: Decoded) -> int | None:
    if source[offset] != "\\":
        return None
    line_end = _ESCAPED_BREAK.match(source, offset)
    if line_end:
        decoded.put_breaks(_breaks(source, line_end.start(1), line_end.end(1)))
        return line_end.end()
    match = _ESCAPE.match(source, offset)
    if match is None:
        return None
    digits = match[1] or match[2] or match[3]
    decoded.put(chr(int(digits, 16)) if digits else _SIMPLE_ESCAPES.get(match[4], match[4]), offset, match.end())
    return match.end()


def _flow(source: str, start: int, end: int, special: Callable[[str, int, Decoded], int | None]) -> Decoded:
    """Decode a plain or quoted scalar: *special* decodes what its style escapes, line breaks fold."""
    decoded = Decoded()
    offset = start
    while offset < end:
        after = special(source, offset, decoded)
        if after is not None:
            offset = after
            continue
        fold = _FOLD.match(source, offset, end)
        if fold:
            decoded.put_folded(_breaks(source, offset, fold.end()))
            offset = fold.end()
        else:
            decoded.put(source[offset], offset, offset + 1)
            offset += 1
    return decoded


class _Block:
    """Decodes a literal or folded block, as libyaml does."""

    def __init__(self, source: str, offset: int, indentation: int, literal: bool, chomping: str) -> None:
        self._source = source
        self._offset = offset
        self._indentation = indentation
        self._literal = literal
        self._chomping = chomping

    def decode(self, length: int) -> Decoded:
        """Return the block's characters; none are read once more than *length* are there."""
        decoded = Decoded()
        leading: list[_Break] = []
        trailing = self._blank_lines()
        was_blank = False
        while self._is_in_block and len(decoded.characters) <= length:
            is_blank = self._source[self._offset] in " \t"
            if self._literal or not leading or leading[0].character != "\n" or was_blank or is_blank:
                decoded.put_breaks(leading)
            elif not trailing:
                decoded.put(" ", leading[0].start, leading[0].end)
            decoded.put_breaks(trailing)
            was_blank = is_blank
            leading = self._line(decoded)
            trailing = self._blank_lines()
        if self._chomping != "-":
            decoded.put_breaks(leading)
        if self._chomping == "+":
            decoded.put_breaks(trailing)
        return decoded

    @property
    def _is_in_block(self) -> bool:
        """Whether a line of the block starts, after its indentation, at the offset."""
        if self._offset >= len(self._source):
            return False
        before = self._source[max(0, self._offset - self._indentation) : self._offset]
        return before == " " * self._indentation

    def _line(self, decoded: Decoded) -> list[_Break]:
        """Decode to the end of the line, and return its break."""
        line = _LINE.match(self._source, self._offset)
        assert line is not None  # it matches the empty line
        decoded.put_each(self._source, line.start(), line.end())
        self._offset = line.end()
        return self._break()

    def _break(self) -> list[_Break]:
        match = _ONE_BREAK.match(self._source, self._offset)
        if match is None:
            return []
        self._offset = match.end()
        return [_as_break(match)]

    def _blank_lines(self) -> list[_Break]:
        """Skip indentation and lines that have nothing else, and return their breaks."""
        found: list[_Break] = []
        while True:
            column = 0
            while column < self._indentation and self._source[self._offset : self._offset + 1] == " ":
                self._offset += 1
                column += 1
            line_break = self._break()
            if not line_break:
                return found
            found += line_break
