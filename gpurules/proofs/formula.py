"""Two-valued formulas over cells: what a question about three-valued conditions comes down to.

Each condition has two rails, when it is TRUE and when it is FALSE; UNKNOWN is neither. On them all is plain logic.
"""

from typing import TypeAlias

from gpurules.proofs.cells import Cell
from gpurules.records import Alone, record


@record
class Atom(Alone):
    """The value of a cell is in a mask."""

    cell: Cell
    mask: int


@record
class All(Alone):
    """Every part holds. ``per_gpu``: some part is about one GPU."""

    parts: tuple["Formula", ...]
    per_gpu: bool = False


@record
class Any(Alone):
    """Some part holds. ``per_gpu``: some part is about one GPU."""

    parts: tuple["Formula", ...]
    per_gpu: bool = False


@record
class AtLeast(Alone):
    """The body holds on at least ``count`` GPUs."""

    count: int
    body: "Formula"


@record
class Fewer(Alone):
    """The body holds on fewer than ``count`` GPUs."""

    count: int
    body: "Formula"


@record
class Pointed(Alone):
    """The body holds on the GPU that the question is about."""

    body: "Formula"


@record
class ByCount(Alone):
    """What holds depends on how many GPUs there are: none, one, or several."""

    none: "Formula"
    one: "Formula"
    several: "Formula"


Formula: TypeAlias = Atom | All | Any | AtLeast | Fewer | Pointed | ByCount

TRUE = All(())
FALSE = Any(())


def is_per_gpu(formula: Formula) -> bool:
    """Return whether *formula* is about one GPU."""
    match formula:
        case Atom(cell):
            return cell.per_gpu
        case All() | Any():
            return formula.per_gpu
        case ByCount(none, one, several):
            return is_per_gpu(none) or is_per_gpu(one) or is_per_gpu(several)
        case _:
            return False


def cells_of(formula: Formula) -> frozenset[Cell]:
    """Return every cell that *formula* speaks of."""
    found: set[Cell] = set()
    stack: list[Formula] = [formula]
    while stack:
        match stack.pop():
            case Atom(cell):
                found.add(cell)
            case All(parts) | Any(parts):
                stack.extend(parts)
            case AtLeast(_, body) | Fewer(_, body) | Pointed(body):
                stack.append(body)
            case ByCount(none, one, several):
                stack += [none, one, several]
    return frozenset(found)


def atom(cell: Cell, mask: int) -> Formula:
    """Return the formula that holds where *cell* is in *mask*."""
    return FALSE if not mask else TRUE if mask == cell.full else Atom(cell, mask)


def conj(*parts: Formula) -> Formula:
    """Return the formula that holds where all *parts* do; what they say of one cell is taken together."""
    flat: list[Formula] = []
    masks: dict[Cell, int] = {}
    for part in parts:
        for piece in part.parts if isinstance(part, All) else (part,):
            if isinstance(piece, Atom):
                masks[piece.cell] = masks.get(piece.cell, piece.cell.full) & piece.mask
            else:
                flat.append(piece)
    whole = [*(atom(cell, mask) for cell, mask in masks.items()), *flat]
    if FALSE in whole:
        return FALSE
    return whole[0] if len(whole) == 1 else All(tuple(whole), any(map(is_per_gpu, whole))) if whole else TRUE


def disj(*parts: Formula) -> Formula:
    """Return the formula that holds where any of *parts* does; what they say of one cell is taken together."""
    flat: list[Formula] = []
    masks: dict[Cell, int] = {}
    for part in parts:
        for piece in part.parts if isinstance(part, Any) else (part,):
            if isinstance(piece, Atom):
                masks[piece.cell] = masks.get(piece.cell, 0) | piece.mask
            else:
                flat.append(piece)
    whole = [*(atom(cell, mask) for cell, mask in masks.items()), *flat]
    if TRUE in whole:
        return TRUE
    return whole[0] if len(whole) == 1 else Any(tuple(whole), any(map(is_per_gpu, whole))) if whole else FALSE


def at_least(count: int, body: Formula) -> Formula:
    """Return the formula that holds where *body* does on *count* GPUs or more; what is not about a GPU goes before."""
    if count <= 0:
        return TRUE
    if body is FALSE:
        return FALSE
    if isinstance(body, Any) and count == 1:
        return disj(*(at_least(1, part) for part in body.parts))
    parts = body.parts if isinstance(body, All) else (body,)
    around = [part for part in parts if not is_per_gpu(part)]
    inside = conj(*(part for part in parts if is_per_gpu(part)))
    return conj(*around, AtLeast(count, inside))


def some(body: Formula) -> Formula:
    """Return the formula that holds where *body* does on some GPU."""
    return at_least(1, body)


def every(body: Formula) -> Formula:
    """Return the formula that holds where *body* does on every GPU, and over none."""
    return negated(some(negated(body)))


def negated(formula: Formula) -> Formula:
    """Return the formula that holds where *formula* does not."""
    match formula:
        case Atom(cell, mask):
            return atom(cell, cell.full & ~mask)
        case All(parts):
            return disj(*(negated(p) for p in parts))
        case Any(parts):
            return conj(*(negated(p) for p in parts))
        case AtLeast(count, body):
            return Fewer(count, body)
        case Fewer(count, body):
            return AtLeast(count, body)
        case Pointed(body):
            return Pointed(negated(body))
        case ByCount(none, one, several):
            return ByCount(negated(none), negated(one), negated(several))


@record
class Rails(Alone):
    """When a condition is TRUE, and when it is FALSE. ``certain``: it is never UNKNOWN."""

    true: Formula
    false: Formula
    certain: bool = False

    @property
    def unknown(self) -> Formula:
        """When it is UNKNOWN."""
        return FALSE if self.certain else conj(negated(self.true), negated(self.false))

    @property
    def opposite(self) -> "Rails":
        """The rails of its negation."""
        return Rails(self.false, self.true, self.certain)


ALWAYS, NEVER, UNKNOWN = Rails(TRUE, FALSE, True), Rails(FALSE, TRUE, True), Rails(FALSE, FALSE)


def both(*parts: Rails) -> Rails:
    """Return the rails of Kleene's AND."""
    certain = all(p.certain for p in parts)
    return Rails(conj(*(p.true for p in parts)), disj(*(p.false for p in parts)), certain)


def either(*parts: Rails) -> Rails:
    """Return the rails of Kleene's OR."""
    certain = all(p.certain for p in parts)
    return Rails(disj(*(p.true for p in parts)), conj(*(p.false for p in parts)), certain)
