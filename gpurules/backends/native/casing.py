"""Case-mapping tables for compiled languages, from Python's Unicode database."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_POINTS = [*range(0x80, 0xD800), *range(0xE000, sys.maxunicode + 1)]


@dataclass(frozen=True, slots=True)
class Casing:
    """Code points that map to one other, as (first, last, step, delta), and those that map to several.

    ``cased`` and ``ignorable`` are ranges with a delta of 0, used to detect a sigma at the end of a word.
    """

    lower: tuple[tuple[int, int, int, int], ...]
    lower_special: tuple[tuple[int, str], ...]
    upper: tuple[tuple[int, int, int, int], ...]
    upper_special: tuple[tuple[int, str], ...]
    cased: tuple[tuple[int, int, int, int], ...]
    ignorable: tuple[tuple[int, int, int, int], ...]


def _ranges(mapping: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int, int]]:
    """Yield pairs of a code point and its delta as ranges."""
    run: list[int] = []
    step, delta = 1, 0
    for point, change in mapping:
        if run and change == delta and ((len(run) == 1 and point - run[-1] in (1, 2)) or point - run[-1] == step):
            step = point - run[-1]
            run.append(point)
            continue
        if run:
            yield run[0], run[-1], step, delta
        run, step, delta = [point], 1, change
    if run:
        yield run[0], run[-1], step, delta


def _split(change: Callable[[str], str]) -> tuple[tuple[tuple[int, int, int, int], ...], tuple[tuple[int, str], ...]]:
    single, special = [], []
    for point in (*range(0x80), *_POINTS):
        changed = change(chr(point))
        if changed == chr(point):
            continue
        if len(changed) == 1 and point != 0x3A3:
            single.append((point, ord(changed) - point))
        else:
            special.append((point, changed))
    return tuple(_ranges(single)), tuple(special)


@lru_cache(maxsize=1)
def casing() -> Casing:
    """Return the tables."""
    lower, lower_special = _split(str.lower)
    upper, upper_special = _split(str.upper)
    points = [*range(0x80), *_POINTS]
    cased = [(p, 0) for p in points if (" " + chr(p) + "Σ").lower()[-1] == "ς"]
    known = {p for p, _ in cased}
    ignorable = [(p, 0) for p in points if p not in known and ("A" + chr(p) + "Σ").lower()[-1] == "ς"]
    return Casing(lower, lower_special, upper, upper_special, tuple(_ranges(cased)), tuple(_ranges(ignorable)))
