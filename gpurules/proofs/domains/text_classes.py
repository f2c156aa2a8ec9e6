"""Equivalence classes of texts under a set of patterns: one shortest text for each combination of answers.

Equality, STARTSWITH, ENDSWITH, CONTAINS and GLOB are simple automata; their product is walked breadth first.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

from gpurules.language.syntax.nodes import TextOperator
from gpurules.records import Record, record

Ranges: TypeAlias = tuple[tuple[int, int], ...]
WORK = 200_000
"""How many steps of automata one field may cost."""
_REMEMBERED = 32
"""For how many sets of patterns the texts are kept: a prover for the next version of a ruleset asks for the same."""


@record
class PatternPiece(Record):
    """One place of a pattern: any character of ``ranges`` (or any but those); ``repeated``: any number of them."""

    ranges: Ranges = ()
    negation: bool = True
    repeated: bool = False

    def takes(self, code: int) -> bool:
        """Return whether the character may stand here."""
        for low, high in self.ranges:
            if low <= code <= high:
                return not self.negation
        return self.negation


STAR = PatternPiece(repeated=True)
Pattern: TypeAlias = tuple[PatternPiece, ...]
Language: TypeAlias = tuple[Pattern, ...]
"""The texts that a fact can be: those that one of the patterns is found in; none: any text."""

_SLASH = ((47, 47),)
FILE_NAME: Language = ((PatternPiece(_SLASH, repeated=True),),)
"""The last part of a path."""
FILE_EXTENSION: Language = (
    (),
    (PatternPiece(((46, 46),), negation=False), PatternPiece(((46, 47), (65, 90)), repeated=True)),
)
"""Nothing, or a dot and what follows it, in lower case and without a further dot."""
_BRACKET = re.compile(r"\[(!?)(\]?[^\]]*)\]", re.DOTALL)


def pieces(operator: TextOperator, pattern: str) -> Pattern:
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


def _literal(character: str) -> PatternPiece:
    return PatternPiece(((ord(character), ord(character)),), negation=False)


def _glob(pattern: str) -> Iterable[PatternPiece]:
    """Yield the places of a glob, as :mod:`fnmatch` reads it."""
    position = 0
    while position < len(pattern):
        bracket = _BRACKET.match(pattern, position)
        character = pattern[position]
        position += 1
        if character == "*":
            yield STAR
        elif character == "?":
            yield PatternPiece()
        elif bracket:
            position = bracket.end()
            yield PatternPiece(_ranges(bracket[2]), negation=bool(bracket[1]))
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

    def __init__(self, places: Sequence[PatternPiece], characters: Sequence[int]) -> None:
        self._stars = sum(1 << i for i, place in enumerate(places) if place.repeated)
        self._staying = {
            code: sum(1 << i for i, place in enumerate(places) if place.repeated and place.takes(code))
            for code in characters
        }
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
        return self._closed((state & self._taking[code]) << 1 | state & self._staying[code])

    def accepts(self, state: int) -> bool:
        return bool(state & self._end)


def _alphabet(patterns: Sequence[Sequence[PatternPiece]]) -> list[int]:
    """Return one character for each way in which the places can take one, plain ones first."""
    edges = {97, 120, 0x4E00}
    places = {place for pattern in patterns for place in pattern if place.ranges}
    for place in places:
        for low, high in place.ranges:
            edges |= {low - 1, low, high, high + 1}
    kept: dict[tuple[bool, ...], int] = {}
    for code in sorted(
        (e for e in edges if 0 < e < 0x110000 and not 0xD800 <= e < 0xE000), key=lambda c: (not chr(c).isalnum(), c)
    ):
        kept.setdefault(tuple([place.takes(code) for place in places]), code)
    return list(kept.values())


@lru_cache(maxsize=_REMEMBERED)
def _walk(patterns: tuple[Pattern, ...], words: tuple[Pattern, ...], language: Language) -> tuple[str, ...] | None:
    """Return the shortest text of each answer of *patterns*, within *language* and without *words*."""
    every = [*patterns, *words, *language]
    alphabet = _alphabet(every)
    automata = [_Automaton(pattern, alphabet) for pattern in every]
    telling, named = len(patterns), len(patterns) + len(words)
    first = tuple(a.start for a in automata)
    texts, queue = {first: ""}, [first]
    answers: dict[tuple[bool, ...], str] = {}
    for work, state in enumerate(queue, 1):
        if work * len(alphabet) * max(1, len(automata)) > WORK:
            return None
        answer = tuple(a.accepts(s) for a, s in zip(automata, state, strict=True))
        if not any(answer[telling:named]) and (not language or any(answer[named:])):
            answers.setdefault(answer[:telling], texts[state])
        for code in alphabet:
            following = tuple([s and a.step(s, code) for a, s in zip(automata, state, strict=True)])  # 0: it has failed
            if following not in texts:
                texts[following] = texts[state] + chr(code)
                queue.append(following)
    return tuple(answers.values())


def is_in(text: str, language: Language) -> bool:
    """Return whether *text* is one of *language*.

    >>> is_in(".pt", FILE_EXTENSION), is_in("pt", FILE_EXTENSION), is_in(".PT", FILE_EXTENSION)
    (True, False, False)
    """
    return not language or any(_is_found(text, pattern) for pattern in language)


def _is_found(text: str, pattern: Pattern) -> bool:
    automaton = _Automaton(pattern, [ord(character) for character in text])
    state = automaton.start
    for character in text:
        state = automaton.step(state, ord(character))
    return automaton.accepts(state)


def representative_texts(
    constants: Iterable[str], patterns: Iterable[tuple[TextOperator, str]], language: Language = ()
) -> list[str] | None:
    """Return representatives for every text of *language*, as far as *constants* and *patterns* distinguish them.

    Missing: None where the patterns are too many or too entangled to walk through.
    """
    words = [word for word in sorted(set(constants)) if is_in(word, language)]
    tests = tuple([pieces(operator, pattern) for operator, pattern in sorted(set(patterns))])
    if not tests and not language:
        return [*words, _other(words)]
    collided: frozenset[str] = frozenset()
    while True:
        found = _walk(tests, tuple([tuple(_literal(c) for c in word) for word in sorted(collided)]), language)
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
