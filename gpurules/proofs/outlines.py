"""Outlines: what is plain of a condition without a search, so that most questions need none.

An outline never decides a question the other way: it says *this can surely be* (by a point), or *that can surely not
be* (by a hull), or nothing.
"""

from collections.abc import Iterable
from functools import reduce

from gpurules.language import ir
from gpurules.proofs.claims import Stated
from gpurules.proofs.formula import Atom, Formula, Rails, cells_of
from gpurules.proofs.moments import Hull, Point, highest, holds, hull_of, lowest, where
from gpurules.proofs.prover import Prover
from gpurules.records import Record, record

_MOST_WAYS = 3
"""So many ways in which a formula can hold are looked at: those of an OR by its first arms."""


@record
class Outline(Record):
    """What is plain of one formula.

    ``touched`` has a bit for each family of cells that it speaks of; ``needed`` those that must not be as by default,
    ``known`` those of them that must not be missing.
    ``points`` are moments in which it holds: none where that would take a search.
    """

    hull: Hull
    touched: int
    needed: int
    known: int
    points: tuple[Point, ...]


class Outlines:
    """Draws outlines over the cells of *prover*. A family is all cells that hang together by some axiom."""

    def __init__(self, prover: Prover) -> None:
        self._prover = prover
        families = prover.families()
        self._family = {index: 1 << first for index, first in families.items()}
        firsts = list(families.values())
        self._joined = reduce(int.__or__, (1 << first for first in firsts if firsts.count(first) > 1), 0)
        self.per_gpu = frozenset(index for index, cell in prover.cells.items() if cell.per_gpu)
        self.usual = prover.usual
        self._touched: dict[int, tuple[Rails, int]] = {}
        self._plain: dict[int, tuple[ir.Term, bool]] = {}

    def of(self, formula: Formula) -> Outline:
        """Return the outline of *formula*."""
        hull = hull_of(formula)
        touched = self.touched(formula)
        needed = known = 0
        for index, mask in hull.items():
            if not mask & self.usual[index]:
                needed |= self._family[index]
                known |= self._family[index] if self._prover.cells[index].missing else 0
        return Outline(hull, touched, needed, known, () if touched & self._joined else self._points(formula))

    def touched(self, formula: Formula) -> int:
        """Return the families of *formula*, as bits."""
        return reduce(int.__or__, (self._family[cell.index] for cell in cells_of(formula)), 0)

    def _points(self, formula: Formula) -> tuple[Point, ...]:
        cells, found = self._prover.cells, list[Point]()
        for way in self._prover.ways(formula, _MOST_WAYS):
            for end in (lowest, highest):
                point = {index: end(cells[index], mask) for index, mask in way.items()}
                if point not in found:
                    found.append(point)
        return tuple(found)

    def holds(self, formula: Formula, point: Point) -> bool:
        """Return whether *formula* holds at *point*, on a node with one GPU."""
        return holds(formula, point, self.usual)

    def apart(self, one: Outline, other: Outline) -> bool:
        """Return whether it is plain that both never hold at once: some fact of the node or the transfer forbids it."""
        first, second = (one.hull, other.hull) if len(one.hull) <= len(other.hull) else (other.hull, one.hull)
        return any(
            index not in self.per_gpu and index in second and not mask & second[index] for index, mask in first.items()
        )

    def escapes(self, inner: Outline, outer: tuple[Formula, Outline]) -> bool:
        """Return whether it is plain that *inner* holds somewhere where *outer* does not."""
        formula, outline = outer
        if outline.needed & ~inner.touched:
            return True
        usual, hull = self.usual, outline.hull
        for point in inner.points:
            if any(not mask & point.get(index, usual[index]) for index, mask in hull.items()):
                return True
            if not self.holds(formula, point):
                return True
        return False

    def is_plain(self, stated: Stated) -> bool:
        """Return whether it is plain that a condition can be TRUE and FALSE, and that each part of it counts.

        It is where every comparison can be both, and no two of them are about facts that hang together.
        """
        found = self._plain.get(id(stated.term))
        if found is None:
            found = self._plain[id(stated.term)] = stated.term, self._is_plain(stated)
        return found[1]

    def _is_plain(self, stated: Stated) -> bool:
        match stated.term:
            case ir.And(parts) | ir.Or(parts):
                pieces = [Stated(part, stated.gpus) for part in parts]
                return self.are_apart(pieces) and all(self.is_plain(piece) for piece in pieces)
            case ir.Not(operand) | ir.Aggregate("any" | "all", operand):
                return self.is_plain(Stated(operand, stated.gpus))
            case _:
                return self._is_open(self._prover.rails(stated))

    def are_apart(self, pieces: Iterable[Stated]) -> bool:
        """Return whether no two conditions are about facts that hang together."""
        seen = 0
        for piece in pieces:
            touched = self.touched_by(piece)
            if touched & seen:
                return False
            seen |= touched
        return True

    def touched_by(self, piece: Stated) -> int:
        """Return the families that a condition is about, as bits."""
        rails = self._prover.rails(piece)
        known = self._touched.get(id(rails))
        if known is None:
            known = self._touched[id(rails)] = rails, self.touched(rails.true) | self.touched(rails.false)
        return known[1]

    def _is_open(self, rails: Rails) -> bool:
        """Return whether it is plain that a comparison of one fact can be TRUE and FALSE."""
        cells = cells_of(rails.true) | cells_of(rails.false)
        if len(cells) != 1:
            return False
        (cell,) = cells
        if cell.key[0] == "signal" or not cell.exact:
            return cell.key[0] != "signal" and isinstance(rails.true, Atom) and isinstance(rails.false, Atom)
        return bool(where(rails.true, cell) and where(rails.false, cell))
