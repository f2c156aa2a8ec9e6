"""Which texts a set of patterns tells apart: one shortest text for each way in which they can answer.

Equality, STARTSWITH, ENDSWITH, CONTAINS and GLOB are simple automata; their product is walked breadth first.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gpurules.language.nodes import TextOperator

Ranges: TypeAlias = tuple[tuple[int, int], ...]
WORK = 200_000
"""How many steps of automata one field may cost."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One place of a pattern: any character of ``ranges`` (or any but those); ``repeated``: any number of any."""

    ranges: Ranges = ()
    negated: bool = True
    repeated: bool = False

    def takes(self, code: int) -> bool:
        """Return whether the character may stand here."""
        return any(low <= code <= high for low, high in self.ranges) is not self.negated


STAR = Piece(repeated=True)
_BRACKET = re.compile(r"\[(!?)(\]?[^\]]*)\]", re.DOTALL)


def pieces(operator: TextOperator, pattern: str) -> tuple[Piece, ...]:
    """Return the places of *pattern* under *operator*."""
    plain = tuple(_literal(character) for character in pattern)
    match operator:
        case TextOperator.CONTAINS:
            return (STAR, *plain, STAR)
        case TextOperator.STARTSWITH:
            return (*plain, STAR)
        case TextOperator.ENDSWITH:
            return (STAR, *plain)
        case _:
            return tuple(_glob(pattern))


def _literal(character: str) -> Piece:
    return Piece(((ord(character), ord(character)),), negated=False)


def _glob(pattern: str) -> Iterable[Piece]:
    """Yield the places of a glob, as :mod:`fnmatch` reads it."""
    position = 0
    while position < len(pattern):
        bracket = _BRACKET.match(pattern, position)
        character = pattern[position]
        position += 1
        if character == "*":
            yield STAR
        elif character == "?":
            yield Piece()
        elif bracket:
            position = bracket.end()
            yield Piece(_ranges(bracket[2]), negated=bool(bracket[1]))
        else:
            yield _literal(character)


def _ranges(inside: str) -> Ranges:
    found, position = [], 0
    while position < len(inside):
        low = high = ord(inside[position])
        if inside[position + 1 : position + 2] == "-" and position + 2 < len(inside):
            high = ord(inside[position + 2])
            position += 2
        position += 1
        if low <= high:
            found.append((low, high))
    return tuple(found)


class _Automaton:
    """A pattern as an automaton whose state is a set of places, kept as the bits of an integer."""

    def __init__(self, places: Sequence[Piece], characters: Sequence[int]) -> None:
        self._stars = sum(1 << i for i, place in enumerate(places) if place.repeated)
        self._taking = {
            code: sum(1 << i for i, place in enumerate(places) if not place.repeated and place.takes(code))
            for code in characters
        }
        self._end = 1 << len(places)
        self.start = self._closed(1)

    def _closed(self, state: int) -> int:
        """Return *state* with the places behind its stars."""
        while True:
            wider = state | (state & self._stars) << 1
            if wider == state:
                return state
            state = wider

    def step(self, state: int, code: int) -> int:
        return self._closed((state & self._taking[code]) << 1 | state & self._stars)

    def accepts(self, state: int) -> bool:
        return bool(state & self._end)


def _alphabet(patterns: Sequence[Sequence[Piece]]) -> list[int]:
    """Return one character for each way in which the places can take one, plain ones first."""
    edges = {97, 120, 0x4E00}
    for place in (p for pattern in patterns for p in pattern):
        for low, high in place.ranges:
            edges |= {low - 1, low, high, high + 1}
    kept: dict[tuple[bool, ...], int] = {}
    for code in sorted(
        (e for e in edges if 0 < e < 0x110000 and not 0xD800 <= e < 0xE000), key=lambda c: (not chr(c).isalnum(), c)
    ):
        kept.setdefault(tuple(p.takes(code) for pattern in patterns for p in pattern if p.ranges), code)
    return list(kept.values())


def _walk(patterns: Sequence[tuple[Piece, ...]], telling_apart: int) -> list[str] | None:
    """Return the shortest text of each answer; those that fit a pattern from *telling_apart* on are left out."""
    alphabet = _alphabet(patterns)
    automata = [_Automaton(pattern, alphabet) for pattern in patterns]
    first = tuple(a.start for a in automata)
    texts, queue = {first: ""}, [first]
    answers: dict[tuple[bool, ...], str] = {}
    for work, state in enumerate(queue, 1):
        if work * len(alphabet) * max(1, len(automata)) > WORK:
            return None
        answer = tuple(a.accepts(s) for a, s in zip(automata, state, strict=True))
        if not any(answer[telling_apart:]):
            answers.setdefault(answer, texts[state])
        for code in alphabet:
            following = tuple(a.step(s, code) for a, s in zip(automata, state, strict=True))
            if following not in texts:
                texts[following] = texts[state] + chr(code)
                queue.append(following)
    return list(answers.values())


def distinct(constants: Iterable[str], patterns: Iterable[tuple[TextOperator, str]]) -> list[str] | None:
    """Return texts that stand for every text, as far as equality with *constants* and *patterns* can tell.

    Missing: None where the patterns are too many or too entangled to walk through.
    """
    words = sorted(set(constants))
    tests = [pieces(operator, pattern) for operator, pattern in sorted(set(patterns))]
    if not tests:
        return [*words, _other(words)]
    collided: frozenset[str] = frozenset()
    while True:
        found = _walk([*tests, *(tuple(_literal(c) for c in word) for word in sorted(collided))], len(tests))
        if found is None:
            return None
        new = collided | (frozenset(found) & frozenset(words))
        if new == collided:
            return [*words, *found]
        collided = new


def _other(words: Sequence[str]) -> str:
    name, number = "other", 1
    while name in words:
        number += 1
        name = f"other{number}"
    return name
