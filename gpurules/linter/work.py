"""What bounds and saves the work of an analysis: its budget, its cancellation, and witnesses that are known already."""

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from gpurules.errors import GpurulesError

T = TypeVar("T")

WORK = 500_000
"""How many steps the analysis of one ruleset may take."""


class AbandonedError(GpurulesError):
    """No client waits for the findings any more."""


def always() -> bool:
    """Return that the findings are waited for."""
    return True


_MOST_WITNESSES = 10_000


class WitnessMemory:
    """Witnesses that were minimized, for the next lint of a text that hardly changed. Not for several threads."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[object, object]] = {}

    def recall(self, witness: T, claims: Hashable, minimize: Callable[[], T]) -> T:
        """Return what *minimize* makes of the *witness* of *claims*, on which alone that depends; it is asked once."""
        known = self._known.get(claims)
        if known is None or known[0] != witness:
            if len(self._known) >= _MOST_WITNESSES:
                self._known.clear()
            known = self._known[claims] = witness, minimize()
        return cast(T, known[1])
