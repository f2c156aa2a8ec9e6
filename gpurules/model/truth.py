"""Kleene's three truth values: True, False, and None for unknown."""

from collections.abc import Iterable
from typing import TypeAlias

Truth: TypeAlias = bool | None
"""True, False, or None: not known."""

Value: TypeAlias = bool | int | float | str | None
"""The values of terms of the language; None is missing (of a bool: unknown)."""


def conjunction(values: Iterable[Truth]) -> Truth:
    """Return FALSE if any is, else UNKNOWN if any is, else TRUE."""
    result: Truth = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def disjunction(values: Iterable[Truth]) -> Truth:
    """Return TRUE if any is, else UNKNOWN if any is, else FALSE."""
    result: Truth = False
    for value in values:
        if value is True:
            return True
        if value is None:
            result = None
    return result


def negation(value: Truth) -> Truth:
    """Return the opposite; of UNKNOWN it is UNKNOWN."""
    return None if value is None else not value
