"""Evaluation without history: functions for the snapshots that come, and whatever else comes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gpurules.model import GPU, Snapshot, Transfer, Workload
from gpurules.rules import Ruleset, load
from gpurules.rules.evaluator import MAX_MISFITS
from tests.factories import gpu, model, ruleset, snapshot

RULES = """
  - {name: full, condition: gpu_memory > 80, action: pause_transfer}
  - {name: fuller, condition: gpu_memory >= 90, action: pause_transfer}
  - {name: brim, condition: "gpu_memory > 90 AND file_type == 'model'", action: pause_transfer}
  - {name: again, condition: gpu_memory > 80, action: pause_transfer}
  - {name: cold, condition: gpu_temperature < 20, action: pause_transfer}
  - {name: colder, condition: gpu_temperature <= 10, action: pause_transfer}
  - {name: odd, condition: gpu_memory > 50 AND gpu_temperature < 50, action: pause_transfer}
  - {name: own, condition: gpu_memory > 10, gpus: workload, action: pause_transfer}
"""


def expected(gpus: tuple[GPU, ...], workload: Workload) -> set[str]:
    """Return the rules that match a model, by comparisons written out."""
    memory = [g.memory for g in gpus if g.memory is not None]
    cold = [g.temperature for g in gpus if g.temperature is not None]
    both = [(g.memory or 0) > 50 and g.temperature is not None and g.temperature < 50 for g in gpus]
    own = [(g.memory or 0) > 10 for g in gpus if g.index in workload.gpu_devices]
    found = {"full": any(m > 80 for m in memory), "fuller": any(m >= 90 for m in memory)}
    found |= {"again": found["full"], "brim": any(m > 90 for m in memory), "own": any(own), "odd": any(both)}
    found |= {"cold": any(t < 20 for t in cold), "colder": any(t <= 10 for t in cold)}
    return {name for name, is_true in found.items() if is_true}


MEMORIES: list[float | None] = [0, 50, 80, 80.5, 90, 90.5, None]
TEMPERATURES: list[float | None] = [10, 10.5, 20, 49, 50, None]
SNAPSHOTS = [
    tuple(
        gpu(n, memory=MEMORIES[(step * 5 + n * 3) % 7], temperature=TEMPERATURES[(step + n * 2) % 6])
        for n in range(count)
    )
    for count in (1, 2, 0, 8, 3, 1, 20, 1, 1, 2)
    for step in range(42)
]


@pytest.mark.parametrize("stride", [1, 5, 11, 43])
def test_whatever_number_of_gpus_and_missing_readings_follow_each_other_the_rules_that_match_are_right(
    stride: int,
) -> None:
    rules, workload = ruleset(RULES), Workload(gpu_devices=(0, 2))
    for number in range(len(SNAPSHOTS)):
        gpus = SNAPSHOTS[number * stride % len(SNAPSHOTS)]
        for _ in range(2):  # the function for just these GPUs is used at the second
            assert set(rules.evaluate(snapshot(*gpus), model(), workload).rules) == expected(gpus, workload)


def test_readings_that_are_always_missing_end_the_search_for_a_better_function() -> None:
    rules, current = ruleset(RULES), snapshot(gpu(0, memory=95), gpu(1))
    used = []
    for _ in range(MAX_MISFITS + 5):
        assert rules.evaluate(replace(current), model()).rules == ("full", "fuller", "brim", "again")
        used.append(rules.evaluate)
    assert used[-1] == used[-2] != used[5]
    assert rules.evaluate(snapshot(gpu(0, memory=85)), model()).rules == ("full", "again")


def test_a_decision_on_a_snapshot_asked_once_equals_one_on_a_snapshot_asked_often() -> None:
    rules = load("gpurules:default")
    node, current = {"active_training": True}, snapshot(gpu(0, memory=95, temperature=91), gpu(1, memory=30), at=50)
    transfer = Transfer(path="/m/a.safetensors", size=1 << 30, created=50.0)
    known = [rules.evaluate(current, transfer, node=node) for _ in range(4)][-1]
    for _ in range(3):
        first = rules.evaluate(replace(current), transfer, node=node)
        assert first.rules == known.rules and len(first.rules) == 4
        assert first == known
        assert first.explain() == known.explain()
        assert (first.priority_boost, first.prefetch_factor, first.source, first.stale) == (50, 0.5, "engine", False)


def test_facts_may_be_given_by_position_or_name_at_any_time_and_the_method_keeps_its_documentation() -> None:
    rules, facts = ruleset(RULES), (model(), Workload(gpu_devices=(0,)), {"active_training": True})
    early = rules.evaluate
    for _ in range(4):
        for evaluate in (early, rules.evaluate):
            current = snapshot(gpu(0, memory=50, temperature=30))
            assert evaluate(current, *facts).rules == ("own",)
            assert evaluate(snapshot=replace(current), workload=facts[1]).rules == ("own",)
            assert evaluate(replace(current)).rules == ()
    assert rules.evaluate.__doc__ == Ruleset.evaluate.__doc__


def test_a_subclass_that_overrides_evaluate_is_always_called() -> None:
    calls = []

    class Audited(Ruleset):
        def evaluate(self, snapshot: Snapshot, *facts: Any, **more: Any) -> Any:
            calls.append(snapshot)
            return super().evaluate(snapshot, *facts, **more)

    plain = ruleset(RULES)
    audited = Audited(plain.name, plain.rules, plain.signals, plain.settings, plain.version)
    for _ in range(5):
        assert audited.evaluate(snapshot(gpu(0, memory=85))).rules == ("full", "again")
    assert len(calls) == 5


@pytest.mark.parametrize("given", [{"active_training": None}, {"active_training": 1}, {}, {"hour": 3}])
def test_a_fact_of_the_node_that_is_no_boolean_is_not_true(given: Mapping[str, object]) -> None:
    rules = ruleset("  - {name: a, condition: active_training, action: pause_transfer}\n")
    for _ in range(3):
        assert rules.evaluate(snapshot(gpu(0)), node=given).rules == ()
        assert rules.evaluate(snapshot(gpu(0)), node={**given, "active_training": True}).rules == ("a",)


def test_an_integer_limit_that_no_float_is_equal_to_is_compared_exactly() -> None:
    limit = 2**53 + 1
    rules = ruleset(f"  - {{name: a, condition: gpu_memory_used >= {limit}B, action: pause_transfer}}\n")
    for used, is_true in ((limit - 1, False), (limit, True), (limit + 1, True)):
        for _ in range(3):
            assert (rules.evaluate(snapshot(gpu(0, memory_used=used))).rules == ("a",)) is is_true
