"""Every case on the columnar back end: conditions on one snapshot, and every sequence through the kernel."""

from pathlib import Path

import numpy as np
import pytest

from gpurules.backends import Facts
from gpurules.backends.backend import UnsupportedError
from gpurules.backends.columnar import ColumnarBackEnd
from gpurules.history.kernel.outcome import match_rules
from gpurules.model import Snapshot
from gpurules.rules import load
from tests.conformance.test_conditions import VALUED, checked, expectation
from tests.conformance.test_rulesets import SEQUENCES, written
from tests.conformance.vectors import Vector
from tests.history_cases import differences, outcomes


@pytest.mark.parametrize("vector", VALUED, ids=lambda v: v.id)
def test_the_columnar_back_end_gives_the_expected_value_or_says_that_doubles_cannot(vector: Vector) -> None:
    condition, snapshot = checked(vector), vector.snapshot()
    facts = Facts(snapshot, snapshot.gpus, **vector.about())
    try:
        result = ColumnarBackEnd().evaluate(condition.term, condition.per_gpu, facts)
    except UnsupportedError as error:
        assert "2**53" in str(error)
        return
    expected = expectation(vector.case["expect"])
    assert result.value is expected["value"]
    if "devices" in expected:
        assert sorted(map(str, result.devices)) == sorted(map(str, expected["devices"]))


def test_nearly_every_case_is_said_by_doubles() -> None:
    refused = 0
    for vector in VALUED:
        condition, snapshot = checked(vector), vector.snapshot()
        try:
            facts = Facts(snapshot, snapshot.gpus, **vector.about())
            ColumnarBackEnd().evaluate(condition.term, condition.per_gpu, facts)
        except UnsupportedError:
            refused += 1
    assert refused <= len(VALUED) // 25


def observed(vector: Vector) -> list[tuple[Snapshot, dict[str, object]]]:
    node: dict[str, object] = {}
    steps = []
    for step in vector.case["sequence"]:
        data = {"timestamp": step["at"], "gpus": step.get("gpus", []), "host": step.get("host")}
        node = (
            step["node"] if step.get("node") is not None else node
        )  # what an engine was given applies until it is replaced
        steps.append((vector.snapshot(data), node))
    return steps


@pytest.mark.parametrize("batch", [1, 2, 1000])
@pytest.mark.parametrize("vector", SEQUENCES, ids=lambda v: v.id)
def test_the_kernel_and_the_engine_agree_on_every_sequence(vector: Vector, batch: int, tmp_path: Path) -> None:
    assert differences(load(written(vector, tmp_path)), observed(vector), batch) == []


@pytest.mark.parametrize("vector", SEQUENCES, ids=lambda v: v.id)
def test_the_kernel_matches_at_every_step_as_expected(vector: Vector, tmp_path: Path) -> None:
    ruleset = load(written(vector, tmp_path))
    asked_about_transfers = any(step.get("transfer") for step in vector.case["sequence"])
    if asked_about_transfers:
        return  # what rules ask of a transfer is the engine's to say
    ours, _ = outcomes(ruleset, observed(vector), 1000)
    times = [step["at"] for step in vector.case["sequence"]]
    if not ours or ours[0].refused or times != sorted(set(times)):
        return
    rules = [rule for rule in ruleset.rules if rule.enabled]
    masks = match_rules(rules, ours[0].rules, ours[0].rows.groups)
    for n, step in enumerate(vector.case["sequence"]):
        if "matched" not in step:
            continue
        names = [next(iter(m)) if isinstance(m, dict) else m for m in step["matched"]]
        found = []
        for rule in rules:
            mask = masks[rule.name]
            is_rows = rule.per_gpu and rule.gpus != "workload"
            here = mask[ours[0].rows.groups.snapshot == n] if is_rows else mask[n : n + 1]
            if np.any(here) and not rule.is_shadow:
                found.append(rule.name)
        assert found == names, n
