"""Reduces a witness to the facts that matter, with values close to the limits that moved."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations, pairwise, product
from math import prod

from gpurules.backends import Facts
from gpurules.backends.facts import read
from gpurules.fields import Scope
from gpurules.language.terms import ir
from gpurules.model import Value
from gpurules.proofs.domains.atoms import is_number
from gpurules.proofs.domains.candidates import fitting
from gpurules.proofs.domains.intervals import Number
from gpurules.proofs.formulas.axioms import ORDERS, SignalLike
from gpurules.proofs.formulas.claims import ExpectedTruth, TruthClaim, evaluate
from gpurules.proofs.witnesses.substitution import with_value
from gpurules.proofs.witnesses.witness import KnownFact, Witness

MOST_TRIES = 128
"""The number of reductions of one witness that the evaluator checks."""
_FEW = 8
"""Up to this number of facts, every smaller subset is tried."""
_MOST_CHOICES = 32
"""The number of values of never-missing facts that are tried together."""
_UNKNOWN = ()
"""A value that no node field can have: the evaluator takes the field as missing."""
_DECIDED = {ExpectedTruth.NOT_TRUE: ExpectedTruth.FALSE, ExpectedTruth.NOT_FALSE: ExpectedTruth.TRUE}
_HOUR = 3600
_INDEX = "gpu_index"


def minimize_witness(
    witness: Witness,
    claims: Sequence[TruthClaim],
    signals: Mapping[str, SignalLike] | None = None,
    also: Callable[[Witness], bool] = lambda _: True,
) -> Witness:
    """Return *witness* of *claims* with the fewest of its facts, each number next to a limit that it passes.

    The limits are those of the claims that are TRUE. Every step is confirmed by the evaluator, and by *also*. A fact
    that is never missing (of the clock, a count, the state of a signal) is left out where the claims hold whatever it
    is. What the kept *signals* say about facts stays: it explains where their state came from. Of many
    facts none can be left out by itself, though fewer others might do.
    """
    reduction = _Reduction(witness, claims, signals or {}, also)
    found = reduction.beside_limits(reduction.fewest())
    while found.known != reduction.witness.known:  # a number beside its limit may show what took another fact before
        reduction.witness = found
        found = reduction.beside_limits(reduction.fewest())
    return found


@dataclass(slots=True)
class _Tries:
    """How often the evaluator may still be asked."""

    left: int = MOST_TRIES

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


@dataclass
class _Reduction:
    """One witness, what it has to show, and how much may be tried."""

    witness: Witness
    claims: Sequence[TruthClaim]
    signals: Mapping[str, SignalLike]
    also: Callable[[Witness], bool]
    tries: _Tries = field(default_factory=_Tries)

    def fewest(self) -> Witness:
        """Return the witness with so few facts that none can be left out; of a few facts, with the fewest."""
        found, whole = self.witness, self.witness.known
        for fact in sorted(whole, key=lambda fact: isinstance(fact.term, ir.Read)):
            found = self._restricted(found, [known for known in found.known if known is not fact]) or found
        if len(whole) > _FEW:
            return found
        subsets = (chosen for size in range(1, len(found.known)) for chosen in combinations(whole, size))
        return next(filter(None, (self._restricted(self.witness, chosen) for chosen in subsets)), found)

    def _restricted(self, start: Witness, chosen: Sequence[KnownFact]) -> Witness | None:
        """Return *start* with the *chosen* of its facts alone, None where they do not show the claims."""
        kept = {id(fact) for fact in chosen}
        left_out = [fact for fact in self.witness.known if id(fact) not in kept]
        if not chosen or not self.tries.take() or not self._can_do_without(left_out, chosen):
            return None
        facts = start.facts
        for fact in start.known:
            facts = facts if id(fact) in kept else _without(facts, fact)
        found = _with_facts(start, facts, chosen)
        return found if self._shows(found) and self._holds_whatever(facts, left_out) else None

    def _can_do_without(self, left_out: Sequence[KnownFact], chosen: Sequence[KnownFact]) -> bool:
        """Return whether it makes sense to leave facts out: GPUs stay distinguishable, absence and states explained."""
        slots = {fact.slot for fact in chosen}
        if len(self.witness.snapshot.gpus) > 1 and any(fact.slot not in slots for fact in left_out):
            return False
        if any(fact.value is None and fact.term in self._asked_to_be_missing for fact in left_out):
            return False
        explained = self._reads_of_states(chosen)
        return not any(isinstance(fact.term, ir.Read) and fact.term in explained for fact in left_out)

    def _reads_of_states(self, chosen: Iterable[KnownFact]) -> set[ir.Term]:
        """Return the facts that the states among *chosen* follow from, directly or through other signals."""
        found: set[ir.Term] = set()
        stack: list[ir.Term | None] = [fact.term for fact in chosen if not isinstance(fact.term, ir.Read)]
        while stack:
            term = stack.pop()
            if term is None or term in found:
                continue
            found.add(term)
            for part in ir.walk(term):
                if isinstance(part, ir.Signal) and part.name in self.signals:
                    signal = self.signals[part.name]
                    stack += [signal.condition, signal.until]
                elif isinstance(part, ir.Window):
                    stack.append(part.sample)
                elif isinstance(part, ir.Read):
                    found.add(part)
        return found

    def _shows(self, found: Witness) -> bool:
        facts = found.facts
        return all(claim.holds(facts) for claim in self.claims) and self.also(found)

    def _holds_whatever(self, facts: Facts, left_out: Sequence[KnownFact]) -> bool:
        """Return whether the claims are as they are whatever is left out of facts that are never missing."""
        always = [fact for fact in left_out if _is_always_known(fact.term)]
        unknown = facts
        for fact in always:
            unknown = _with_node_or_state(unknown, fact, None)
        concerned = [claim for claim, terms in self._terms if any(fact.term in terms for fact in always)]
        undecided = [claim for claim in concerned if not _is_decided(claim, unknown)]
        return not undecided or self._holds_for_all(undecided, unknown, always)

    def _holds_for_all(self, claims: Sequence[TruthClaim], facts: Facts, always: Sequence[KnownFact]) -> bool:
        """Return whether *claims* hold with each choice of values for the facts *always* known."""
        options = [self._options(fact) for fact in always]
        if not all(options) or prod(map(len, options)) > _MOST_CHOICES:
            return False
        for values in product(*options):
            chosen = facts
            for fact, value in zip(always, values, strict=True):
                chosen = _with_node_or_state(chosen, fact, value)
            if not all(claim.holds(chosen) for claim in claims):
                return False
        return True

    def _options(self, fact: KnownFact) -> Sequence[Value]:
        """Return one value of each class that the claims distinguish for a fact; none if that is not known."""
        if isinstance(fact.value, bool):
            return (True, False)
        if isinstance(fact.term, ir.Read) and fact.term.field.values:
            return fact.term.field.values
        compared = self._limits[False].get(fact.term, ())
        if not is_number(fact.value) or not self._is_compared_alone(fact.term):
            return ()
        numbers = sorted({number for limit in compared for number in (limit - 1, limit, limit + 1)})
        return [*numbers, *((low + high) / 2 for low, high in pairwise(numbers))]

    def _is_compared_alone(self, term: ir.Term) -> bool:
        """Return whether a fact is nowhere in the claims but beside constants in comparisons."""
        parts = [part for claim in self.claims for part in ir.walk(claim.condition.term)]
        compared = [part for part in parts if isinstance(part, ir.Compare) and term in part.operands]
        others = (operand for part in compared for operand in part.operands if operand != term)
        alone = sum(operand == term for part in compared for operand in part.operands)
        return alone == parts.count(term) and all(isinstance(operand, ir.Constant) for operand in others)

    @cached_property
    def _terms(self) -> list[tuple[TruthClaim, frozenset[ir.Term]]]:
        """The claims, each with all that is in it."""
        return [(claim, frozenset(ir.walk(claim.condition.term))) for claim in self.claims]

    @cached_property
    def _asked_to_be_missing(self) -> frozenset[ir.Term]:
        """The facts whose absence may be what makes a claim hold."""
        parts = (part for claim in self.claims for part in ir.walk(claim.condition.term))
        return frozenset(inner for part in parts if _is_forgiving(part) for inner in ir.walk(part))

    def beside_limits(self, witness: Witness) -> Witness:
        """Return *witness* with each number next to a limit, where it still shows the claims."""
        for fact in witness.known:
            for value in self._beside(fact):
                if not self.tries.take():
                    return witness
                found = _with_number(witness, fact, value)
                if found is not None and _is_consistent(found) and self._shows(found):
                    witness = found
                    break
        return witness

    def _beside(self, fact: KnownFact) -> Iterator[Number]:
        """Yield the limits that a number is compared with, and the numbers beside them, as its field has them."""
        if is_number(fact.value):
            beside = (limit + step for limit in self._limits[True].get(fact.term, ()) for step in (0, 1, -1))
            yield from (fit for number in beside if (fit := fitting(fact.term, number)) is not None)

    @cached_property
    def _limits(self) -> Mapping[bool, Mapping[ir.Term, Sequence[Number]]]:
        """The numbers that each fact is compared with, in the claims that are TRUE and in all of them."""
        true = [claim for claim in self.claims if claim.expected is ExpectedTruth.TRUE]
        return {True: _limits_of(true), False: _limits_of(self.claims)}


def _limits_of(claims: Sequence[TruthClaim]) -> Mapping[ir.Term, Sequence[Number]]:
    """Return the numbers that each fact is compared with."""
    found: dict[ir.Term, list[Number]] = {}
    parts = (part for claim in claims for part in ir.walk(claim.condition.term))
    for part in (part for part in parts if isinstance(part, ir.Compare)):
        limits = [o.value for o in part.operands if isinstance(o, ir.Constant) and is_number(o.value)]
        for fact in {unit for o in part.operands for unit in ir.walk(o) if isinstance(unit, ir.Read | ir.Window)}:
            found.setdefault(fact, []).extend(limits)
    return found


def _is_decided(claim: TruthClaim, facts: Facts) -> bool:
    """Return whether a claim holds by *facts* alone, whatever those are that are missing."""
    expected = _DECIDED.get(claim.expected, claim.expected)
    return expected.fits(evaluate(claim.condition, facts, claim.on_one))


def _with_node_or_state(facts: Facts, fact: KnownFact, value: Value) -> Facts:
    """Return *facts* with another value of a fact that is never missing; None: one that decides nothing."""
    if isinstance(fact.term, ir.Read) and fact.slot is None:
        return replace(facts, node={**facts.node, fact.term.field.name: _UNKNOWN if value is None else value})
    return with_value(facts, fact.term, fact.slot, value) or facts


def _is_forgiving(term: ir.Term) -> bool:
    """Return whether *term* may be known where a part of it is missing."""
    return isinstance(term, ir.IsMissing | ir.Aggregate) or (isinstance(term, ir.Apply) and term.function == "coalesce")


def _is_always_known(term: ir.Term) -> bool:
    return isinstance(term, ir.Signal) or (
        isinstance(term, ir.Read) and (term.field.always_known or term.field.name == _INDEX)
    )


def _with_facts(witness: Witness, facts: Facts, known: Sequence[KnownFact]) -> Witness:
    snapshot = facts.snapshot
    if facts.gpus is not snapshot.gpus:
        snapshot = replace(snapshot, gpus=tuple(facts.gpus))
    return Witness(
        snapshot,
        facts.transfer,
        facts.workload,
        facts.node,
        tuple(known),
        witness.layout,
        tuple(facts.rows),
        facts.node_row,
    )


def _with_number(witness: Witness, fact: KnownFact, value: Number) -> Witness | None:
    """Return *witness* with another number for *fact*, None if that is not a valid assignment."""
    facts = with_value(witness.facts, fact.term, fact.slot, value)
    if facts is None:
        return None
    known = [KnownFact(k.term, k.slot, value) if k is fact else k for k in witness.known]
    found = _with_facts(witness, facts, known)
    return found if len(found.snapshot.gpus) == len(witness.snapshot.gpus) else None


def _without(facts: Facts, fact: KnownFact) -> Facts:
    """Return *facts* without one of them."""
    if isinstance(fact.term, ir.Read) and fact.term.field.scope is Scope.NODE:
        name = fact.term.field.name
        node = {given: value for given, value in facts.node.items() if given != name}
        labels = {given: value for given, value in facts.snapshot.labels.items() if given != name}
        snapshot = replace(facts.snapshot, labels=labels)
        if name == "host":
            snapshot = replace(snapshot, host=None)
        elif name == "driver_version":
            snapshot = replace(snapshot, driver_version=None)
        return replace(facts, node=node, snapshot=snapshot)
    if isinstance(fact.term, ir.Read) and fact.term.field.name == _INDEX:
        return facts  # it has one, though it is not shown
    return with_value(facts, fact.term, fact.slot, None) or facts


def _is_consistent(witness: Witness) -> bool:
    """Return whether the facts of *witness* are consistent: each is derived as given, none contradicts another."""
    values_of_slot: dict[int | None, dict[str, Value]] = {}
    windows = {(fact.slot, fact.term.field.name) for fact in witness.known if isinstance(fact.term, ir.Window)}
    if len(windows) < sum(isinstance(fact.term, ir.Window) for fact in witness.known):
        return False
    facts = witness.facts
    for fact in witness.known:
        if isinstance(fact.term, ir.Read):
            name = fact.term.field.name
            gpu = None if fact.slot is None else witness.snapshot.gpus[fact.slot]
            if (fact.slot, name) in windows or read(fact.term.field, facts, gpu) != fact.value:
                return False
            values_of_slot.setdefault(fact.slot, {})[name] = fact.value
    return all(_is_in_order(values) and _is_one_time(values) for values in values_of_slot.values())


def _is_in_order(values_of_slot: Mapping[str, Value]) -> bool:
    pairs = ((values_of_slot.get(low), values_of_slot.get(high)) for low, high in ORDERS)
    return not any(is_number(low) and is_number(high) and low > high for low, high in pairs)


def _is_one_time(values_of_slot: Mapping[str, Value]) -> bool:
    hour, time = values_of_slot.get("hour"), values_of_slot.get("time_of_day")
    return not (is_number(hour) and is_number(time)) or time // _HOUR == hour
