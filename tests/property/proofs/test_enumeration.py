"""The prover against all facts of a small world, tried one by one on the real evaluator."""

from collections.abc import Iterator
from itertools import combinations, product

import pytest

from gpurules.proofs.formulas.claims import ExpectedTruth, TruthClaim
from gpurules.proofs.prover import Answer, Prover, Sat, Unsat
from gpurules.proofs.queries import (
    Proved,
    Refuted,
    Verdict,
    disjoint,
    equivalent,
    implies,
    tautology,
    unsatisfiable,
)  # fmt: skip
from tests.cases import representative
from tests.property.proofs.enumeration import Enumerated, all_facts, is_in_world, small, small_conditions

CONDITIONS = 6


def questions(group: list[Enumerated]) -> Iterator[tuple[list[TruthClaim], bool, str]]:
    """Yield claims about one condition or two, whether some facts bear them out, and how they read."""
    for one in group:
        for want in ExpectedTruth:
            yield [TruthClaim(one.stated, want)], bool(one.where(want)), f"{want}: {one.text}"
    for left, right in combinations(group, 2):
        for wants in product(
            (ExpectedTruth.TRUE, ExpectedTruth.FALSE, ExpectedTruth.UNKNOWN, ExpectedTruth.NOT_TRUE), repeat=2
        ):
            claims = [TruthClaim(side.stated, want) for side, want in zip((left, right), wants, strict=True)]
            happens = bool(left.where(wants[0]) & right.where(wants[1]))
            yield claims, happens, f"{wants[0]}: {left.text}\n{wants[1]}: {right.text}"


def bears_out(answer: Answer, claims: list[TruthClaim]) -> bool:
    return isinstance(answer, Sat) and all(claim.holds(answer.witness.facts) for claim in claims)


@pytest.mark.parametrize("seed", representative(range(10), 3))
def test_the_prover_agrees_with_every_assignment_of_a_small_domain(seed: int) -> None:
    group = [*small_conditions(seed, CONDITIONS)]
    prover = Prover([*(one.stated for one in group), small().condition])
    reported = {True: 0, False: 0}
    for claims, happens, text in questions(group):
        answer = prover.ask([*claims, small()])
        reported[happens] += 1
        if happens:
            assert bears_out(answer, claims), text
            assert isinstance(answer, Sat) and is_in_world(answer.witness.facts), text
        else:
            assert answer == Unsat(), text
    assert reported[True] > 50 and reported[False] > 25


@pytest.mark.parametrize("seed", range(200, 203))
def test_queries_by_name_agree_with_the_assignments(seed: int) -> None:
    group = [*small_conditions(seed, CONDITIONS)]
    prover, here = Prover([one.stated for one in group]), range(len(all_facts()))
    for one in group:
        agree(unsatisfiable(prover, one.stated), not one.where(ExpectedTruth.TRUE), one.text)
        agree(tautology(prover, one.stated), not one.where(ExpectedTruth.NOT_TRUE), one.text)
    for one, other in combinations(group, 2):
        text, sides = f"{one.text}\n{other.text}", (one.stated, other.stated)
        agree(implies(prover, *sides), one.where(ExpectedTruth.TRUE) <= other.where(ExpectedTruth.TRUE), text)
        agree(disjoint(prover, *sides), one.where(ExpectedTruth.TRUE).isdisjoint(other.where(ExpectedTruth.TRUE)), text)
        agree(equivalent(prover, *sides), all(one.truths[n] is other.truths[n] for n in here), text)


def agree(verdict: Verdict, so_far: bool, text: str) -> None:
    """Check that what some facts refute is refuted, and what none does proved, or refuted on a larger node."""
    if isinstance(verdict, Proved):
        assert so_far, text
    else:
        assert isinstance(verdict, Refuted), text
        assert not so_far or not is_in_world(verdict.witness.facts), text


@pytest.mark.parametrize("seed", range(100, 103))
def test_what_happens_in_a_small_world_is_possible_on_nodes_of_any_size(seed: int) -> None:
    group = [*small_conditions(seed, CONDITIONS)]
    prover = Prover([one.stated for one in group])
    for claims, happens, text in questions(group):
        answer = prover.ask(claims)
        if happens or not isinstance(answer, Unsat):
            assert bears_out(answer, claims), text


def test_the_world_is_as_large_as_it_says() -> None:
    assert len(all_facts()) == (1 + 12 + 12**2) * 4 * 3
    assert all(is_in_world(current) for current in all_facts())
