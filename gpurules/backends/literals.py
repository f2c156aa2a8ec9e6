"""Many literals, and which of them a text begins with, ends with, equals, or has anywhere in it."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from gpurules.language.terms.patterns import substring_finder


class SearchText(NamedTuple):
    """A text that another has in it: at its start, at its end, both (it is the whole), or anywhere."""

    at_start: bool
    text: str
    at_end: bool


class _Prefixes:
    """Texts in order, each with the longest other that it begins with.

    The last that is not above a text has all those in its chain that the text begins with: what stands between a prefix
    and a text that has it has that prefix too.
    """

    def __init__(self, numbers: Mapping[str, int]) -> None:
        """Take texts, all different, with their numbers."""
        self._ordered = sorted(numbers)
        self._numbers = [numbers[text] for text in self._ordered]
        self._shorter: list[int] = []
        chain: list[int] = []
        for place, text in enumerate(self._ordered):
            while chain and not text.startswith(self._ordered[chain[-1]]):
                chain.pop()
            self._shorter.append(chain[-1] if chain else -1)
            chain.append(place)

    def find(self, text: str, found: list[int]) -> None:
        """Add the numbers of those that *text* begins with to *found*."""
        ordered, shorter = self._ordered, self._shorter
        place = bisect_right(ordered, text) - 1
        while place >= 0 and not text.startswith(ordered[place]):
            place = shorter[place]
        while place >= 0:
            found.append(self._numbers[place])
            place = shorter[place]


def literal_finder(literals: Sequence[SearchText]) -> Callable[[str], list[int]]:
    """Return a function that gives the numbers of those of *literals*, all different, that a text has in it.

    How long it takes depends on the text and on what is found, hardly on how many there are. Those that are found are
    always in the same order.
    """
    kinds: dict[tuple[bool, bool], dict[str, int]] = {}
    for number, (at_start, text, at_end) in enumerate(literals):
        kinds.setdefault((at_start, at_end), {})[text] = number
    whole = kinds.get((True, True), {})
    starts = _Prefixes(kinds[True, False]) if (True, False) in kinds else None
    ends = _Prefixes({t[::-1]: n for t, n in kinds[False, True].items()}) if (False, True) in kinds else None
    anywhere = kinds.get((False, False), {})
    search = substring_finder([*anywhere]) if anywhere else None
    if search is not None and len(anywhere) == len(literals):  # they are numbered as they are here
        return search
    numbers = [*anywhere.values()]

    def find(text: str) -> list[int]:
        found: list[int] = []
        if text in whole:
            found.append(whole[text])
        if starts is not None:
            starts.find(text, found)
        if ends is not None:
            ends.find(text[::-1], found)
        if search is not None:
            found += [numbers[n] for n in search(text)]
        return found

    return find
