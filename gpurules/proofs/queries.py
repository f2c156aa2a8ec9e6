"""Questions about conditions by name: each is proved, with the least parts that prove it, or refuted by a witness.

Conditions are taken as rules have them: one of each GPU is TRUE where it is on some GPU in scope, and FALSE over none.
With ``on_one`` they are taken on one GPU, the same for both.

>>> from gpurules.language import Environment, parse
>>> from gpurules.proofs.formulas.claims import ScopedCondition
>>> from gpurules.proofs.prover import Prover
>>> texts = "gpu_temperature > 85", "gpu_temperature > 90 AND gpu_memory > 10", "gpu_temperature < 40"
>>> hot, hotter, cool = (ScopedCondition(Environment().condition(parse(text)).term) for text in texts)
>>> prover = Prover([hot, hotter, cool])
>>> print(implies(prover, hotter, hot))
proved by `gpu_temperature > 90` and `gpu_temperature > 85`
>>> print(implies(prover, hot, hotter))
refuted by gpu_temperature 90 C
>>> print(disjoint(prover, hotter, cool, on_one=True))
proved by `gpu_temperature > 90` and `gpu_temperature < 40`
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from gpurules.language.terms import ir
from gpurules.language.terms.printer import spell
from gpurules.proofs.formulas.claims import ExpectedTruth, ScopedCondition, TruthClaim
from gpurules.proofs.prover import Prover, Sat, Unknown, Unsat
from gpurules.proofs.witnesses.witness import Witness
from gpurules.records import Record, record

_MOST_TRIES = 64


@record
class Proved(Record):
    """It is so on whatever facts. ``core`` are the parts that prove it, those of the first condition before the others.

    ``is_minimal``: none of them can be left out. Of many parts only 64 are tried.
    """

    core: tuple[ir.Term, ...]
    is_minimal: bool = True

    def __str__(self) -> str:
        """Show it in a line."""
        spelled = [f"`{spell(part)}`" for part in self.core]
        return f"proved by {' and '.join(filter(None, (', '.join(spelled[:-1]), *spelled[-1:])))}"


@record
class Refuted(Record):
    """It is not so in the witness, which the evaluator has confirmed."""

    witness: Witness

    def __str__(self) -> str:
        """Show it in a line."""
        return f"refuted by {self.witness}"


Verdict: TypeAlias = Proved | Refuted | Unknown
"""Missing: ``Unknown`` gives the reason: something is not analyzed, or the work budget was exhausted."""


def unsatisfiable(prover: Prover, one: ScopedCondition, on_one: bool = False) -> Verdict:
    """Return whether *one* is never TRUE; a witness makes it TRUE."""
    return _verdict(prover, [TruthClaim(one, ExpectedTruth.TRUE, on_one)])


def tautology(prover: Prover, one: ScopedCondition, on_one: bool = False) -> Verdict:
    """Return whether *one* is always TRUE, with missing facts too; a witness makes it FALSE or UNKNOWN."""
    return _verdict(prover, [TruthClaim(one, ExpectedTruth.NOT_TRUE, on_one)])


def implies(prover: Prover, one: ScopedCondition, other: ScopedCondition, on_one: bool = False) -> Verdict:
    """Return whether *other* is TRUE wherever *one* is; in a witness *one* alone is."""
    return _verdict(
        prover, [TruthClaim(one, ExpectedTruth.TRUE, on_one), TruthClaim(other, ExpectedTruth.NOT_TRUE, on_one)]
    )


def disjoint(prover: Prover, one: ScopedCondition, other: ScopedCondition, on_one: bool = False) -> Verdict:
    """Return whether *one* and *other* are never TRUE at once; in a witness both are."""
    return _verdict(
        prover, [TruthClaim(one, ExpectedTruth.TRUE, on_one), TruthClaim(other, ExpectedTruth.TRUE, on_one)]
    )


def equivalent(prover: Prover, one: ScopedCondition, other: ScopedCondition, on_one: bool = False) -> Verdict:
    """Return whether both always have the same truth, UNKNOWN included; in a witness they differ.

    What proves it is both of them, whole.
    """
    unproven: Unknown | None = None
    for here, there in ((one, other), (other, one)):
        for expected, otherwise in (
            (ExpectedTruth.TRUE, ExpectedTruth.NOT_TRUE),
            (ExpectedTruth.FALSE, ExpectedTruth.NOT_FALSE),
        ):
            answer = prover.ask([TruthClaim(here, expected, on_one), TruthClaim(there, otherwise, on_one)])
            if isinstance(answer, Sat):
                return Refuted(answer.witness)
            if isinstance(answer, Unknown):
                unproven = unproven or answer
    return unproven or Proved((one.term, other.term))


def _verdict(prover: Prover, claims: Sequence[TruthClaim]) -> Verdict:
    """Return the verdict on what holds where *claims* cannot hold together."""
    match prover.ask(claims):
        case Sat(witness):
            return Refuted(witness)
        case Unknown() as unproven:
            return unproven
        case Unsat():
            return _least(prover, claims)


def _least(prover: Prover, claims: Sequence[TruthClaim]) -> Proved:
    """Return which parts of *claims*, proved not to hold together, are enough: each is left out where it can be."""
    sides = [(claim, [*_parts(claim)]) for claim in claims]
    tries = 0
    for _, parts in sides:
        for place in reversed(range(len(parts))):
            part = parts.pop(place)
            fewer = _of_sides(sides) if tries < _MOST_TRIES else None
            tries += fewer is not None
            if fewer is None or not isinstance(prover.ask(fewer), Unsat):
                parts.insert(place, part)
    return Proved(tuple(part for _, parts in sides for part in parts), tries < _MOST_TRIES)


def _of_sides(sides: Sequence[tuple[TruthClaim, Sequence[ir.Term]]]) -> list[TruthClaim] | None:
    """Return each claim of its parts, without those that have none left; None where that is not a question."""
    narrowed = [_of_parts(claim, parts) for claim, parts in sides if parts]
    found = [claim for claim in narrowed if claim is not None]
    return found if found and len(found) == len(narrowed) else None


def _parts(claim: TruthClaim) -> Iterator[ir.Term]:
    """Yield the parts of a condition that are each as claimed, the whole where there is only one."""
    joint = _joint(claim.expected)
    stack = [claim.condition.term]
    while stack:
        term = stack.pop()
        if joint is not None and isinstance(term, joint):
            stack.extend(reversed(term.parts))
        else:
            yield term


def _joint(expected: ExpectedTruth) -> type[ir.And] | type[ir.Or] | None:
    """Return what joins parts that are all *want* where the whole is."""
    return ir.And if expected is ExpectedTruth.TRUE else ir.Or if expected is ExpectedTruth.NOT_TRUE else None


def _of_parts(claim: TruthClaim, parts: Sequence[ir.Term]) -> TruthClaim | None:
    """Return *claim* of some of its parts alone; None where that would not follow from it.

    Without a GPU a condition of each GPU is not TRUE, whatever its parts about the node are.
    """
    joint = _joint(claim.expected)
    term = parts[0] if len(parts) == 1 or joint is None else joint(tuple(parts))
    if claim.expected is ExpectedTruth.NOT_TRUE and ir.is_per_gpu(term) is not ir.is_per_gpu(claim.condition.term):
        return None
    return TruthClaim(ScopedCondition(term, claim.condition.gpus), claim.expected, claim.on_one)
