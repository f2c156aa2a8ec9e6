"""The nearest change: the fewest facts, changed the least, that flip the outcome."""

import pytest

from gpurules.backends import Facts
from gpurules.language.terms import ir
from gpurules.model import GPU, Transfer, Workload
from gpurules.proofs.counterfactuals.counterfactual import Counterfactual, find_counterfactual
from gpurules.proofs.formulas.claims import ExpectedTruth
from tests.factories import GIB, checked, dataset, facts, gpu


def near(text: str, *gpus: GPU, **about: object) -> Counterfactual | None:
    return find_counterfactual(checked(text).term, facts(*gpus, **about))


@pytest.mark.parametrize(
    ("condition", "wording"),
    [
        ("gpu_memory > 80", "gpu_memory 81 % instead of 78.1 % would match on GPU 0"),
        ("gpu_memory < 50", "gpu_memory 49 % instead of 78.1 % would match on GPU 0"),
        ("gpu_memory <= 50.5", "gpu_memory 50.5 % instead of 78.1 % would match on GPU 0"),
        ("gpu_memory BETWEEN 90 AND 95", "gpu_memory 90 % instead of 78.1 % would match on GPU 0"),
        ("gpu_memory > 70", "gpu_memory 70 % instead of 78.1 % on GPU 0 would not match"),
        ("gpu_temperature > 85", "gpu_temperature 86 C instead of missing would match on GPU 0"),
        ("gpu_memory IS MISSING", "gpu_memory missing instead of 78.1 % would match on GPU 0"),
        ("file_type == 'model'", "file_type 'model' instead of 'dataset' would match"),
        ("path STARTSWITH '/scratch/'", "path '/scratch/' instead of '/data/shard-0001.tar' would match"),
        ("NOT active_training", "active_training true instead of false would not match"),
        ("any(gpu_memory > 80)", "gpu_memory 81 % instead of 78.1 % on GPU 0 would match"),
        ("max(gpu_memory) > 80", "gpu_memory 81 % instead of 78.1 % on GPU 0 would match"),
        ("count(gpu_memory > 80) >= 1", "gpu_memory 81 % instead of 78.1 % on GPU 0 would match"),
        ("pending_transfers > 8 + 8", "pending_transfers 17 instead of 0 would match"),
        ("coalesce(gpu_ecc_errors, 0) > 0", "gpu_ecc_errors 1 instead of missing would match on GPU 0"),
        ("gpu_memory * 2 > 180", "gpu_memory 91 % instead of 78.1 % would match on GPU 0"),
        ("telemetry_age > 30s", "telemetry_age 31 s instead of 0 s would match"),
    ],
)
def test_one_fact_is_changed_as_little_as_it_takes(condition: str, wording: str) -> None:
    assert str(near(condition, gpu(0, memory=78.1), transfer=dataset())) == wording


def test_fewest_facts_go_before_small_changes() -> None:
    found = near(
        "gpu_memory > 80 AND gpu_temperature > 85 OR gpu_power > 900", gpu(memory=79.9, temperature=84, power=9)
    )
    assert str(found) == "gpu_power 901 W instead of 9 W would match on GPU 0"


def test_the_nearest_gpu_is_chosen() -> None:
    found = near("gpu_temperature > 85", gpu(0, temperature=40), gpu(1, temperature=80), gpu(2))
    assert str(found) == "gpu_temperature 86 C instead of 80 C would match on GPU 1"


def test_all_gpus_change_where_all_must() -> None:
    found = near("all(gpu_temperature > 85)", gpu(0, temperature=80), gpu(1, temperature=90), gpu(2, temperature=85))
    assert str(found) == (
        "gpu_temperature 86 C instead of 80 C on GPU 0 and gpu_temperature 86 C instead of 85 C on GPU 2 would match"
    )


def test_one_field_against_a_peak_over_gpus_changes_alone() -> None:
    found = near(
        "transfer_size > max(gpu_memory_free)",
        *(gpu(n, memory_free=n * GIB) for n in range(8)),
        transfer=Transfer(size=GIB),
    )
    assert found is not None
    assert [(change.device, change.after) for change in found.changes] == [(None, 7 * GIB + 1)]


