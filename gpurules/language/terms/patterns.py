"""Patterns of MATCHES and GLOB: the one door to RE2, whose searches take linear time."""

import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Any

from gpurules.errors import GpurulesError

MIN_IN_ONE_PASS = 8
"""With fewer texts than that, to look for each is quicker than to look for all in one pass."""

MAX_SET_BYTES = 64 * 1024 * 1024
"""How much memory the search for many texts may take at most; beyond, they are looked for one by one."""


class PatternError(GpurulesError):
    """A text is not a pattern of RE2."""


@lru_cache(maxsize=1024)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a test that says whether *pattern* is found in a text.

    Raises:
        PatternError: *pattern* is not in RE2's syntax.

    Source: https://github.com/google/re2/wiki/Syntax
    """
    import re2  # type: ignore[import-untyped,unused-ignore]

    options = re2.Options()
    options.log_errors = False
    try:
        search: Callable[[str], Any] = re2.compile(pattern, options).search
    except (re2.error, UnicodeError) as error:
        reason = error.args[0] if error.args else error
        raise PatternError(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from None

    def found(text: str) -> bool:
        try:
            return search(text) is not None
        except UnicodeError:  # a file name that is not UTF-8
            return search(text.encode("utf-8", "replace").decode()) is not None

    return found


@lru_cache(maxsize=1024)
def globber(pattern: str) -> Callable[[str], bool]:
    """Return a test that says whether the glob *pattern* covers a whole text; ``*`` crosses ``/``."""
    match = re.compile(translate(pattern)).match
    return lambda text: match(text) is not None


def substring_finder(parts: Sequence[str]) -> Callable[[str], list[int]]:
    """Return a function that gives the numbers, in order, of those of *parts* that a text has in it.

    One pass over the text finds them all, however many there are. RE2 finds nothing if its memory does not suffice:
    a pattern that is in every text reveals that; then, and for text that is not UTF-8, they are tried one by one.
    """

    def one_by_one(text: str) -> list[int]:
        return [number for number, part in enumerate(parts) if part in text]

    if len(parts) < MIN_IN_ONE_PASS:
        return one_by_one
    try:
        match = _set_of([*parts, ""])
    except (PatternError, UnicodeError):
        return one_by_one
    always = len(parts)

    def found(text: str) -> list[int]:
        try:
            numbers: list[int] = match(text) or []
            numbers.remove(always)
        except ValueError:  # no memory, or (a UnicodeError is one) a file name that is not UTF-8
            return one_by_one(text)
        if len(numbers) > 1:
            numbers.sort()
        return numbers

    return found


def _set_of(parts: Sequence[str]) -> Callable[[str], Any]:
    """Return a search for all of *parts* at once.

    Raises:
        PatternError: they are too many.
        UnicodeError: one is not UTF-8.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_SET_BYTES
    patterns = re2.Set.SearchSet(options)
    try:
        for part in parts:
            patterns.Add(re2.escape(part))
        patterns.Compile()
    except re2.error as error:
        raise PatternError(str(error)) from None
    match: Callable[[str], Any] = patterns.Match
    return match
