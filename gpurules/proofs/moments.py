"""Moments of a node with one GPU, and what a formula makes of them: what can be said of it without a search."""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import TypeAlias

from gpurules.proofs.cells import Cell
from gpurules.proofs.formula import All, Any, AtLeast, Atom, ByCount, Fewer, Formula, Pointed
from gpurules.proofs.universe import SCOPE_KEY

Hull: TypeAlias = dict[int, int]
"""By the index of a cell, the values outside of which a formula does not hold."""
Point: TypeAlias = Mapping[int, int]
"""By the index of a cell, one value as a bit; any other cell is as by default: missing, if it can be."""


def usual_bit(cell: Cell) -> int:
    """Return the bit of what a fact is by default, on a node with one GPU, which is that of the workload."""
    if cell.key == SCOPE_KEY:
        return cell.mask_of(True)
    if cell.key == ("read", "gpu_count"):
        return cell.mask_of(1)
    return cell.missing or 1


def lowest(cell: Cell, mask: int) -> int:
    """Return the bit of the least value in *mask*, a known one if there is any."""
    mask = mask & cell.known or mask
    return mask & -mask


def highest(cell: Cell, mask: int) -> int:
    """Return the bit of the greatest value in *mask*, a known one if there is any."""
    return 1 << ((mask & cell.known or mask).bit_length() - 1)


def holds(formula: Formula, point: Point, usual: Mapping[int, int]) -> bool:
    """Return whether *formula* holds at *point*, on a node with one GPU; *usual* has the bit of every other cell."""
    match formula:
        case Atom(cell, mask):
            return bool(mask & point.get(cell.index, usual[cell.index]))
        case All(parts):
            return all(holds(part, point, usual) for part in parts)
        case Any(parts):
            return any(holds(part, point, usual) for part in parts)
        case AtLeast(count, body):
            return count <= 1 and holds(body, point, usual)
        case Fewer(count, body):
            return count > 1 or not holds(body, point, usual)
        case Pointed(body):
            return holds(body, point, usual)
        case ByCount(_, one, _):
            return holds(one, point, usual)


def where(formula: Formula, cell: Cell) -> int:
    """Return at which values of *cell*, the only one of *formula*, it holds, on a node with one GPU."""
    match formula:
        case Atom(_, mask):
            return mask
        case All(parts):
            return reduce(int.__and__, (where(part, cell) for part in parts), cell.full)
        case Any(parts):
            return reduce(int.__or__, (where(part, cell) for part in parts), 0)
        case AtLeast(count, body):
            return where(body, cell) if count <= 1 else 0
        case Fewer(count, body):
            return cell.full if count > 1 else cell.full & ~where(body, cell)
        case Pointed(body):
            return where(body, cell)
        case ByCount(_, one, _):
            return where(one, cell)


def hull_of(formula: Formula) -> Hull:
    """Return the values of each cell outside of which *formula* does not hold; of "some GPU" those of that GPU."""
    match formula:
        case Atom(cell, mask):
            return {cell.index: mask}
        case All(parts):
            met: Hull = {}
            for part in parts:
                for index, mask in hull_of(part).items():
                    # what is said of some GPU twice need not be said of the same one
                    met[index] = met[index] & mask if index in met and isinstance(part, Atom) else met.get(index, mask)
            return met
        case Any(parts):
            hulls = [hull_of(part) for part in parts]
            shared = set(hulls[0]).intersection(*hulls[1:]) if hulls else set()
            return {index: reduce(int.__or__, (hull[index] for hull in hulls)) for index in shared}
        case AtLeast(_, body) | Pointed(body):
            return hull_of(body)
        case Fewer():
            return {}
        case ByCount(none, one, several):
            return hull_of(Any((none, one, several)))


def corners(formula: Formula, cells: Iterable[Cell]) -> Iterator[Point]:
    """Yield a few moments at the ends of what *formula*, which is about *cells*, allows: it may well hold at one."""
    hull = hull_of(formula)
    if not all(hull.values()):
        return
    bound = [(cell, hull[cell.index]) for cell in cells if cell.index in hull]
    free = [cell for cell in cells if cell.index not in hull]
    for first in (lowest, highest):
        ends = {cell.index: first(cell, mask) for cell, mask in bound}
        for other in (lowest, highest):
            yield ends | {cell.index: other(cell, cell.full) for cell in free}
            if not free:
                break
