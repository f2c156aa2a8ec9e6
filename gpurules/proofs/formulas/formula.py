"""Two-valued formulas over abstract variables: what a question about three-valued conditions is reduced to.

Dual-rail encoding: each condition has two formulas, when it is TRUE and when it is FALSE; UNKNOWN is neither.
"""

from typing import TypeAlias

from gpurules.proofs.domains.variables import AbstractVariable
from gpurules.records import Alone, record


@record
class Atom(Alone):
    """The value of a variable is in a mask."""

    variable: AbstractVariable
    mask: int


@record
class Conjunction(Alone):
    """Every part holds. ``per_gpu``: some part is about one GPU."""

    parts: tuple["Formula", ...]
    per_gpu: bool = False


@record
class Disjunction(Alone):
    """Some part holds. ``per_gpu``: some part is about one GPU."""

    parts: tuple["Formula", ...]
    per_gpu: bool = False


@record
class AtLeast(Alone):
    """The body holds on at least ``count`` GPUs."""

    count: int
    body: "Formula"


@record
class AtMost(Alone):
    """The body holds on at most ``count`` GPUs."""

    count: int
    body: "Formula"


@record
class Distinguished(Alone):
    """The body holds on the GPU that the question is about."""

    body: "Formula"


@record
class ByCount(Alone):
    """What holds depends on how many GPUs there are: none, one, or several."""

    none: "Formula"
    one: "Formula"
    several: "Formula"


Formula: TypeAlias = Atom | Conjunction | Disjunction | AtLeast | AtMost | Distinguished | ByCount

TRUE = Conjunction(())
FALSE = Disjunction(())


def is_per_gpu(formula: Formula) -> bool:
    """Return whether *formula* is about one GPU."""
    match formula:
        case Atom(variable):
            return variable.per_gpu
        case Conjunction() | Disjunction():
            return formula.per_gpu
        case ByCount(none, one, several):
            return is_per_gpu(none) or is_per_gpu(one) or is_per_gpu(several)
        case AtLeast() | AtMost() | Distinguished():
            return False


def support(formula: Formula) -> frozenset[AbstractVariable]:
    """Return every variable that *formula* speaks of."""
    found: set[AbstractVariable] = set()
    stack: list[Formula] = [formula]
    while stack:
        match stack.pop():
            case Atom(variable):
                found.add(variable)
            case Conjunction(parts) | Disjunction(parts):
                stack.extend(parts)
            case AtLeast(_, body) | AtMost(_, body) | Distinguished(body):
                stack.append(body)
            case ByCount(none, one, several):
                stack += [none, one, several]
    return frozenset(found)


def atom(variable: AbstractVariable, mask: int) -> Formula:
    """Return the formula that holds where *variable* is in *mask*."""
    return FALSE if not mask else TRUE if mask == variable.full else Atom(variable, mask)


def conj(*parts: Formula) -> Formula:
    """Return the formula that holds where all *parts* do; what they say of one variable is taken together."""
    flat: list[Formula] = []
    masks: dict[AbstractVariable, int] = {}
    for part in parts:
        for piece in part.parts if isinstance(part, Conjunction) else (part,):
            if isinstance(piece, Atom):
                masks[piece.variable] = masks.get(piece.variable, piece.variable.full) & piece.mask
            else:
                flat.append(piece)
    whole = [*(atom(variable, mask) for variable, mask in masks.items()), *flat]
    if FALSE in whole:
        return FALSE
    return whole[0] if len(whole) == 1 else Conjunction(tuple(whole), any(map(is_per_gpu, whole))) if whole else TRUE


def disj(*parts: Formula) -> Formula:
    """Return the formula that holds where any of *parts* does; what they say of one variable is taken together."""
    flat: list[Formula] = []
    masks: dict[AbstractVariable, int] = {}
    for part in parts:
        for piece in part.parts if isinstance(part, Disjunction) else (part,):
            if isinstance(piece, Atom):
                masks[piece.variable] = masks.get(piece.variable, 0) | piece.mask
            else:
                flat.append(piece)
    whole = [*(atom(variable, mask) for variable, mask in masks.items()), *flat]
    if TRUE in whole:
        return TRUE
    return whole[0] if len(whole) == 1 else Disjunction(tuple(whole), any(map(is_per_gpu, whole))) if whole else FALSE


def at_least(count: int, body: Formula) -> Formula:
    """Return the formula that holds where *body* does on *count* GPUs or more; what is not about a GPU goes before."""
    if count <= 0:
        return TRUE
    if body is FALSE:
        return FALSE
    if isinstance(body, Disjunction) and count == 1:
        return disj(*(at_least(1, part) for part in body.parts))
    parts = body.parts if isinstance(body, Conjunction) else (body,)
    around = [part for part in parts if not is_per_gpu(part)]
    inside = conj(*(part for part in parts if is_per_gpu(part)))
    return conj(*around, AtLeast(count, inside))


def some(body: Formula) -> Formula:
    """Return the formula that holds where *body* does on some GPU."""
    return at_least(1, body)


def every(body: Formula) -> Formula:
    """Return the formula that holds where *body* does on every GPU, and over none."""
    return negation(some(negation(body)))


def negation(formula: Formula) -> Formula:
    """Return the formula that holds where *formula* does not."""
    match formula:
        case Atom(variable, mask):
            return atom(variable, variable.full & ~mask)
        case Conjunction(parts):
            return disj(*(negation(p) for p in parts))
        case Disjunction(parts):
            return conj(*(negation(p) for p in parts))
        case AtLeast(count, body):
            return AtMost(count - 1, body)
        case AtMost(count, body):
            return AtLeast(count + 1, body)
        case Distinguished(body):
            return Distinguished(negation(body))
        case ByCount(none, one, several):
            return ByCount(negation(none), negation(one), negation(several))


@record
class DualRail(Alone):
    """When a condition is TRUE, and when it is FALSE. ``certain``: it is never UNKNOWN.

    The dual-rail encoding of a three-valued truth: the rails exclude each other, and neither holds if it is UNKNOWN.
    Negation swaps the rails, so Kleene's laws hold without a case for UNKNOWN.
    """

    true: Formula
    false: Formula
    certain: bool = False

    @property
    def unknown(self) -> Formula:
        """When it is UNKNOWN."""
        return FALSE if self.certain else conj(negation(self.true), negation(self.false))

    @property
    def opposite(self) -> "DualRail":
        """The rails of its negation."""
        return DualRail(self.false, self.true, self.certain)


ALWAYS, NEVER, UNKNOWN = DualRail(TRUE, FALSE, True), DualRail(FALSE, TRUE, True), DualRail(FALSE, FALSE)


def both(*parts: DualRail) -> DualRail:
    """Return the rails of Kleene's AND."""
    certain = all(p.certain for p in parts)
    return DualRail(conj(*(p.true for p in parts)), disj(*(p.false for p in parts)), certain)


def either(*parts: DualRail) -> DualRail:
    """Return the rails of Kleene's OR."""
    certain = all(p.certain for p in parts)
    return DualRail(disj(*(p.true for p in parts)), conj(*(p.false for p in parts)), certain)
