"""Patterns of MATCHES and GLOB: the one door to RE2, whose searches take linear time."""

import re
from collections.abc import Callable
from fnmatch import translate
from functools import lru_cache
from typing import Any

from gpurules.errors import GpurulesError


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