def test_a_quotient_is_changed_by_one_of_its_sides() -> None:
    found = near("gpu_memory_used / gpu_memory_total > 0.9", gpu(memory_used=40 * GIB, memory_total=80 * GIB))
    assert found is not None
    assert len(found.changes) == 1


def test_a_change_of_memory_is_one_of_the_bytes_in_use() -> None:
    found = near("gpu_memory > 80", gpu(memory_used=40 * GIB, memory_total=80 * GIB))
    assert str(found) == "gpu_memory 81 % instead of 50 % would match on GPU 0"


def test_what_cannot_be_flipped_has_no_nearest_change() -> None:
    assert near("gpu_memory > 80 AND gpu_memory < 70", gpu(memory=75)) is None
    assert near("gpu_memory > 80") is None  # there is no GPU
    assert near("gpu_memory >= 0", gpu()) is not None


def test_more_than_three_changes_are_none() -> None:
    four = "gpu_power > 1 AND gpu_temperature > 1 AND gpu_utilization > 1 AND gpu_fan_speed > 1"
    assert near(four, gpu()) is None


def test_the_age_of_a_workload_is_when_it_started() -> None:
    found = near("workload_age > 1h", workload=Workload(started=1767225600.0 - 60))
    assert str(found) == "workload_age 1 h 1 s instead of 1 m would match"


def test_it_is_data_too() -> None:
    found = near("gpu_memory > 80", gpu("1:0", memory=78.1))
    assert found is not None
    assert found.to_dict() == {
        "text": "gpu_memory 81 % instead of 78.1 % would match on GPU 1:0",
        "matches": True,
        "devices": ["1:0"],
        "held_seconds": 0.0,
        "changes": [{"name": "gpu_memory", "gpu": "1:0", "before": 78.1, "after": 81}],
    }


def test_too_many_gpus_are_not_searched() -> None:
    many: Facts = facts(*(gpu(n) for n in range(70)))
    assert find_counterfactual(checked("gpu_memory > 80").term, many) is None


def test_the_gpu_that_decides_is_found_among_many_with_few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [gpu(n, memory_total=80 * GIB, memory_used=(20 + 7 * n) * GIB) for n in range(8)]
    monkeypatch.setattr("gpurules.proofs.counterfactuals.counterfactual._TRIES", 16)
    text = "operation == 'read' AND file_type == 'model' AND transfer_size > max(gpu_memory_free)"
    found = near(text, *many, transfer=Transfer(file_type="dataset", size=5 * GIB, operation="write"))
    assert found is not None
    changed = {change.term.field.name: change.after for change in found.changes if isinstance(change.term, ir.Read)}
    assert changed == {"operation": "read", "file_type": "model", "transfer_size": 60 * GIB + 1}


def test_nothing_is_reported_where_the_budget_is_exhausted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert near("gpu_memory > 80", gpu(memory=78)) is not None
    monkeypatch.setattr("gpurules.proofs.counterfactuals.counterfactual._TRIES", 0)
    assert near("gpu_memory > 80", gpu(memory=78)) is None


@pytest.mark.parametrize(
    ("given", "want", "wording"),
    [
        (91, ExpectedTruth.UNKNOWN, "gpu_memory missing instead of 91 % on GPU 0 would be unknown"),
        (50, ExpectedTruth.UNKNOWN, "gpu_memory missing instead of 50 % on GPU 0 would be unknown"),
        (None, ExpectedTruth.FALSE, "gpu_memory 79 % instead of missing on GPU 0 would not match"),
        (None, ExpectedTruth.TRUE, "gpu_memory 81 % instead of missing would match on GPU 0"),
        (91, ExpectedTruth.FALSE, "gpu_memory 80 % instead of 91 % on GPU 0 would not match"),
    ],
)
def test_the_change_leads_to_what_is_wanted(given: float | None, want: ExpectedTruth, wording: str) -> None:
    assert (
        str(find_counterfactual(checked("gpu_memory > 80").term, facts(GPU(index=0, memory=given)), expected=want))
        == wording
    )
