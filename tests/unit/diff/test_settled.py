"""What shows a change of a condition: the facts that matter, near the limit that moved."""

import json

import pytest

from gpurules.diff import compared
from gpurules.proofs.formulas.claims import ScopedCondition, is_not_true, is_true
from gpurules.proofs.prover import Prover, Sat
from gpurules.proofs.witnesses.minimization import minimize_witness
from gpurules.rules import Ruleset, loads


def ruleset(condition: str) -> Ruleset:
    rule = {"name": "r", "condition": condition, "action": "pause_transfer"}
    return loads(json.dumps({"version": 1, "name": "x", "rules": [rule]}))


CASES = [
    ("gpu_memory > 90", "gpu_memory > 85", "gpu_memory 86 %"),
    ("gpu_memory >= 90", "gpu_memory >= 85", "gpu_memory 85 %"),
    ("gpu_memory < 20", "gpu_memory < 25", "gpu_memory 24 %"),
    ("gpu_memory > 85.5", "gpu_memory > 85", "gpu_memory 85.5 %"),
    ("gpu_memory_used > 70GiB", "gpu_memory_used > 65GiB", "gpu_memory_used 65 GiB + 1 B"),
    (
        "gpu_memory > 90 AND file_type == 'model' OR gpu_temperature > 80 AND transfer_size > 1GiB",
        "gpu_memory > 85 AND file_type == 'model' OR gpu_temperature > 75 AND transfer_size > 1GiB",
        "file_type 'model', gpu_memory 86 %",
    ),
    ("gpu_power > 300 OR pending_transfers > 10", "gpu_power > 300 OR pending_transfers > 8", "pending_transfers 9"),
    ("gpu_memory > 90", "gpu_memory > 90 OR gpu_power IS MISSING", "gpu_power missing"),
    ("any(gpu_memory > 90)", "any(gpu_memory > 85)", "gpu_memory 86 %"),
    ("transfer_age > 5m", "transfer_age > 4m", "transfer_age 4 m 1 s"),
]


@pytest.mark.parametrize(("old", "new", "shown"), CASES)
def test_a_change_is_shown_by_the_fewest_facts_near_the_limit(old: str, new: str, shown: str) -> None:
    (wider,) = compared(ruleset(old), ruleset(new)).changes
    assert str(wider.gained) == shown
    (narrower,) = compared(ruleset(new), ruleset(old)).changes
    assert str(narrower.lost) == shown


@pytest.mark.parametrize(("old", "new", "shown"), CASES)
def test_it_is_so_on_the_evaluator_and_no_fact_can_be_left_out(old: str, new: str, shown: str) -> None:
    before, after = (ScopedCondition(ruleset(text).rules[0].term) for text in (old, new))
    claims = [is_true(after), is_not_true(before)]
    answer = Prover([before, after]).ask(claims)
    assert isinstance(answer, Sat)
    found = minimize_witness(answer.witness, claims)
    assert all(claim.holds(found.facts) for claim in claims)
    again = minimize_witness(found, claims)
    assert (str(again), again.known) == (str(found), found.known)
