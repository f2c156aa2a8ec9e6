"""Reduces a witness to the facts that matter, with values close to the limits that moved."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gpurules.backends import Facts
from gpurules.language import ir
from gpurules.model import Value
from gpurules.proofs.domains.atoms import is_number
from gpurules.proofs.domains.candidates import fitting
from gpurules.proofs.formulas.claims import Claim, ExpectedTruth
from gpurules.proofs.witnesses.substitution import with_value
from gpurules.proofs.witnesses.witness import KnownFact, Witness

_MOST_TRIES = 100


def minimize_witness(witness: Witness, claims: Sequence[Claim]) -> Witness:
    """Return *witness* of *claims* without facts that they hold without, each number next to a limit that it passes.

    The limits are those of the claims that are TRUE. Every step is confirmed by the evaluator. Beside the state of
    signals and windows every fact stays: it says where that came from.
    """
    tries, has_state = 0, any(not isinstance(fact.term, ir.Read) for fact in witness.known)
    for fact in witness.known:
        if not isinstance(fact.term, ir.Read) or len(witness.known) == 1:
            continue
        is_only = len(witness.snapshot.gpus) > 1 and [known.slot for known in witness.known].count(fact.slot) == 1
        is_needed = has_state or is_only or (fact.value is None and _asks_for_absence(claims))
        candidates: list[Value] = [] if is_needed else [None]
        candidates += _beside_limits(fact, claims)
        for value in candidates:
            tries += 1
            found = _with(witness, fact, value) if tries <= _MOST_TRIES else None
            if found is not None and all(claim.holds(found.facts) for claim in claims):
                witness = found
                break
    return _moved(witness, claims) if len(witness.known) == 1 else witness


def _moved(witness: Witness, claims: Sequence[Claim]) -> Witness:
    """Return a witness of one fact with that next to a limit."""
    (fact,) = witness.known
    found = (_with(witness, fact, value) for value in _beside_limits(fact, claims))
    return next((w for w in found if w is not None and all(claim.holds(w.facts) for claim in claims)), witness)


def _asks_for_absence(claims: Sequence[Claim]) -> bool:
    parts = (part for claim in claims for part in ir.walk(claim.condition.term))
    return any(
        isinstance(part, ir.IsMissing | ir.Aggregate) or (isinstance(part, ir.Apply) and part.function == "coalesce")
        for part in parts
    )


def _beside_limits(fact: KnownFact, claims: Sequence[Claim]) -> Iterator[Value]:
    """Yield the limits that a fact is compared with where a claim is TRUE, and the numbers beside them."""
    if not is_number(fact.value) or not isinstance(fact.term, ir.Read):
        return
    for claim in claims:
        for part in ir.walk(claim.condition.term) if claim.expected is ExpectedTruth.TRUE else ():
            if isinstance(part, ir.Compare) and any(fact.term == read for o in part.operands for read in ir.walk(o)):
                limits = [o.value for o in part.operands if isinstance(o, ir.Constant) and is_number(o.value)]
                beside = (limit + step for limit in limits for step in (0, 1, -1))
                yield from (fit for number in beside if (fit := fitting(fact.term, number)) is not None)


def _with(witness: Witness, fact: KnownFact, value: Value) -> Witness | None:
    """Return *witness* with another value of *fact*, None: without it; None where that is no moment."""
    facts = _without_node(witness.facts, fact) if value is None else None
    facts = facts or with_value(witness.facts, fact.term, fact.slot, value)
    if facts is None:
        return None
    others = [known for known in witness.known if known is not fact or value is not None]
    known = tuple(KnownFact(k.term, k.slot, value) if k is fact else k for k in others)
    return replace(
        witness,
        snapshot=replace(witness.snapshot, gpus=tuple(facts.gpus)),
        transfer=facts.transfer,
        workload=facts.workload,
        node=facts.node,
        known=known,
    )


def _without_node(facts: Facts, fact: KnownFact) -> Facts | None:
    """Return *facts* without a fact of the node, None where it is another."""
    if not isinstance(fact.term, ir.Read) or fact.term.field.name not in facts.node:
        return None
    return replace(facts, node={name: value for name, value in facts.node.items() if name != fact.term.field.name})
