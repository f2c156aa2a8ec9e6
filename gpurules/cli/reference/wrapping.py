"""Wraps the prose of generated pages, so that they read and diff like handwritten ones."""

import re
import textwrap
from collections.abc import Iterator

WIDTH = 118
_CODE_SPAN = re.compile(r"`[^`]+`")
_NO_PROSE = ("|", "#", "<", " ")
_MARKUP = re.compile(r"([-*+>|]|#+|\d+\.)( |$)")


def wrap_prose(page: str) -> str:
    """Return *page* with its long lines of prose wrapped; fences, tables, headings and HTML stay as they are.

    Short lines are not joined, no line breaks within a code span, and none begins with Markdown markup.
    """
    return "\n".join(_lines(page))


def _lines(page: str) -> Iterator[str]:
    is_fenced = False
    for line in page.split("\n"):
        is_fence = line.startswith("```")
        is_fenced ^= is_fence
        if is_fence or is_fenced or len(line) <= WIDTH or line.startswith(_NO_PROSE):
            yield line
        else:
            yield from _wrapped(line)


def _wrapped(line: str) -> list[str]:
    glued = _CODE_SPAN.sub(lambda span: span[0].replace(" ", "\0"), line)
    rows = textwrap.wrap(glued, WIDTH, break_long_words=False, break_on_hyphens=False)
    for n in range(1, len(rows)):
        if _MARKUP.match(rows[n]):
            rows[n - 1], _, word = rows[n - 1].rpartition(" ")
            rows[n] = f"{word} {rows[n]}"
    return [row.replace("\0", " ") for row in rows]
