"""Parses patterns in RE2's syntax, for targets that use an automaton instead of a library."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gpurules.backends.backend import UnsupportedError

TOP = 0x10FFFF
Ranges: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Chars:
    """Any code point in a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Assertion:
    """A zero-width assertion: ``begin``, ``end``, ``begin_line``, ``end_line`` or ``word_boundary``."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence_:
    """A concatenation of parts."""

    parts: tuple["Regex", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """An alternation."""

    options: tuple["Regex", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part repeated from ``least`` to ``most`` times; ``most`` None: unlimited."""

    part: "Regex"
    least: int
    most: int | None


Regex: TypeAlias = Chars | Assertion | Sequence_ | Choice | Repeat

_DIGIT: Ranges = ((48, 57),)
_SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_CLASSES: dict[str, Ranges] = {"d": _DIGIT, "s": _SPACE, "w": _WORD}
_POSIX: dict[str, Ranges] = {
    "alnum": ((48, 57), (65, 90), (97, 122)), "alpha": ((65, 90), (97, 122)), "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)), "cntrl": ((0, 31), (127, 127)), "digit": _DIGIT, "graph": ((33, 126),),
    "lower": ((97, 122),), "print": ((32, 126),), "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)), "upper": ((65, 90),), "word": _WORD, "xdigit": ((48, 57), (65, 70), (97, 102)),
}  # fmt: skip
_SINGLE = {"t": 9, "n": 10, "r": 13, "f": 12, "v": 11, "a": 7}
_ASSERTIONS = {"A": "begin", "z": "end", "b": "word_boundary"}
_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_FLAGS = re.compile(r"\?([imsU]*)(?:-([imsU]*))?([:)])")
_NAMED = re.compile(r"\?P?<[^>]*>")


