"""The search: which values of the variables make a ground formula hold.

Constraint propagation over masks, branching on what is left, and a bound on the work.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gpurules.proofs.grounding import Count, Every, Ground, Literal

Domains: TypeAlias = dict[int, int]


class WorkCapError(Exception):
    """The search took more steps than it may."""


@dataclass
class Budget:
    """How many steps are left."""

    steps: int

    def spend(self, steps: int) -> None:
        """Take *steps* away.

        Raises:
            WorkCapError: none are left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise WorkCapError


@dataclass
class State:
    """What is known so far: the values still open, formulas to assert, and choices still open."""

    domains: Domains
    asserted: list[Ground]
    open: list[Count] = field(default_factory=list)


class Search:
    """Finds the ways in which formulas can hold together; ``full`` gives the mask of all values of a variable."""

    def __init__(self, full: Callable[[int], int], budget: Budget) -> None:
        self._full = full
        self._budget = budget

    def solutions(self, formulas: Sequence[Ground]) -> Iterator[Domains]:
        """Yield domains in which every choice of values makes *formulas* hold; together they cover all choices.

        Raises:
            WorkCapError: the budget is spent.
        """
        stack = [State({}, list(formulas))]
        while stack:
            state = stack.pop()
            if not self._propagate(state):
                continue
            if not state.open:
                yield state.domains
                continue
            stack.extend(self._branches(state))

    def _branches(self, state: State) -> Iterator[State]:
        """Yield the states after a choice, the first one last: the part holds, or it does not."""
        choice = min(state.open, key=lambda count: len(count.parts))
        rest = [count for count in state.open if count is not choice]
        if choice.least == 1:
            for part in reversed(choice.parts):
                yield State(dict(state.domains), [part], list(rest))
            return
        first, *others = choice.parts
        if len(others) >= choice.least:
            yield State(dict(state.domains), [], [*rest, Count(choice.least, tuple(others))])
        yield State(dict(state.domains), [first, Count(choice.least - 1, tuple(others))], list(rest))

    def _propagate(self, state: State) -> bool:
        """Narrow the domains as far as each formula alone tells; return False where they clash."""
        while True:
            if not self._assert(state):
                return False
            self._budget.spend(1 + len(state.open))
            still_open: list[Count] = []
            for choice in state.open:
                reduced = self._reduced(choice, state.domains)
                if reduced is None:
                    return False
                if isinstance(reduced, Count):
                    still_open.append(reduced)
                else:
                    state.asserted.append(reduced)
            state.open = still_open
            if not any(not isinstance(f, Every) or f.parts for f in state.asserted):
                return True

    def _assert(self, state: State) -> bool:
        domains, asserted = state.domains, state.asserted
        while asserted:
            formula = asserted.pop()
            match formula:
                case Literal(variable, mask):
                    narrowed = domains.get(variable, self._full(variable)) & mask
                    if not narrowed:
                        return False
                    domains[variable] = narrowed
                case Every(parts):
                    asserted.extend(parts)
                case Count():
                    state.open.append(formula)
        return True

    def _reduced(self, choice: Count, domains: Domains) -> Ground | None:
        """Return what is left of *choice*; None where it can not hold any more."""
        least, left = choice.least, []
        for part in choice.parts:
            holds = self._status(part, domains)
            if holds is True:
                least -= 1
                if least <= 0:
                    return Every(())
            elif holds is None:
                left.append(part)
        if len(left) < least:
            return None
        if len(left) == least:
            return Every(tuple(left))
        if least == 1 and all(isinstance(p, Literal) for p in left):
            variables = {p.variable for p in left if isinstance(p, Literal)}
            if len(variables) == 1:
                mask = 0
                for part in left:
                    mask |= part.mask  # type: ignore[union-attr]
                return Literal(variables.pop(), mask)
        return Count(least, tuple(left)) if len(left) < len(choice.parts) or least < choice.least else choice

    def _status(self, formula: Ground, domains: Domains) -> bool | None:
        """Return whether *formula* holds for every choice (True), for none (False), or that depends (None)."""
        match formula:
            case Literal(variable, mask):
                domain = domains.get(variable)
                if domain is None:
                    domain = self._full(variable)
                return False if not domain & mask else True if not domain & ~mask else None
            case Every(parts):
                answer: bool | None = True
                for part in parts:
                    holds = self._status(part, domains)
                    if holds is False:
                        return False
                    if holds is None:
                        answer = None
                return answer
            case Count(least, parts):
                open_parts = 0
                for part in parts:
                    holds = self._status(part, domains)
                    if holds is True:
                        least -= 1
                        if least <= 0:
                            return True
                    elif holds is None:
                        open_parts += 1
                return False if open_parts < least else None
