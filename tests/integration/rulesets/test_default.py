"""``gpurules:default``: the original's four rules, unchanged."""

import pytest

from gpurules.rules import load
from tests.factories import dataset, gpu, model, one_gpu, snapshot

DEFAULT = load("gpurules:default")
MIB = 1024**2


def test_the_four_rules_are_those_of_the_original() -> None:
    found = {
        rule.name: (rule.text, rule.actions[0].name, dict(rule.actions[0].parameters), rule.priority)
        for rule in DEFAULT.rules
    }
    given = ("reduction_factor", "delay_seconds", "priority_boost", "staging_threshold")
    assert {
        name: (text, action, {k: v for k, v in parameters.items() if k in given}, priority)
        for name, (text, action, parameters, priority) in found.items()
    } == {
        "delay_transfer_on_temperature": ("gpu_temperature > 87", "delay_transfer", {"delay_seconds": 30}, 20),
        "prioritize_model_files": (
            "gpu_memory > 80 AND file_type == 'model'",
            "increase_priority",
            {"priority_boost": 50},
            15,
        ),
        "reduce_prefetch_on_memory_pressure": ("gpu_memory > 85", "reduce_prefetch", {"reduction_factor": 0.5}, 10),
        "stage_large_transfers": (
            "active_training AND transfer_size > 100MB",
            "stage_transfer",
            {"staging_threshold": 104857600},
            5,
        ),
    }


@pytest.mark.parametrize(("memory", "factor"), [(84.9, 1.0), (85, 1.0), (85.1, 0.5), (100, 0.5)])
def test_half_of_the_prefetch_is_left_above_85(memory: float, factor: float) -> None:
    assert DEFAULT.evaluate(one_gpu(memory=memory)).prefetch_factor == factor


@pytest.mark.parametrize(("temperature", "delay"), [(86, 0), (87, 0), (87.5, 30), (88, 30)])
def test_transfers_wait_half_a_minute_above_87_degrees(temperature: float, delay: float) -> None:
    assert DEFAULT.evaluate(one_gpu(temperature=temperature), dataset()).delay == delay


@pytest.mark.parametrize(
    ("memory", "transfer", "boost"),
    [(80, model(), 0), (80.1, model(), 50), (99, dataset(), 0), (99, model(path=None), 0)],
    ids=["at the limit", "above", "another file", "no path"],
)
def test_only_model_files_go_first_and_only_above_80(memory: float, transfer: object, boost: float) -> None:
    assert DEFAULT.evaluate(one_gpu(memory=memory), transfer).priority_boost == boost  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("training", "size", "staged"),
    [(True, 100 * MIB, False), (True, 100 * MIB + 1, True), (False, 200 * MIB, False), (True, None, False)],
)
def test_files_over_100_mib_are_staged_while_a_training_runs(training: bool, size: int | None, staged: bool) -> None:
    decision = DEFAULT.evaluate(one_gpu(), dataset(size=size), node={"active_training": training})
    assert (decision.stage is not None) is staged


def test_an_idle_gpu_whose_memory_controller_is_busy_is_not_full() -> None:
    idle = one_gpu(memory_used=1, memory_total=100, memory_busy=99)
    assert DEFAULT.evaluate(idle, model()).rules == ()


def test_no_telemetry_starts_nothing() -> None:
    for nothing in (snapshot(), one_gpu(), snapshot(gpu(healthy=False, status="lost"))):
        assert DEFAULT.evaluate(nothing, model(size=10**12)).rules == ()
