"""Every condition case, on every back end that evaluates."""

from typing import Any

import pytest

from gpurules.backends import ExplainBackEnd, Facts, PythonBackEnd, RuleTerm
from gpurules.backends.facts import NO_NODE, NO_TRANSFER, NO_WORKLOAD
from gpurules.backends.specialization import Specializer
from gpurules.diagnostics import CATALOGUE, LineIndex
from gpurules.fields import FIELDS, Scope, declared_field
from gpurules.language import Checked, Environment, parse
from gpurules.model import Dimension
from tests.conformance.vectors import Vector, joined, vectors

BACK_ENDS = (ExplainBackEnd(), PythonBackEnd())
ALL = vectors("condition")
FAULTY = [v for v in ALL if isinstance(v.case["expect"], dict) and {"error", "warning"} & set(v.case["expect"])]
VALUED = [v for v in ALL if v not in FAULTY]


def checked(vector: Vector) -> Checked:
    declared = {
        name: declared_field(name, field["type"], Dimension(field.get("dimension", "number")), Scope(field["scope"]))
        for name, field in vector.fields.items()
    }
    return Environment({**FIELDS, **declared}).condition(parse(joined(vector.case["condition"])))


def expectation(expect: Any) -> dict[str, Any]:
    if isinstance(expect, list):
        return {"value": True, "devices": expect}
    if not isinstance(expect, dict):
        expect = {"value": expect}
    return {**expect, "value": None if expect["value"] == "unknown" else expect["value"]}


@pytest.mark.parametrize("back_end", BACK_ENDS, ids=lambda b: b.name)
@pytest.mark.parametrize("vector", VALUED, ids=lambda v: v.id)
def test_the_condition_has_the_expected_value(vector: Vector, back_end: Any) -> None:
    condition = checked(vector)
    assert not [f for f in condition.findings if CATALOGUE[f.code].severity == "error"]
    snapshot = vector.snapshot()
    result = back_end.evaluate(condition.term, condition.per_gpu, Facts(snapshot, snapshot.gpus, **vector.about()))
    expected = expectation(vector.case["expect"])
    assert result.value is expected["value"]
    if "devices" in expected:
        assert sorted(map(str, result.devices)) == sorted(map(str, expected["devices"]))


@pytest.mark.parametrize("min_indexed", [1, 10**9], ids=["indexed", "specialised"])
@pytest.mark.parametrize("vector", VALUED, ids=lambda v: v.id)
def test_the_condition_is_true_where_expected_when_bound_to_the_snapshot(vector: Vector, min_indexed: int) -> None:
    condition = checked(vector)
    snapshot, about = vector.snapshot(), vector.about()
    specializer = Specializer([RuleTerm(condition.term, condition.per_gpu)], None, min_indexed)
    base, residual = specializer.specialize(Facts(snapshot, snapshot.gpus, node=about.get("node") or NO_NODE))
    transfer, workload = about.get("transfer") or NO_TRANSFER, about.get("workload") or NO_WORKLOAD
    mask = base if residual is None else residual(transfer, workload)
    assert bool(mask) is (expectation(vector.case["expect"])["value"] is True)


@pytest.mark.parametrize("vector", FAULTY, ids=lambda v: v.id)
def test_the_mistake_is_found_at_its_place(vector: Vector) -> None:
    expect, text = vector.case["expect"], joined(vector.case["condition"])
    findings = checked(vector).findings
    errors = [f for f in findings if CATALOGUE[f.code].severity == "error"]
    if "warning" in expect:
        assert not errors
        assert expect["warning"] in [CATALOGUE[f.code].kind for f in findings]
        return
    kinds = [expect["error"]] if isinstance(expect["error"], str) else expect["error"]
    lines = LineIndex(text)
    fitting = []
    for found in errors:
        line, column = lines.position(found.span.start)
        low, high = expect.get("span", (column, column))
        if (
            CATALOGUE[found.code].kind in kinds
            and column == expect.get("column", column)
            and line == expect.get("line", line)
            and low <= column <= high
        ):
            fitting.append(found)
    assert fitting, errors
    assert len(errors) == 1, "one mistake gives one finding"
