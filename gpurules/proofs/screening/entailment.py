"""What plainly follows from what: proofs that need no search."""

from gpurules.proofs.formulas.formula import (
    FALSE,
    AtLeast,
    AtMost,
    Atom,
    Conjunction,
    Disjunction,
    Distinguished,
    Formula,
    is_per_gpu,
)

_MOST_PAIRS = 500
"""The number of pairs of parts that are compared; conditions that need more are left to the search."""


def entails(one: Formula, other: Formula) -> bool:
    """Return whether it is plain, part by part, that *other* holds wherever *one* does; False says nothing.

    Both speak of the same GPU where they speak of one.
    """
    return _Comparing().entails(one, other)


class _Comparing:
    """Compares the parts of two formulas, until it has looked at too many."""

    def __init__(self) -> None:
        self._left = _MOST_PAIRS

    def entails(self, one: Formula, other: Formula) -> bool:
        self._left -= 1
        if one is other or one is FALSE:
            return True
        if self._left < 0:
            return False
        if isinstance(other, Conjunction):
            return all(self.entails(one, part) for part in other.parts)
        if isinstance(one, Disjunction):
            return all(self.entails(part, other) for part in one.parts)
        if isinstance(other, Disjunction) and any(self.entails(one, part) for part in other.parts):
            return True
        if isinstance(one, Conjunction):
            return any(self.entails(part, other) for part in one.parts)
        return self._piece_entails(one, other)

    def _piece_entails(self, one: Formula, other: Formula) -> bool:
        match one, other:
            case Atom(variable, mask), Atom(same, wanted):
                return variable is same and not mask & ~wanted
            case AtLeast(count, body), AtLeast(wanted, within):
                return count >= wanted and self.entails(body, within)
            case AtLeast(count, body), Atom() | Disjunction() if count:
                return not is_per_gpu(other) and self.entails(body, other)
            case AtMost(count, body), AtMost(wanted, within):
                return count <= wanted and self.entails(within, body)
            case Distinguished(body), Distinguished(within):
                return self.entails(body, within)
            case _:
                return False
