"""A condition on its own."""

import pytest

from gpurules.fields import Scope, declared_field
from gpurules.rules import Condition, ConditionError
from tests.factories import dataset, gpu, job, model, one_gpu, snapshot


def test_a_condition_is_true_false_or_unknown_and_names_the_gpus() -> None:
    condition = Condition("gpu_memory > 80 AND file_type == 'model'")
    both = snapshot(gpu(0, memory=90), gpu("1:0", memory=95), gpu(2))
    result = condition.evaluate(both, transfer=model())
    assert (result.value, result.devices) == (True, (0, "1:0"))
    assert condition.evaluate(both, transfer=dataset()).value is False
    assert condition.evaluate(both).value is None
    assert condition.evaluate(snapshot(), transfer=model()).value is False


def test_workload_and_node_are_given_by_name() -> None:
    condition = Condition("workload_type == 'training' AND pending_transfers > 3")
    assert condition.evaluate(one_gpu(), workload=job(), node={"pending_transfers": 4}).value is True
    assert condition.evaluate(one_gpu(), workload=job()).value is False
    assert condition.evaluate(one_gpu(), node={"pending_transfers": 4}).value is None


@pytest.mark.parametrize(
    "declaration", [{"type": "string", "scope": "transfer"}, declared_field("tenant", "string", scope=Scope.TRANSFER)]
)
def test_more_fields_can_be_declared(declaration: object) -> None:
    condition = Condition("tenant == 'search'", fields={"tenant": declaration})  # type: ignore[dict-item]
    assert condition.evaluate(one_gpu(), transfer=dataset(labels={"tenant": "search"})).value is True


@pytest.mark.parametrize(
    "declaration", [7, {"type": "string", "scope": "galaxy"}, {"type": "number", "dimension": "x"}]
)
def test_a_declaration_that_is_none_is_refused(declaration: object) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        Condition("tenant == 'a'", fields={"tenant": declaration})  # type: ignore[dict-item]


def test_all_errors_are_reported_with_line_and_column() -> None:
    with pytest.raises(ConditionError) as caught:
        Condition("gpu_memroy > 80\n  AND path > 5")
    assert [(d.code, d.line, d.column, d.end_column) for d in caught.value.diagnostics] == [
        ("GPR101", 1, 1, 11),
        ("GPR103", 2, 7, 15),
    ]
    assert str(caught.value).startswith("1:1: GPR101 no field, signal or define is named 'gpu_memroy'")


def test_warnings_do_not_stop_it() -> None:
    condition = Condition("file_type == 'modle'")
    assert [d.code for d in condition.diagnostics] == ["GPR107"]


def test_an_explanation_has_every_part() -> None:
    reported = Condition("gpu_memory > 80").explain(snapshot(gpu(0, memory=90), gpu(1)))
    assert reported.values == (True, None)


def test_a_condition_shows_its_text() -> None:
    assert repr(Condition("gpu_mig")) == "Condition('gpu_mig')"
