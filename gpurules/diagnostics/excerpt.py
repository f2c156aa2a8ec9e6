"""Draws one line of a source with marks under a range of it, as a terminal shows it."""

import unicodedata
from dataclasses import dataclass

MAX_WIDTH = 100
"""How wide lines for people may be, in columns."""
TAB_STOP = 4
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A line as it is shown, and the marks that go under it."""

    text: str
    marks: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One code point as it is shown, and how many columns that takes."""

    text: str
    width: int


_PLAIN = {chr(code): Cell(chr(code), 1) for code in range(0x20, 0x7F)}


def _is_plain(text: str) -> bool:
    """Return whether *text* is shown as it is, a column for each character, as nearly all is."""
    return text.isascii() and text.isprintable()


def cell(character: str, column: int) -> Cell:
    """Return how *character* is shown at the display *column*; nothing shown moves the cursor or turns the line around.

    >>> cell("\\x1b", 0).text, cell("\\u202e", 0).text, cell("語", 0).width
    ('␛', '<U+202E>', 2)
    """
    if character == "\t":
        return Cell(" " * (width := TAB_STOP - column % TAB_STOP), width)
    if character < " ":
        return Cell(chr(0x2400 + ord(character)), 1)
    if character.isascii() and character != "\x7f":
        return Cell(character, 1)
    category = unicodedata.category(character)
    if category in ("Mn", "Me"):
        return Cell(character, 0)
    if category[0] == "C" or category in ("Zl", "Zp"):
        text = f"<U+{ord(character):04X}>"
        return Cell(text, len(text))
    return Cell(character, 2 if unicodedata.east_asian_width(character) in "WF" else 1)


def visible(text: str) -> str:
    """Return *text* on one line, with whatever could command a terminal made visible.

    >>> visible("a\\nb")
    'a␊b'
    """
    if _is_plain(text):
        return text
    return "".join("\u240a" if c == "\n" else cell(c, 0).text for c in text)


def cells(line: str) -> list[Cell]:
    """Return the cells of a whole line."""
    if _is_plain(line):
        return [_PLAIN[character] for character in line]
    shown, column = [], 0
    for character in line:
        shown.append(cell(character, column))
        column += shown[-1].width
    return shown


def columns_of(text: str) -> int:
    """Return how many columns *text* takes in a terminal."""
    return sum(cell.width for cell in cells(text))


def excerpt(line: str, start: int, end: int, mark: str, width: int) -> Excerpt:
    """Return *line* with *mark* repeated under its code points *start* to *end* (from 0, the end exclusive).

    A line that is wider than *width* columns is clipped around the range. A range that is empty, or past the end of the
    line, still gets one mark.
    """
    far = max(0, start - 10 * width)
    line, start, end = line[far : start + 10 * width], start - far, end - far
    shown = cells(line)
    start = min(start, len(shown))
    end = min(max(end, start), len(shown))
    if sum(c.width for c in shown) > width:
        shown, start, end = _clipped(shown, start, end, width)
    indent = sum(c.width for c in shown[:start])
    marked = max(1, sum(c.width for c in shown[start:end]))
    return Excerpt("".join(c.text for c in shown).rstrip(), " " * indent + mark * marked)


def _clipped(shown: list[Cell], start: int, end: int, width: int) -> tuple[list[Cell], int, int]:
    """Return the part of the cells around the range that fits, cuts marked, and the range in it."""
    room = max(width - 2, 10)
    first, last = start, start
    used = 0
    while last < end and used + shown[last].width <= room:
        used += shown[last].width
        last += 1
    end = last
    context = max(0, room - used) // 2
    while first > 0 and context >= shown[first - 1].width:
        first -= 1
        used += shown[first].width
        context -= shown[first].width
    while last < len(shown) and used + shown[last].width <= room:
        used += shown[last].width
        last += 1
    while first > 0 and used + shown[first - 1].width <= room:
        first -= 1
        used += shown[first].width
    before = [Cell(ELLIPSIS, 1)] if first > 0 else []
    after = [Cell(ELLIPSIS, 1)] if last < len(shown) else []
    shift = len(before) - first
    return [*before, *shown[first:last], *after], start + shift, end + shift