def join_ranges(ranges: Sequence[tuple[int, int]]) -> Ranges:
    """Return *ranges* sorted, with adjacent and overlapping ones merged."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def complement(ranges: Ranges) -> Ranges:
    """Return every code point that is not in *ranges*."""
    found, at = [], 0
    for low, high in join_ranges(ranges):
        if low > at:
            found.append((at, low - 1))
        at = high + 1
    return (*found, (at, TOP)) if at <= TOP else tuple(found)


def _folded(ranges: Ranges) -> Ranges:
    """Return *ranges* closed under ASCII case folding; K and S have a third form each."""
    if any(high > 127 for _, high in ranges):
        raise UnsupportedError("the C target supports (?i) for ASCII only; spell out both cases, or test lower(…)")
    more = list(ranges)
    for low, high in ranges:
        for first, shift in ((65, 32), (97, -32)):
            start, end = max(low, first), min(high, first + 25)
            if start <= end:
                more.append((start + shift, end + shift))
        for small, other in ((107, 0x212A), (115, 0x17F)):
            if low <= small <= high or low <= small - 32 <= high:
                more.append((other, other))
    return join_ranges(more)


class _Parser:
    """A recursive-descent parser of patterns that RE2 has accepted."""

    def __init__(self, pattern: str) -> None:
        self._text, self._at = pattern, 0
        self._flags: frozenset[str] = frozenset()

    def parse(self) -> Regex:
        """Return the tree of the whole pattern."""
        found = self._choice()
        if self._at < len(self._text):
            raise self._unsupported(self._text[self._at])
        return found

    @staticmethod
    def _unsupported(what: str) -> UnsupportedError:
        return UnsupportedError(f"the C target does not support {what} in patterns; write the pattern without it")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _choice(self) -> Regex:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Regex:
        parts: list[Regex] = []
        while self._peek() not in ("", "|", ")"):
            if self._take(r"\Q"):
                end = self._text.find(r"\E", self._at)
                quoted = self._text[self._at :] if end < 0 else self._text[self._at : end]
                self._at += len(quoted) + (2 if end >= 0 else 0)
                parts += [self._literal(ord(c)) for c in quoted]
                if quoted and (self._peek() in ("*", "+", "?") or _COUNT.match(self._text, self._at)):
                    parts[-1] = self._repeated(parts[-1])
                continue
            parts.append(self._repeated(self._atom()))
        return parts[0] if len(parts) == 1 else Sequence_(tuple(parts))

    def _repeated(self, part: Regex) -> Regex:
        while True:
            count = _COUNT.match(self._text, self._at)
            if self._take("*"):
                part = Repeat(part, 0, None)
            elif self._take("+"):
                part = Repeat(part, 1, None)
            elif self._take("?"):
                part = Repeat(part, 0, 1)
            elif count:
                self._at = count.end()
                least = int(count[1])
                part = Repeat(part, least, (int(count[3]) if count[3] else None) if count[2] else least)
            else:
                return part
            self._take("?")

    def _literal(self, point: int) -> Chars:
        return Chars(self._fold(((point, point),)))

    def _atom(self) -> Regex:
        character = self._peek()
        self._at += 1
        match character:
            case "(":
                return self._group()
            case "[":
                return Chars(self._set())
            case ".":
                return Chars(((0, TOP),) if "s" in self._flags else ((0, 9), (11, TOP)))
            case "^":
                return Assertion("begin_line" if "m" in self._flags else "begin")
            case "$":
                return Assertion("end_line" if "m" in self._flags else "end")
            case "\\":
                return self._escape()
            case _:
                return self._literal(ord(character))

    def _group(self) -> Regex:
        before = self._flags
        named, flags = _NAMED.match(self._text, self._at), _FLAGS.match(self._text, self._at)
        if named:
            self._at = named.end()
        elif flags:
            self._at = flags.end()
            self._flags = (self._flags | set(flags[1])) - set(flags[2] or "")
            if flags[3] == ")":
                return Sequence_(())  # the flags apply to the end of the enclosing group
        found = self._choice()
        if not self._take(")"):
            raise self._unsupported("such group")
        self._flags = before
        return found

    def _escape(self) -> Regex:
        character = self._peek()
        if character in _ASSERTIONS:
            self._at += 1
            return Assertion(_ASSERTIONS[character])
        ranges = self._escaped_class()
        if ranges is not None:
            return Chars(ranges)
        return self._literal(self._escaped_point())

    def _escaped_class(self) -> Ranges | None:
        r"""Return the class at the current position, such as ``\d``; None if there is none."""
        character = self._peek()
        if character.lower() not in _CLASSES:
            return None
        self._at += 1
        return self._class(_CLASSES[character.lower()], character.isupper())

    def _class(self, ranges: Ranges, is_negated: bool) -> Ranges:
        known = self._fold(ranges)
        return complement(known) if is_negated else known

    def _fold(self, ranges: Ranges) -> Ranges:
        return _folded(ranges) if "i" in self._flags else ranges

    def _escaped_point(self) -> int:
        character = self._peek()
        self._at += 1
        if character in _SINGLE:
            return _SINGLE[character]
        if character == "x":
            found = re.compile(r"\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2})").match(self._text, self._at)
            if found:
                self._at = found.end()
                return int(found[1] or found[2], 16)
        octal = re.compile("[0-7]{1,3}").match(self._text, self._at - 1)
        if octal:
            self._at = octal.end()
            return int(octal[0], 8)
        if not character or character.isalnum():
            raise self._unsupported(f"\\{character}")
        return ord(character)

    def _set(self) -> Ranges:
        is_negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        is_first = True
        while is_first or not self._take("]"):
            is_first = False
            posix = re.compile(r"\[:(\^?)(\w+):\]").match(self._text, self._at)
            if posix:
                self._at = posix.end()
                ranges += self._class(_POSIX[posix[2]], bool(posix[1]))
                continue
            if self._take("\\"):
                found = self._escaped_class()
                if found is not None:
                    ranges += found
                    continue
                low = self._escaped_point()
            else:
                low = self._point()
            ranges += self._fold(((low, self._range_end(low)),))
        made = join_ranges(ranges)
        return complement(made) if is_negated else made

    def _point(self) -> int:
        character = self._peek()
        self._at += 1
        return ord(character)

    def _range_end(self, low: int) -> int:
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return low
        self._at += 1
        return self._escaped_point() if self._take("\\") else self._point()


def parse_regex(pattern: str) -> Regex:
    """Return the tree of a pattern that RE2 has accepted.

    Raises:
        UnsupportedError: it has a construct that automata do not support.
    """
    return _Parser(pattern).parse()
