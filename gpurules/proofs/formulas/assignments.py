"""Partial assignments on a node with one GPU, and the hull of a formula: what can be said of it without a search."""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import TypeAlias

from gpurules.proofs.domains.variables import AbstractVariable
from gpurules.proofs.formulas.formula import (
    AtLeast,
    AtMost,
    Atom,
    ByCount,
    Conjunction,
    Disjunction,
    Distinguished,
    Formula,
)
from gpurules.proofs.formulas.universe import SCOPE_KEY

Projection: TypeAlias = dict[int, int]
"""By the index of a variable, the values outside of which a formula does not hold."""
PartialAssignment: TypeAlias = Mapping[int, int]
"""By the index of a variable, one value as a bit; any other variable is as by default: missing, if it can be."""


def default_bit(variable: AbstractVariable) -> int:
    """Return the bit of what a fact is by default, on a node with one GPU, which is that of the workload."""
    if variable.key == SCOPE_KEY:
        return variable.mask_of(True)
    if variable.key == ("read", "gpu_count"):
        return variable.mask_of(1)
    return variable.missing or 1


def lowest_bit(variable: AbstractVariable, mask: int) -> int:
    """Return the bit of the least value in *mask*, a known one if there is any."""
    mask = mask & variable.known or mask
    return mask & -mask


def highest_bit(variable: AbstractVariable, mask: int) -> int:
    """Return the bit of the greatest value in *mask*, a known one if there is any."""
    return 1 << ((mask & variable.known or mask).bit_length() - 1)


def holds(formula: Formula, point: PartialAssignment, defaults: Mapping[int, int]) -> bool:
    """Return whether *formula* holds at *point*, on a node with one GPU; *defaults* has the other bits."""
    match formula:
        case Atom(variable, mask):
            return bool(mask & point.get(variable.index, defaults[variable.index]))
        case Conjunction(parts):
            return all(holds(part, point, defaults) for part in parts)
        case Disjunction(parts):
            return any(holds(part, point, defaults) for part in parts)
        case AtLeast(count, body):
            return count <= 1 and holds(body, point, defaults)
        case AtMost(count, body):
            return count >= 1 or not holds(body, point, defaults)
        case Distinguished(body):
            return holds(body, point, defaults)
        case ByCount(_, one, _):
            return holds(one, point, defaults)


def satisfying_mask(formula: Formula, variable: AbstractVariable) -> int:
    """Return at which values of *variable*, the only one of *formula*, it holds, on a node with one GPU."""
    match formula:
        case Atom(_, mask):
            return mask
        case Conjunction(parts):
            return reduce(int.__and__, (satisfying_mask(part, variable) for part in parts), variable.full)
        case Disjunction(parts):
            return reduce(int.__or__, (satisfying_mask(part, variable) for part in parts), 0)
        case AtLeast(count, body):
            return satisfying_mask(body, variable) if count <= 1 else 0
        case AtMost(count, body):
            return variable.full if count >= 1 else variable.full & ~satisfying_mask(body, variable)
        case Distinguished(body):
            return satisfying_mask(body, variable)
        case ByCount(_, one, _):
            return satisfying_mask(one, variable)


def hull_of(formula: Formula) -> Projection:
    """Return the values of each variable outside of which *formula* does not hold; of "some GPU" those of that GPU."""
    match formula:
        case Atom(variable, mask):
            return {variable.index: mask}
        case Conjunction(parts):
            met: Projection = {}
            for part in parts:
                for index, mask in hull_of(part).items():
                    # what is said of some GPU twice need not be said of the same one
                    met[index] = met[index] & mask if index in met and isinstance(part, Atom) else met.get(index, mask)
            return met
        case Disjunction(parts):
            hulls = [hull_of(part) for part in parts]
            shared = set(hulls[0]).intersection(*hulls[1:]) if hulls else set()
            return {index: reduce(int.__or__, (hull[index] for hull in hulls)) for index in shared}
        case AtLeast(_, body) | Distinguished(body):
            return hull_of(body)
        case AtMost():
            return {}
        case ByCount(none, one, several):
            return hull_of(Disjunction((none, one, several)))


def extreme_assignments(formula: Formula, variables: Iterable[AbstractVariable]) -> Iterator[PartialAssignment]:
    """Yield a few assignments at the ends of the hull of *formula*, which is about *variables*: it may hold at one."""
    hull = hull_of(formula)
    if not all(hull.values()):
        return
    bound = [(variable, hull[variable.index]) for variable in variables if variable.index in hull]
    free = [variable for variable in variables if variable.index not in hull]
    for first in (lowest_bit, highest_bit):
        ends = {variable.index: first(variable, mask) for variable, mask in bound}
        for other in (lowest_bit, highest_bit):
            yield ends | {variable.index: other(variable, variable.full) for variable in free}
            if not free:
                break
