"""Reformats a YAML text: only white space between tokens changes, and the indentation of multi-line scalars."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gpurules.formatting.tokens import CLOSERS, OPENERS, Token, TokenKind, tokens

INDENT = 2
_STARTS = frozenset({TokenKind.BLOCK_MAPPING, TokenKind.BLOCK_SEQUENCE})


@dataclass(slots=True)
class _Level:
    """A block list or mapping that is open: the column it had, and the one it gets.

    ``implied``: a list that stands as far to the left as the key it belongs to.
    """

    old: int
    new: int
    is_sequence: bool
    implied: bool = False


class Layout:
    """One text being laid out. ``replaced`` has the new texts of scalars by their offset: what they say, by lines."""

    def __init__(self, text: str, replaced: Mapping[int, str]) -> None:
        self._text = text
        self._replaced = replaced
        self._out: list[str] = []
        self._column = 0
        self._levels: list[_Level] = []
        self._flow_depth = 0
        self._flow_margin = 0
        self._margin = 0
        self._previous: Token | None = None
        self._pending: list[TokenKind] = []

    def laid_out(self) -> str:
        """Return the text in its canonical layout."""
        before = list(self._levels)
        is_key = False
        for token in tokens(self._text):
            match token.kind:
                case TokenKind.BLOCK_END:
                    self._close()
                case TokenKind.KEY:
                    is_key = True
                    if self._levels and self._levels[-1].implied and not self._flow_depth:
                        self._levels.pop()
                case kind if kind in _STARTS:
                    self._pending.append(kind)
                case _:
                    self._put(token, before, is_key)
                    before, is_key = list(self._levels), False
        self._gap(self._text[self._previous.end if self._previous else 0 :], before, None)
        return "".join(self._out).strip("\n") + "\n" if not self._keeps_end else "".join(self._out)

    @property
    def _keeps_end(self) -> bool:
        return self._previous is not None and self._previous.keeps_breaks

    def _close(self) -> None:
        if self._levels and self._levels[-1].implied:
            self._levels.pop()
        self._levels.pop()

    def _put(self, token: Token, before: list[_Level], is_key: bool) -> None:
        """Write a token with the gap before it; *before* are the levels that were open at the token before."""
        self._imply(token)
        gap = self._text[self._previous.end if self._previous else 0 : token.start]
        is_new_line = "\n" in gap or self._previous is None or self._previous.kind is TokenKind.DIRECTIVE
        if is_new_line:
            self._margin = self._indentation(token, is_key)
            self._gap(gap, before, token)
        else:
            self._write(self._space(token))
        self._open(token)
        self._write(self._spelled(token))
        if token.kind in OPENERS:
            if not self._flow_depth:
                self._flow_margin = self._margin
            self._flow_depth += 1
        elif token.kind in CLOSERS:
            self._flow_depth -= 1
        self._previous = token

    def _imply(self, token: Token) -> None:
        """Open the level of a list that has none of its own, as it is not indented."""
        if token.kind is TokenKind.BLOCK_ENTRY and not self._pending:
            top = self._levels[-1] if self._levels else None
            if top is not None and not top.is_sequence:
                self._levels.append(_Level(token.column, top.new + INDENT, True, True))

    def _indentation(self, token: Token, is_key: bool) -> int:
        """Return the column of a token that starts a line."""
        if self._flow_depth:
            return self._flow_margin + INDENT * (self._flow_depth - (token.kind in CLOSERS))
        top = self._levels[-1].new if self._levels else -INDENT
        if self._pending:
            return top + INDENT
        if token.kind in (TokenKind.DOCUMENT_START, TokenKind.DOCUMENT_END, TokenKind.DIRECTIVE):
            return 0
        if is_key or token.kind is TokenKind.BLOCK_ENTRY:
            return top
        if self._previous is not None and self._previous.kind is TokenKind.ANCHOR and not self._levels:
            return 0
        return max(0, top + INDENT)

    def _open(self, token: Token) -> None:
        """Open the levels that start at *token*."""
        for kind in self._pending:
            self._levels.append(_Level(token.column, self._column, kind is TokenKind.BLOCK_SEQUENCE))
        self._pending.clear()

    def _space(self, token: Token) -> str:
        """Return what stands before a token that follows another on its line."""
        previous = self._previous
        assert previous is not None
        if token.kind is TokenKind.VALUE:
            return " " if previous.kind is TokenKind.ALIAS else ""
        if token.kind is TokenKind.FLOW_ENTRY or token.kind in CLOSERS or previous.kind in OPENERS:
            return ""
        return " "

    def _gap(self, gap: str, before: list[_Level], token: Token | None) -> None:
        """Write the comments and line ends of *gap*, up to the margin of *token* (None: the end of the file)."""
        first, *rest = gap.split("\n")
        if self._previous is None:
            rest = [first, *rest]
        elif first.strip():
            code = first.lstrip(" \t")
            self._write(" " * max(2, len(first) - len(code)) + code.rstrip())
        if self._keeps_end:
            self._write("\n" * (gap.count("\n") - sum("#" in line for line in rest[:1])))
            rest = [line for line in rest if line.strip()]
            if token is not None:
                self._comments(rest, before, token)
                self._write(" " * self._margin)
            return
        if self._previous is not None:
            self._write("\n")
        self._comments(rest[:-1] if token is not None else rest, before, token)
        if token is not None:
            self._write(" " * self._margin)

    def _comments(self, lines: list[str], before: list[_Level], token: Token | None) -> None:
        """Write whole lines of comments; of several blank lines one stays."""
        was_blank = self._previous is None
        for line in lines:
            comment = line.strip()
            if not comment:
                if not was_blank:
                    self._write("\n")
                was_blank = True
                continue
            column = len(line) - len(line.lstrip(" \t"))
            self._write(" " * self._comment_column(column, before, token) + comment + "\n")
            was_blank = False

    def _comment_column(self, column: int, before: list[_Level], token: Token | None) -> int:
        if self._flow_depth or (token is not None and column == token.column):
            return self._margin
        fitting = [level for level in before if level.old <= column]
        if not fitting:
            return 0
        nearest = max(fitting, key=lambda level: level.old)
        return nearest.new

    def _spelled(self, token: Token) -> str:
        """Return the text of *token*, later lines indented to their new place."""
        text = self._text[token.start : token.end]
        new = self._replaced.get(token.start) if token.kind is TokenKind.SCALAR else None
        parent = self._levels[-1].new if self._levels else -INDENT
        inner = self._flow_margin + INDENT * self._flow_depth if self._flow_depth else parent + INDENT
        if token.style in ("|", ">"):
            return self._block(text, new, inner)
        text = text if new is None else new
        first, *rest = re.split(r"[ \t]*\n", text)
        return "\n".join([first, *(" " * inner + _dedented(line, new) if line.strip() else "" for line in rest)])

    def _block(self, text: str, new: str | None, inner: int) -> str:
        header, *lines = text.split("\n")
        header = header.rstrip()
        if new is not None:
            return "\n".join([re.sub(r"[1-9]", "", header), *(" " * inner + line for line in new.split("\n"))])
        explicit = re.search(r"[1-9]", header.partition("#")[0])
        if explicit:
            old = self._levels[-1] if self._levels else None
            was = old.old if old is not None else 0
            shift = (old.new if old is not None else 0) - was
            return "\n".join([header, *(_shifted(line, shift) for line in lines)])
        indents = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip(" ")]
        shift = inner - (indents[0] if indents else inner)
        content = indents[0] if indents else 0
        return "\n".join([header, *(_shifted(line, shift) if len(line) > content else "" for line in lines)])

    def _write(self, text: str) -> None:
        self._out.append(text)
        last = text.rfind("\n")
        self._column = self._column + len(text) if last < 0 else len(text) - last - 1


def _dedented(line: str, new: str | None) -> str:
    """Return a later line of a plain or quoted scalar; one of a condition keeps its own indentation."""
    return line if new is not None else line.lstrip(" \t")


def _shifted(line: str, shift: int) -> str:
    if not line.strip(" "):
        return line if not shift else (" " * max(0, len(line) + shift))
    return " " * shift + line if shift >= 0 else line[min(-shift, len(line) - len(line.lstrip(" "))) :]
