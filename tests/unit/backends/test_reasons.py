"""The shortest reason, in words."""

import pytest

from gpurules.backends import explain
from gpurules.backends.reasons import reason
from tests.factories import checked, dataset, facts, gpu, model

THREE = (gpu(0, memory=78.1), gpu(1, memory=91), gpu(2, missing={"memory": "NOT_SUPPORTED"}))


def why(text: str, *gpus: object, **about: object) -> str:
    here = facts(*gpus, **about)  # type: ignore[arg-type]
    return reason(explain(checked(text).term, here), here)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpu_memory > 85", "gpu_memory 91 % > 85 (GPU 1)"),
        ("gpu_memory > 95", "gpu_memory 78.1 % is not > 95 (GPU 0); gpu_memory 91 % is not > 95 (GPU 1); "),
        ("gpu_memory > 50", "gpu_memory 78.1 % > 50 (GPU 0); gpu_memory 91 % > 50 (GPU 1)"),
        ("gpu_memory > 85 AND file_type == 'model'", "file_type"),
    ],
)
def test_a_per_gpu_reason_names_the_gpus_that_decide(text: str, expected: str) -> None:
    assert expected in why(text, *THREE, transfer=dataset())


def test_gpus_with_one_reason_are_grouped() -> None:
    same = (gpu(0, memory=50), gpu(1, memory=50))
    assert why("gpu_memory > 85", *same) == "gpu_memory 50 % is not > 85 (GPU 0, 1)"


def test_missing_telemetry_is_reported_with_the_reason_of_the_source() -> None:
    expected = why("gpu_memory > 95", *THREE)
    assert "gpu_memory is missing (NOT_SUPPORTED) (GPU 2)" in expected


def test_without_gpus_there_is_nothing_in_scope() -> None:
    assert why("gpu_memory > 80") == "there is no GPU in scope"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("active_training", "active_training is false"),
        ("NOT active_training", "active_training is false"),
        ("file_type == 'model'", "file_type is 'model'"),
        ("file_type == 'log'", "file_type is 'model', not 'log'"),
        ("NOT gpu_count > 5 AND NOT active_training", "gpu_count 0 is not > 5 and active_training is false"),
        ("transfer_size > 100MB", "transfer_size is missing"),
        ("file_type IN ('model', 'tensor')", "file_type IN ('model', 'tensor') is TRUE (file_type 'model')"),
        ("path GLOB '*.tmp'", "is FALSE"),
        ("active_training OR pending_transfers > 5", "active_training is false and pending_transfers 0 is not > 5"),
        ("max(gpu_memory) > 80", "max(gpu_memory) is missing"),
        ("1 <= pending_transfers <= 5", "pending_transfers 0"),
    ],
)
def test_a_reason_of_the_node_or_transfer(text: str, expected: str) -> None:
    assert expected in why(text, transfer=model())


def test_a_long_reason_is_cut_short() -> None:
    many = tuple(gpu(n, memory=n) for n in range(16))
    expected = why("gpu_memory > 95", *many)
    assert expected.endswith("and 12 more")
    parts = " AND ".join([f"pending_transfers > {n}" for n in range(10)])
    assert why(parts).endswith("and 7 more")
