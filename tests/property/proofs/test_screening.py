"""What screening answers without a search, the search confirms."""

from itertools import permutations

import pytest

from gpurules.proofs.formulas.claims import ExpectedTruth, ScopedCondition, TruthClaim, is_true
from gpurules.proofs.prover import Prover, Sat, Unsat
from gpurules.proofs.screening.abstractions import Screening
from gpurules.proofs.screening.entailment import entails
from gpurules.proofs.screening.screening_index import ScreeningIndex
from tests.factories import checked
from tests.property.proofs.conditions import Conditions

PLAIN = (
    "gpu_memory > 50", "gpu_memory > 80", "gpu_memory > 50 AND gpu_temperature > 60", "any(gpu_memory > 80)",
    "gpu_memory > 80 OR gpu_temperature > 60", "transfer_size > 1GiB", "transfer_size > 1GiB OR gpu_temperature > 60",
    "transfer_size > 2GiB AND (gpu_memory > 90 OR gpu_temperature > 70)", "transfer_size < 1MiB", "hour > 9",
    "NOT any(gpu_memory > 50)", "count(gpu_memory > 80) >= 2", "count(gpu_memory > 50) >= 1", "file_type == 'model'",
    "file_type IN ('model', 'log')", "gpu_memory IS MISSING", "file_type != 'log' AND count(gpu_memory > 50) < 2",
)  # fmt: skip


def groups() -> list[list[ScopedCondition]]:
    """Return conditions of which some imply others, and random ones."""
    drawn = [[Conditions(seed).condition(1) for seed in range(start, start + 12)] for start in range(700, 748, 12)]
    return [[ScopedCondition(checked(text).term) for text in texts] for texts in (PLAIN, *drawn)]


@pytest.mark.parametrize("group", groups())
def test_a_glance_says_nothing_that_a_search_denies(group: list[ScopedCondition]) -> None:
    prover = Prover(group)
    outlines = Screening(prover)
    formulas = [prover.formula(is_true(one)) for one in group]
    drawn = [outlines.of(formula) for formula in formulas]
    index = ScreeningIndex(drawn, outlines)
    never = {place for place, one in enumerate(group) if prover.proves_unsat([is_true(one)]) is True}
    for one, other in permutations(range(len(group)), 2):
        claims = [is_true(group[one]), TruthClaim(group[other], ExpectedTruth.NOT_TRUE)]
        implied = prover.ask(claims)
        escaped = outlines.refutes_implication(drawn[one], (formulas[other], drawn[other]))
        assert not (entails(formulas[one], formulas[other]) and isinstance(implied, Sat))
        assert not (escaped and isinstance(implied, Unsat)) or one in never
        assert escaped or index.covering(drawn[one]) >> other & 1
        assert not prover.shows(claims) or isinstance(implied, Sat)
        assert prover.proves_unsat(claims) is isinstance(implied, Unsat)
        apart = outlines.are_disjoint(drawn[one], drawn[other])
        assert not (apart and isinstance(prover.ask([is_true(group[one]), is_true(group[other])]), Sat))
        assert apart or index.overlapping(drawn[one], -1) >> other & 1


def test_most_of_what_is_plain_takes_no_search() -> None:
    prover = Prover([*(group := groups()[0])])
    formulas = [prover.formula(is_true(one)) for one in group]
    entailed = sum(entails(one, other) for one, other in permutations(formulas, 2))
    implied = sum(
        prover.proves_unsat([is_true(one), TruthClaim(other, ExpectedTruth.NOT_TRUE)]) is True
        for one, other in permutations(group, 2)
    )
    assert implied > 10
    assert entailed > implied * 0.6
