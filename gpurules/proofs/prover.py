"""The prover: whether claims about conditions can hold together.

*Impossible* is a proof. *Possible* comes with a witness that the real evaluator has confirmed. Whatever is neither
proved nor shown is *unproven*, with the reason: nothing is ever guessed.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations, islice
from types import MappingProxyType
from typing import TypeAlias

from gpurules.language import ir
from gpurules.language.printer import spell
from gpurules.proofs.axioms import Axioms, SignalLike
from gpurules.proofs.cells import Cell, CellKey
from gpurules.proofs.claims import Claim, Stated, Want
from gpurules.proofs.differences import UnsureError
from gpurules.proofs.encoding import Encoder
from gpurules.proofs.formula import TRUE, Formula, Rails, cells_of, conj
from gpurules.proofs.grounding import MOST_GPUS, Count, Ground, Grounding, Literal, cell_index, gpus_needed, variable
from gpurules.proofs.moments import Point, corners, holds, usual_bit
from gpurules.proofs.realising import realised
from gpurules.proofs.relations import Relations
from gpurules.proofs.search import Budget, Domains, Search, WorkCapError
from gpurules.proofs.universe import Universe
from gpurules.proofs.witness import Witness
from gpurules.records import Record, record

STEPS = 50_000
"""How many steps one question may take."""
_SMALL = 64
"""So many parts of a question are written out for nothing; of what is larger, that is work like the search."""
_TRIES = 24
_UNIQUE = (("read", "gpu_index"), ("read", "gpu_uuid"))
_PATHS = frozenset(("read", name) for name in ("path", "file_name", "file_extension", "file_type"))
_NO_SIGNALS: Mapping[str, SignalLike] = MappingProxyType({})


@record
class Impossible(Record):
    """It is proved that the claims cannot hold together."""


@record
class Possible(Record):
    """The claims hold together in the witness."""

    witness: Witness


@record
class Unproven(Record):
    """Neither proved nor shown, and why."""

    reason: str


Answer: TypeAlias = Impossible | Possible | Unproven
IMPOSSIBLE = Impossible()
_TOO_MANY = Unproven(f"it takes more than {MOST_GPUS} GPUs to decide")


@record
class Limits(Record):
    """On how many GPUs an answer is looked for, in how many steps, and whether one GPU is special."""

    count: int
    budget: Budget
    pointed: bool


class Prover:
    """Answers questions about a fixed set of conditions; *signals* are those that the conditions may name.

    Every question is about these conditions, or parts of them: the values that they tell apart are found once.
    ``spent`` counts the steps of all questions so far.
    """

    def __init__(
        self, stated: Iterable[Stated], signals: Mapping[str, SignalLike] = _NO_SIGNALS, steps: int = STEPS
    ) -> None:
        self._steps = steps
        self._capped = Unproven(f"the work cap of {steps:,} steps was hit")
        self.spent = 0
        self._signals = signals
        self._known: dict[tuple[int, str, Want, bool], tuple[ir.Term, Formula]] = {}
        self._universe = Universe()
        conditions = list(stated)
        self._collect(conditions)
        self._universe.close()
        self._encoders = self._make_encoders()
        for one in conditions if self._universe.is_partial else ():
            self.rails(one)
        sides = {gap.cell: (gap.left, gap.right) for gap in self._universe.all_gaps()}
        axioms = [(a, cells_of(a)) for a in Axioms(self._universe, signals).formulas()]
        self._axioms = [(a, cells.union(*(sides.get(cell, ()) for cell in cells))) for a, cells in axioms]
        self._relations = Relations(self._universe)
        self._cells = {cell.index: cell for cell in self._universe.cells.values()}
        self.usual = {index: usual_bit(cell) for index, cell in self._cells.items()}
        self._free = frozenset(self._cells) - self._joined()

    def _make_encoders(self) -> Mapping[str, Encoder]:
        return {
            "node": Encoder(self._universe),
            "workload": Encoder(self._universe, self._universe.scope()),
        }

    def _collect(self, conditions: Sequence[Stated]) -> None:
        encoders = self._make_encoders()
        for stated in conditions:
            encoders[stated.gpus].rails(stated.term)
        Axioms(self._universe, self._signals).formulas()

    def formula(self, claim: Claim) -> Formula:
        """Return *claim* as a formula over the cells of this prover."""
        term, gpus = claim.stated.term, claim.stated.gpus
        key = (id(term), gpus, claim.want, claim.on_one)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = term, claim.formula(self._encoders[gpus])
        return known[1]

    def rails(self, stated: Stated) -> Rails:
        """Return when a condition is TRUE and when FALSE; of one GPU where it is per GPU."""
        return self._encoders[stated.gpus].rails(stated.term)

    @property
    def cells(self) -> Mapping[int, Cell]:
        """Every cell by its index."""
        return self._cells

    def families(self) -> dict[int, int]:
        """Return for each cell, by its index, the first of all cells that hang together with it."""
        first = {index: index for index in self._cells}
        for group in (*(cells for _, cells in self._axioms), *self._relations.groups()):
            joined = {first[cell.index] for cell in group}
            if len(joined) > 1:
                least = min(joined)
                first = {index: least if of in joined else of for index, of in first.items()}
        return first

    def _joined(self) -> set[int]:
        """Return the cells that some axiom or relation ties to others."""
        firsts = Counter(self.families().values())
        return {index for index, first in self.families().items() if firsts[first] > 1}

    def ways(self, formula: Formula, most: int) -> list[dict[int, int]]:
        """Return masks by cell in which every choice makes *formula* hold on a node with one GPU, *most* at most."""
        ground = Grounding(1).of(formula)
        search = Search(lambda name: self._cells[cell_index(name)].full, Budget(self._steps), lambda domains: False)
        found: list[dict[int, int]] = []
        with suppress(WorkCapError):
            for domains in islice(search.solutions([ground]), most):
                found.append({cell_index(name): mask for name, mask in domains.items()})
        return found

    def _corner(self, asked: Formula) -> Point | None:
        """Return a moment in which *asked* holds, None where that is not plain: no axiom may speak of its cells."""
        cells = cells_of(asked)
        if any(cell.index not in self._free for cell in cells):
            return None
        return next((point for point in corners(asked, cells) if holds(asked, point, self.usual)), None)

    def shows(self, claims: Sequence[Claim]) -> bool:
        """Return whether it takes no search to show that *claims* can hold together.

        Where facts may be told from one another the evaluator is asked about the moment that shows it.
        """
        asked = conj(*(self.formula(claim) for claim in claims))
        point = self._corner(asked)
        if point is None or not all(self._cells[index].exact for index in point):
            return False
        if sum(self._cells[index].key in _PATHS for index in point) < 2:
            return True
        domains = {variable(self._cells[index], 0): bit for index, bit in point.items()}
        return realised(self._universe, (domains, {}, 1), claims) is not None

    def ask(self, claims: Sequence[Claim], also: Formula = TRUE) -> Answer:
        """Return whether *claims* (and the formula *also*) can hold together."""
        asked = conj(also, *(self.formula(claim) for claim in claims))
        touched, axioms = self._relevant(asked)
        formulas = [asked, *axioms]
        most = gpus_needed(conj(*formulas))
        if most > MOST_GPUS:
            return _TOO_MANY
        unsure, budget = False, Budget(self._steps)
        pointed = also is not TRUE or any(claim.on_one for claim in claims)
        try:
            for count in _counts(most, touched):
                for witness in self._tried(formulas, claims, Limits(count, budget, pointed)):
                    if witness is not None:
                        return Possible(witness)
                    unsure = True
        except WorkCapError:
            return self._capped
        finally:
            self.spent += self._steps - max(0, budget.steps)
        return Unproven(_reason(touched, self._universe.gaps)) if unsure else IMPOSSIBLE

    def proves_impossible(self, claims: Sequence[Claim]) -> bool | Unproven:
        """Return whether *claims* cannot hold together, without a witness where nothing proves that.

        Missing: ``Unproven`` where it takes too many GPUs or steps to tell.
        """
        asked = conj(*(self.formula(claim) for claim in claims))
        if self._corner(asked) is not None:
            return False
        touched, axioms = self._relevant(asked)
        formulas, budget = [asked, *axioms], Budget(self._steps)
        most = gpus_needed(conj(*formulas))
        if most > MOST_GPUS:
            return _TOO_MANY
        pointed = any(claim.on_one for claim in claims)
        try:
            for count in _counts(most, touched):
                if self._is_open(formulas, Limits(count, budget, pointed)):
                    return False
        except WorkCapError:
            return self._capped
        finally:
            self.spent += self._steps - max(0, budget.steps)
        return True

    def _is_open(self, formulas: Sequence[Formula], limits: Limits) -> bool:
        """Return whether some way may be possible on a number of GPUs."""
        for domains in self._ways(formulas, limits):
            try:
                if self._relations.chosen(domains, limits.count) is not None:
                    return True
            except UnsureError:
                return True
        return False

    def _ways(self, formulas: Sequence[Formula], limits: Limits) -> Iterator[Domains]:
        """Yield the ways that the search finds."""
        grounding = Grounding(limits.count)
        ground = [grounding.of(formula) for formula in formulas] + self._distinct(limits.count)
        limits.budget.spend(max(0, grounding.size - _SMALL) // 2)
        search = Search(
            lambda name: self._cells[cell_index(name)].full,
            limits.budget,
            lambda domains: self._relations.clash(domains, limits.count),
        )
        for domains in search.solutions(ground, touched=1 if limits.pointed else 0):
            limits.budget.spend(1 + len(domains))
            yield domains

    def _relevant(self, asked: Formula) -> tuple[frozenset[Cell], list[Formula]]:
        """Return the cells that a question touches, and the axioms that speak of them, directly or through others."""
        touched, kept = set(cells_of(asked)), list[Formula]()
        left = self._axioms
        while True:
            near = [(axiom, cells) for axiom, cells in left if cells & touched]
            if not near:
                return frozenset(touched), kept
            left = [pair for pair in left if not pair[1] & touched]
            for axiom, cells in near:
                kept.append(axiom)
                touched |= cells

    def _tried(self, formulas: Sequence[Formula], claims: Sequence[Claim], limits: Limits) -> Iterator[Witness | None]:
        """Yield a confirmed witness, or None for each way that may be possible but was not confirmed."""
        count, tried = limits.count, 0
        for domains in self._ways(formulas, limits):
            try:
                chosen = self._relations.chosen(domains, count)
            except UnsureError:
                yield None
                continue
            if chosen is not None:
                yield realised(self._universe, (domains, chosen, count), claims)
                tried += 1
                if tried == _TRIES:
                    return

    def _distinct(self, count: int) -> list[Ground]:
        """Return what keeps the identities of two GPUs apart."""
        found: list[Ground] = []
        for cell in (self._universe.cells[key] for key in _UNIQUE if key in self._universe.cells):
            single = [1 << i for i in range(len(cell.values)) if _is_single(cell, i)]
            for left, right in combinations(range(count), 2):
                for mask in single:
                    apart = (Literal(variable(cell, slot), cell.full & ~mask) for slot in (left, right))
                    found.append(Count(1, tuple(apart)))
        return found


def _counts(most: int, touched: Iterable[Cell]) -> list[int]:
    """Return how many GPUs to try, the plainest number first."""
    return [*range(1, max(most, 1) + 1), 0] if most or any(cell.per_gpu for cell in touched) else [0]


def _is_single(cell: Cell, position: int) -> bool:
    """Return whether a mask bit stands for just one value."""
    if cell.line is None:
        return position < len(cell.values) - 1
    low, high = cell.line.stretches[position].low, cell.line.stretches[position].high
    return low[0] == high[0] or (cell.line.integer and high[0] == low[0] + 1)


def _reason(touched: Iterable[Cell], gaps: Container[CellKey]) -> str:
    opaque = sorted({spell(cell.term) for cell in touched if not cell.exact and cell.key not in gaps})
    if opaque:
        shown = ", ".join(f"`{text}`" for text in opaque[:3])
        return f"{shown} {'is' if len(opaque) == 1 else 'are'} not analysed"
    return "no values were found that confirm it"
