"""Branch and bound: lower bounds on the changes that parts of a ground formula need, so that a search can skip them."""

from collections.abc import Callable, Iterable

from gpurules.proofs.solver.grounding import Count, Every, Ground, Literal


class LowerBound:
    """Counts how many facts have to change at least for a formula to hold.

    *changed* names the facts that do where a variable has to come into a mask: none where it is there already.
    """

    def __init__(self, changed: Callable[[int, int], Iterable[int]]) -> None:
        self._changed = changed
        self._known: dict[int, tuple[Ground, frozenset[int], int]] = {}

    def within(self, ground: Ground, most: int) -> Ground:
        """Return *ground* without the alternatives that need more than *most* changes."""
        match ground:
            case Literal():
                return ground
            case Every(parts):
                return Every(tuple(self.within(part, most) for part in parts))
            case Count(least, parts, alike):
                kept = (part for part in parts if self._needs(part)[1] <= most)
                return Count(least, tuple(self.within(part, most) for part in kept), alike)

    def _needs(self, ground: Ground) -> tuple[frozenset[int], int]:
        """Return facts that surely have to change, and how many do at least."""
        known = self._known.get(id(ground))
        if known is None:
            known = self._known[id(ground)] = (ground, *self._found(ground))
        return known[1], known[2]

    def _found(self, ground: Ground) -> tuple[frozenset[int], int]:
        match ground:
            case Literal(variable, mask):
                facts = frozenset(self._changed(variable, mask))
                return facts, len(facts)
            case Every(parts):
                needs = [self._needs(part) for part in parts]
                facts = frozenset[int]().union(*(surely for surely, _ in needs))
                beyond = [self._beyond(part, facts) for part in parts if isinstance(part, Count)]
                return facts, max([len(facts) + max(beyond, default=0), *(number for _, number in needs)])
            case Count(least, parts):
                numbers = sorted(self._needs(part)[1] for part in parts)
                return frozenset(), numbers[least - 1] if 0 < least <= len(numbers) else 0

    def _beyond(self, choice: Count, facts: frozenset[int]) -> int:
        """Return how many facts beside *facts* have to change at least for *choice* to hold."""
        numbers = sorted(len(self._needs(part)[0] - facts) for part in choice.parts)
        return numbers[choice.least - 1] if 0 < choice.least <= len(numbers) else 0
