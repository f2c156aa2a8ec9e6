"""Questions by name: proved with the least that proves it, refuted by an example that the evaluator confirms."""

import pytest

from gpurules.proofs.formulas.claims import ScopedCondition, evaluate
from gpurules.proofs.prover import Prover, Unknown
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
from tests.factories import checked


def stated(text: str) -> ScopedCondition:
    return ScopedCondition(checked(text).term)


def one(question, text: str, on_one: bool = False) -> tuple[Verdict, ScopedCondition]:  # type: ignore[no-untyped-def]
    condition = stated(text)
    return question(Prover([condition]), condition, on_one), condition


def two(question, first: str, second: str, on_one: bool = False):  # type: ignore[no-untyped-def]
    conditions = stated(first), stated(second)
    return question(Prover(conditions), *conditions, on_one), *conditions


def test_the_core_of_what_is_never_true_has_no_part_too_many() -> None:
    text = "file_type == 'model' AND gpu_memory > 90 AND active_training AND (gpu_memory < 50 AND gpu_mig)"
    assert str(one(unsatisfiable, text)[0]) == "proved by `gpu_memory > 90` and `gpu_memory < 50`"


def test_one_part_alone_can_be_what_is_never_true() -> None:
    assert str(one(unsatisfiable, "gpu_memory > 50 AND gpu_memory > 120")[0]) == "proved by `gpu_memory > 120`"


def test_what_can_be_true_has_a_witness() -> None:
    verdict, condition = one(unsatisfiable, "gpu_memory > 80 AND file_type == 'model'")
    assert isinstance(verdict, Refuted)
    assert evaluate(condition, verdict.witness.facts) is True


def test_the_core_of_what_is_always_true_are_the_parts_that_cover_all() -> None:
    text = "pending_transfers > 3 OR active_training OR NOT active_training OR file_type IS MISSING"
    assert str(one(tautology, text)[0]) == "proved by `active_training` and `NOT active_training`"


@pytest.mark.parametrize("text", ["gpu_memory >= 0", "gpu_memory >= 0 OR gpu_memory IS MISSING"])
def test_a_missing_fact_and_a_node_without_gpus_refute_what_seems_always_true(text: str) -> None:
    verdict, condition = one(tautology, text)
    assert isinstance(verdict, Refuted)
    assert evaluate(condition, verdict.witness.facts) is not True


def test_on_one_gpu_there_is_a_gpu() -> None:
    verdict, _ = one(tautology, "gpu_memory >= 0 OR gpu_memory IS MISSING", on_one=True)
    assert isinstance(verdict, Proved)
    assert len(verdict.core) == 2


def test_parts_about_the_node_alone_are_not_the_core_where_there_may_be_no_gpu() -> None:
    verdict, condition = one(tautology, "active_training OR NOT active_training OR gpu_mig")
    assert isinstance(verdict, Refuted)
    assert evaluate(condition, verdict.witness.facts) is False


def test_what_follows_is_proved_by_the_parts_that_matter() -> None:
    verdict, *_ = two(implies, "gpu_memory > 90 AND file_type == 'model'", "gpu_mig OR gpu_memory > 80")
    assert str(verdict) == "proved by `gpu_memory > 90` and `gpu_memory > 80`"


def test_of_what_is_never_true_all_follows_and_the_core_is_in_it_alone() -> None:
    verdict, *_ = two(implies, "file_type == 'model' AND gpu_memory > 120", "active_training")
    assert str(verdict) == "proved by `gpu_memory > 120`"


def test_the_parts_that_are_tried_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpurules.proofs.queries._MOST_TRIES", 1)
    verdict, _ = one(unsatisfiable, "gpu_memory > 120 AND gpu_mig AND gpu_throttled")
    assert isinstance(verdict, Proved)
    assert not verdict.is_minimal
    assert len(verdict.core) == 2


def test_what_does_not_follow_has_a_witness() -> None:
    verdict, first, second = two(implies, "gpu_memory > 80", "gpu_memory > 90")
    assert isinstance(verdict, Refuted)
    assert evaluate(first, verdict.witness.facts) is True
    assert evaluate(second, verdict.witness.facts) is not True


def test_two_gpus_may_be_meant_unless_one_is() -> None:
    hot_and_cool = "gpu_temperature > 90", "gpu_temperature < 40"
    assert isinstance(two(disjoint, *hot_and_cool)[0], Refuted)
    assert isinstance(two(disjoint, *hot_and_cool, on_one=True)[0], Proved)


def test_what_is_spelled_otherwise_can_be_equivalent() -> None:
    verdict, *_ = two(equivalent, "NOT (gpu_memory > 80 OR gpu_mig)", "gpu_memory <= 80 AND NOT gpu_mig", on_one=True)
    assert isinstance(verdict, Proved)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("active_training", "active_training AND pending_transfers > 0"),
        ("transfer_size > 5", "NOT coalesce(transfer_size <= 5, true)"),  # FALSE where the other is UNKNOWN
    ],
)
def test_what_is_not_equivalent_differs_in_the_witness(first: str, second: str) -> None:
    verdict, one_of_them, other = two(equivalent, first, second)
    assert isinstance(verdict, Refuted)
    assert evaluate(one_of_them, verdict.witness.facts) is not evaluate(other, verdict.witness.facts)


def test_an_exhausted_work_cap_is_reported() -> None:
    condition = stated("gpu_memory > 80 AND (gpu_mig OR gpu_throttled)")
    verdict = unsatisfiable(Prover([condition], steps=1), condition)
    assert verdict == Unknown("the budget of 1 steps was exhausted")
