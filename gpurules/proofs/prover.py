"""The prover: whether claims about conditions can hold together.

*Unsat* is a proof. *Sat* comes with a witness that the real evaluator has confirmed. Whatever is neither
proved nor shown is *unproven*, with the reason: nothing is ever guessed.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations, islice
from types import MappingProxyType
from typing import TypeAlias

from gpurules.language.terms import ir
from gpurules.language.terms.printer import spell
from gpurules.proofs.domains.variables import AbstractVariable, VariableKey
from gpurules.proofs.formulas.assignments import PartialAssignment, default_bit, extreme_assignments, holds
from gpurules.proofs.formulas.axioms import Axioms, SignalLike
from gpurules.proofs.formulas.claims import ExpectedTruth, ScopedCondition, TruthClaim
from gpurules.proofs.formulas.encoding import Encoder
from gpurules.proofs.formulas.formula import TRUE, DualRail, Formula, conj, support
from gpurules.proofs.formulas.universe import Universe
from gpurules.proofs.solver.backtracking import BacktrackingSolver, Budget, BudgetExceeded, Domains
from gpurules.proofs.solver.difference_logic import IncompleteError
from gpurules.proofs.solver.grounding import (
    MOST_GPUS,
    Count,
    Ground,
    Grounding,
    Literal,
    gpus_needed,
    ground_name,
    variable_index,
)
from gpurules.proofs.solver.theories import Theories
from gpurules.proofs.witnesses.concretization import concretize
from gpurules.proofs.witnesses.witness import Witness
from gpurules.records import Record, record

STEPS = 50_000
"""How many steps one question may take."""
_SMALL = 64
"""The number of parts of a question that are expanded for free; beyond it, expansion counts as work."""
_TRIES = 24
_UNIQUE = (("read", "gpu_index"), ("read", "gpu_uuid"))
_PATHS = frozenset(("read", name) for name in ("path", "file_name", "file_extension", "file_type"))
_NO_SIGNALS: Mapping[str, SignalLike] = MappingProxyType({})


@record
class Unsat(Record):
    """It is proved that the claims cannot hold together."""


@record
class Sat(Record):
    """The claims hold together in the witness."""

    witness: Witness


@record
class Unknown(Record):
    """Neither proved nor shown, and why."""

    reason: str


Answer: TypeAlias = Unsat | Sat | Unknown
UNSAT = Unsat()
_TOO_MANY = Unknown(f"more than {MOST_GPUS} GPUs are needed to decide it")


@record
class SearchLimits(Record):
    """On how many GPUs an answer is looked for, in how many steps, and whether one GPU is special."""

    count: int
    budget: Budget
    pointed: bool


class Prover:
    """Answers questions about a fixed set of conditions; *signals* are those that the conditions may name.

    Every question is about these conditions, or parts of them: the values that they distinguish are found once.
    ``spent`` counts the steps of all questions so far.
    """

    def __init__(
        self,
        condition: Iterable[ScopedCondition],
        signals: Mapping[str, SignalLike] = _NO_SIGNALS,
        steps: int = STEPS,
        trusts_readings: bool = True,
    ) -> None:
        self._trusts_readings = trusts_readings
        self._steps = steps
        self._capped = Unknown(f"the budget of {steps:,} steps was exhausted")
        self.spent = 0
        self._signals = signals
        self._known: dict[tuple[int, str, ExpectedTruth, bool], tuple[ir.Term, Formula]] = {}
        self._universe = Universe()
        conditions = list(condition)
        self._collect(conditions)
        self._universe.close()
        self._encoders = self._make_encoders()
        for one in conditions if self._universe.is_partial else ():
            self.rails(one)
        sides = {
            difference.variable: (difference.left, difference.right)
            for difference in self._universe.difference_variables()
        }
        axioms = [(a, support(a)) for a in Axioms(self._universe, signals, trusts_readings).formulas()]
        self._axioms = [
            (a, variables.union(*(sides.get(variable, ()) for variable in variables))) for a, variables in axioms
        ]
        self._theories = Theories(self._universe)
        self._cells = {variable.index: variable for variable in self._universe.variables.values()}
        self.defaults = {index: default_bit(variable) for index, variable in self._cells.items()}
        self._free = frozenset(self._cells) - self._joined()

    def _make_encoders(self) -> Mapping[str, Encoder]:
        return {
            "node": Encoder(self._universe),
            "workload": Encoder(self._universe, self._universe.scope()),
        }

    def _collect(self, conditions: Sequence[ScopedCondition]) -> None:
        encoders = self._make_encoders()
        for condition in conditions:
            encoders[condition.gpus].rails(condition.term)
        Axioms(self._universe, self._signals, self._trusts_readings).formulas()

    def formula(self, claim: TruthClaim) -> Formula:
        """Return *claim* as a formula over the variables of this prover."""
        term, gpus = claim.condition.term, claim.condition.gpus
        key = (id(term), gpus, claim.expected, claim.on_one)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = term, claim.formula(self._encoders[gpus])
        return known[1]

    def rails(self, condition: ScopedCondition) -> DualRail:
        """Return when a condition is TRUE and when FALSE; of one GPU where it is per GPU."""
        return self._encoders[condition.gpus].rails(condition.term)

    @property
    def variables(self) -> Mapping[int, AbstractVariable]:
        """Every variable by its index."""
        return self._cells

    def independence_classes(self) -> dict[int, int]:
        """Return for each variable, by its index, the first of all variables that hang together with it."""
        first = {index: index for index in self._cells}
        for group in (*(variables for _, variables in self._axioms), *self._theories.groups()):
            joined = {first[variable.index] for variable in group}
            if len(joined) > 1:
                least = min(joined)
                first = {index: least if of in joined else of for index, of in first.items()}
        return first

    def _joined(self) -> set[int]:
        """Return the variables that some axiom or relation ties to others."""
        firsts = Counter(self.independence_classes().values())
        return {index for index, first in self.independence_classes().items() if firsts[first] > 1}

    def ways(self, formula: Formula, most: int) -> list[dict[int, int]]:
        """Return at most *most* boxes (masks by variable) in which *formula* holds on a node with one GPU."""
        ground = Grounding(1).of(formula)
        search = BacktrackingSolver(
            lambda name: self._cells[variable_index(name)].full, Budget(self._steps), lambda domains: False
        )
        found: list[dict[int, int]] = []
        with suppress(BudgetExceeded):
            for domains in islice(search.solutions([ground]), most):
                found.append({variable_index(name): mask for name, mask in domains.items()})
        return found

    def _corner(self, asked: Formula) -> PartialAssignment | None:
        """Return an assignment in which *asked* holds, None where that takes a search or an axiom restricts it."""
        variables = support(asked)
        if any(variable.index not in self._free for variable in variables):
            return None
        return next(
            (point for point in extreme_assignments(asked, variables) if holds(asked, point, self.defaults)), None
        )

    def shows(self, claims: Sequence[TruthClaim]) -> bool:
        """Return whether it takes no search to show that *claims* can hold together.

        If facts may be derived from one another the evaluator is asked about the assignment that shows it.
        """
        asked = conj(*(self.formula(claim) for claim in claims))
        point = self._corner(asked)
        if point is None or not all(self._cells[index].exact for index in point):
            return False
        if sum(self._cells[index].key in _PATHS for index in point) < 2:
            return True
        domains = {ground_name(self._cells[index], 0): bit for index, bit in point.items()}
        return concretize(self._universe, (domains, {}, 1), claims) is not None

    def ask(self, claims: Sequence[TruthClaim], also: Formula = TRUE) -> Answer:
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
                for witness in self._tried(formulas, claims, SearchLimits(count, budget, pointed)):
                    if witness is not None:
                        return Sat(witness)
                    unsure = True
        except BudgetExceeded:
            return self._capped
        finally:
            self.spent += self._steps - max(0, budget.steps)
        return Unknown(_reason(touched, self._universe.differences)) if unsure else UNSAT

    def proves_unsat(self, claims: Sequence[TruthClaim]) -> bool | Unknown:
        """Return whether *claims* cannot hold together, without a witness where nothing proves that.

        Missing: ``Unknown`` if it takes too many GPUs or steps to decide.
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
                if self._is_open(formulas, SearchLimits(count, budget, pointed)):
                    return False
        except BudgetExceeded:
            return self._capped
        finally:
            self.spent += self._steps - max(0, budget.steps)
        return True

    def _is_open(self, formulas: Sequence[Formula], limits: SearchLimits) -> bool:
        """Return whether some way may be possible on a number of GPUs."""
        for domains in self._ways(formulas, limits):
            try:
                if self._theories.model(domains, limits.count) is not None:
                    return True
            except IncompleteError:
                return True
        return False

    def _ways(self, formulas: Sequence[Formula], limits: SearchLimits) -> Iterator[Domains]:
        """Yield the ways that the search finds."""
        grounding = Grounding(limits.count)
        ground = [grounding.of(formula) for formula in formulas] + self._distinct(limits.count)
        limits.budget.spend(max(0, grounding.size - _SMALL) // 2)
        search = BacktrackingSolver(
            lambda name: self._cells[variable_index(name)].full,
            limits.budget,
            lambda domains: self._theories.is_inconsistent(domains, limits.count),
        )
        for domains in search.solutions(ground, asymmetric=1 if limits.pointed else 0):
            limits.budget.spend(1 + len(domains))
            yield domains

    def _relevant(self, asked: Formula) -> tuple[frozenset[AbstractVariable], list[Formula]]:
        """Return the variables that a question depends on, directly or through axioms, and these axioms."""
        touched, kept = set(support(asked)), list[Formula]()
        left = self._axioms
        while True:
            near = [(axiom, variables) for axiom, variables in left if variables & touched]
            if not near:
                return frozenset(touched), kept
            left = [pair for pair in left if not pair[1] & touched]
            for axiom, variables in near:
                kept.append(axiom)
                touched |= variables

    def _tried(
        self, formulas: Sequence[Formula], claims: Sequence[TruthClaim], limits: SearchLimits
    ) -> Iterator[Witness | None]:
        """Yield a confirmed witness, or None for each way that may be possible but was not confirmed."""
        count, tried = limits.count, 0
        for domains in self._ways(formulas, limits):
            try:
                model = self._theories.model(domains, count)
            except IncompleteError:
                yield None
                continue
            if model is not None:
                yield concretize(self._universe, (domains, model, count), claims)
                tried += 1
                if tried == _TRIES:
                    return

    def _distinct(self, count: int) -> list[Ground]:
        """Return what keeps the identities of two GPUs apart."""
        found: list[Ground] = []
        for variable in (self._universe.variables[key] for key in _UNIQUE if key in self._universe.variables):
            single = [1 << i for i in range(len(variable.values)) if _is_single(variable, i)]
            for left, right in combinations(range(count), 2):
                for mask in single:
                    apart = (Literal(ground_name(variable, slot), variable.full & ~mask) for slot in (left, right))
                    found.append(Count(1, tuple(apart)))
        return found


def _counts(most: int, touched: Iterable[AbstractVariable]) -> list[int]:
    """Return how many GPUs to try, the plainest number first."""
    return [*range(1, max(most, 1) + 1), 0] if most or any(variable.per_gpu for variable in touched) else [0]


def _is_single(variable: AbstractVariable, position: int) -> bool:
    """Return whether a mask bit stands for just one value."""
    if variable.partition is None:
        return position < len(variable.values) - 1
    low, high = variable.partition.intervals[position].low, variable.partition.intervals[position].high
    return low[0] == high[0] or (variable.partition.integer and high[0] == low[0] + 1)


def _reason(touched: Iterable[AbstractVariable], differences: Container[VariableKey]) -> str:
    opaque = sorted(
        {spell(variable.term) for variable in touched if not variable.exact and variable.key not in differences}
    )
    if opaque:
        shown = ", ".join(f"`{text}`" for text in opaque[:3])
        return f"{shown} {'is' if len(opaque) == 1 else 'are'} not analyzed"
    return "no values were found that confirm it"
