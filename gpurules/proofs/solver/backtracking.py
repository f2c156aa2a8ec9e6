"""The search: which values of the variables make a ground formula hold.

Constraint propagation over masks, branching on what is left, and a bound on the work.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gpurules.proofs.solver.grounding import Count, Every, Ground, Literal, slots_in

Domains: TypeAlias = dict[int, int]


class BudgetExceeded(Exception):
    """The search took more steps than it may."""


@dataclass
class Budget:
    """How many steps are left."""

    steps: int

    def spend(self, steps: int) -> None:
        """Take *steps* away.

        Raises:
            BudgetExceeded: none are left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise BudgetExceeded


@dataclass
class SearchNode:
    """What is known so far: the values still open, formulas to assert, and choices still open.

    ``asymmetric`` are the GPUs, as bits, that some choice was about: all others are still alike.
    """

    domains: Domains
    asserted: list[Ground]
    open: list[Count] = field(default_factory=list)
    asymmetric: int = 0


class BacktrackingSolver:
    """Finds the ways in which formulas can hold together; *full* gives the mask of all values of a variable.

    *is_inconsistent* is the theory check of DPLL(T): it prunes domains in which no values are consistent. It may miss
    an inconsistency, but never reports one that is not there, so an exhausted search proves that there is no solution.
    """

    def __init__(self, full: Callable[[int], int], budget: Budget, is_inconsistent: Callable[[Domains], bool]) -> None:
        self._full = full
        self._budget = budget
        self._is_inconsistent = is_inconsistent

    def solutions(self, formulas: Sequence[Ground], asymmetric: int = 0) -> Iterator[Domains]:
        """Yield domains in which every choice of values makes *formulas* hold; together they cover all choices.

        *asymmetric* are the GPUs, as bits, that are not like the others from the start.

        Raises:
            BudgetExceeded: the budget is spent.
        """
        stack = [SearchNode({}, list(formulas), asymmetric=asymmetric)]
        while stack:
            state = stack.pop()
            if not self._propagate(state):
                continue
            if not state.open:
                yield state.domains
                continue
            if self._is_inconsistent(state.domains):
                continue
            stack.extend(self._branches(state))

    def _branches(self, state: SearchNode) -> Iterator[SearchNode]:
        """Yield the states after a choice, the first one last: the part holds, or it does not."""
        choice = min(state.open, key=lambda count: len(count.parts))
        rest = [count for count in state.open if count is not choice]
        if choice.least == 1:
            yield from reversed([*self._alternatives(state, choice, rest)])
            return
        first, *others = choice.parts
        asymmetric = state.asymmetric | slots_in(choice)
        if len(others) >= choice.least:
            left = Count(choice.least, tuple(others))
            yield SearchNode(dict(state.domains), [*self._opposite(first)], [*rest, left], asymmetric)
        yield SearchNode(dict(state.domains), [first, Count(choice.least - 1, tuple(others))], list(rest), asymmetric)

    def _alternatives(self, state: SearchNode, choice: Count, rest: list[Count]) -> Iterator[SearchNode]:
        """Yield the states in which one part of *choice* holds, and those before it, as far as that is plain, do not.

        Of GPUs that are still alike only the first is tried: symmetry breaking, sound because exchanging two of them
        maps solutions to solutions. *asymmetric* holds those that a choice has named already.
        """
        refused: list[Ground] = []
        asymmetric, fresh_tried = state.asymmetric, False
        for part in choice.parts:
            slots = slots_in(part)
            if choice.alike and slots and not slots & state.asymmetric:
                if fresh_tried:
                    continue
                fresh_tried = True
            yield SearchNode(dict(state.domains), [part, *refused], list(rest), asymmetric | slots)
            opposite = self._opposite(part)
            if opposite:
                refused.extend(opposite)
                asymmetric |= slots

    def _opposite(self, part: Ground) -> list[Ground]:
        if isinstance(part, Literal):
            return [Literal(part.variable, self._full(part.variable) & ~part.mask)]
        return []

    def _propagate(self, state: SearchNode) -> bool:
        """Propagate each formula to narrow the domains; return False on a conflict."""
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

    def _assert(self, state: SearchNode) -> bool:
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
        """Return what is left of *choice*; None where it cannot hold any more."""
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
        return (
            Count(least, tuple(left), choice.alike) if len(left) < len(choice.parts) or least < choice.least else choice
        )

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
