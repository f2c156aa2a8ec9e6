"""What bounds and saves the work of an analysis: its budget, its cancellation, and witnesses that are known already."""

from collections.abc import Callable, Sequence

from gpurules.errors import GpurulesError
from gpurules.language.terms import ir
from gpurules.proofs import TruthClaim, Witness

WORK = 500_000
"""How many steps the analysis of one ruleset may take."""


class AbandonedError(GpurulesError):
    """No client waits for the findings any more."""


def always() -> bool:
    """Return that the findings are waited for."""
    return True


_MOST_WITNESSES = 10_000


class WitnessMemory:
    """Witnesses that were minimized, for the next lint of a text that hardly changed. Not for several threads.

    What a witness of claims is minimized to depends on nothing else, unless they name signals: these are not kept.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[TruthClaim, ...], tuple[Witness, Witness]] = {}

    def minimized(self, witness: Witness, claims: Sequence[TruthClaim], minimize: Callable[[], Witness]) -> Witness:
        """Return what *minimize* makes of the *witness* of *claims*; it is asked if that is not known."""
        key = tuple(claims)
        known = self._known.get(key)
        if known is not None and known[0] == witness:
            return known[1]
        found = minimize()
        if not any(isinstance(part, ir.Signal) for claim in claims for part in ir.walk(claim.condition.term)):
            if len(self._known) >= _MOST_WITNESSES:
                self._known.clear()
            self._known[key] = witness, found
        return found
