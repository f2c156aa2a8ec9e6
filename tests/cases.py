"""How many cases a run tries: ``make test`` the representative ones, ``make test-all`` and CI all of them."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest
from hypothesis import settings

EXHAUSTIVE = pytest.mark.exhaustive
FULL = 200
"""The examples of the profile ``full``, which the counts that tests name are for."""


def representative(values: Iterable[Any], few: int | Collection[Any]) -> list[Any]:
    """Return *values* as parameters: the first *few* (or those in it) always run, the others only when all do."""
    cases = []
    for number, value in enumerate(values):
        is_always_run = number < few if isinstance(few, int) else value in few
        cases.append(value if is_always_run else pytest.param(value, marks=EXHAUSTIVE))
    return cases


def examples(count: int) -> int:
    """Return how many examples to try where the profile ``full`` tries *count*."""
    return max(1, count * settings().max_examples // FULL)
