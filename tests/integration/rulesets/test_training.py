"""``gpurules:training``: nodes that train."""

import pytest

from gpurules.model import Transfer
from gpurules.rules import load
from tests.factories import GIB, dataset, engine, gpu, job, model, one_gpu, snapshot

TRAINING = load("gpurules:training")
BUSY = {"active_training": True}
STARVED = {"memory": 60, "utilization": 10}


def checkpoint(size: int | None = 4 * GIB) -> Transfer:
    return model(path="/ckpt/step-100.pt", operation="write", size=size)


@pytest.mark.parametrize(("size", "staged"), [(GIB - 1, False), (GIB, True), (None, False)])
def test_checkpoints_go_first_and_large_ones_are_staged(size: int | None, staged: bool) -> None:
    decision = TRAINING.evaluate(one_gpu(), checkpoint(size))
    assert decision.priority_boost == 50
    assert (decision.stage is not None) is staged


def test_a_model_that_is_read_is_no_checkpoint() -> None:
    assert TRAINING.evaluate(one_gpu(), model(size=4 * GIB), node=BUSY).rules == ()


def test_a_gpu_starves_only_after_half_a_minute() -> None:
    running = engine(TRAINING)
    boosts = []
    for at in (0, 15, 29, 30, 35):
        running.observe(one_gpu(at, **STARVED), node=BUSY)
        boosts.append(running.decide(dataset(), job()).priority_boost)
    assert boosts == [0, 0, 0, 40, 40]


def test_a_starved_gpu_is_fed_again_above_60_percent() -> None:
    running = engine(TRAINING)
    boosts = []
    for at, utilization in [(0, 10), (30, 10), (35, 50), (40, 60), (45, 61)]:
        running.observe(one_gpu(at, memory=60, utilization=utilization), node=BUSY)
        boosts.append(running.decide(dataset(), job()).priority_boost)
    assert boosts == [0, 40, 40, 40, 0]


def test_a_training_that_has_ended_boosts_no_priority() -> None:
    running = engine(TRAINING)
    for at, node in [(0, BUSY), (30, BUSY), (35, {"active_training": False})]:
        running.observe(one_gpu(at, **STARVED), node=node)
    assert running.decide(dataset(), job()).priority_boost == 0


@pytest.mark.parametrize(
    ("utilization", "memory", "boost"), [(29.9, 50, 40), (30, 50, 0), (10, 20, 0), (10, 20.1, 40), (10, None, 0)]
)
def test_a_gpu_without_a_job_or_with_enough_to_do_does_not_starve(
    utilization: float, memory: float | None, boost: float
) -> None:
    current = one_gpu(memory=memory, utilization=utilization)
    assert TRAINING.evaluate(current, dataset(), job(), BUSY).priority_boost == boost


def test_only_what_the_job_of_the_starved_gpu_reads_goes_first() -> None:
    current = snapshot(gpu(0, **STARVED), gpu(1, memory=60, utilization=99))
    assert TRAINING.evaluate(current, dataset(), job(gpu_devices=[0]), BUSY).priority_boost == 40
    assert TRAINING.evaluate(current, dataset(), job(gpu_devices=[1]), BUSY).priority_boost == 0
    assert TRAINING.evaluate(current, dataset(), None, BUSY).priority_boost == 0


def test_full_memory_is_normal_up_to_95_percent() -> None:
    running = engine(TRAINING)
    factors = []
    for step, memory in enumerate([95, 95.1, 92, 90, 89, 89]):
        running.observe(one_gpu(30 * step, memory=memory), node=BUSY)
        factors.append(running.decide().prefetch_factor)
    assert factors == [1.0, 0.5, 0.5, 0.5, 0.5, 1.0]


@pytest.mark.parametrize(
    ("transfer", "workload", "limit"),
    [
        (dataset(path="/logs/rank-0.log", operation="write"), job(), 200 * 2**20),
        (dataset(path="/tmp/cache"), job(), 200 * 2**20),
        (dataset(operation="prefetch"), job(type="inference"), 200 * 2**20),
        (dataset(operation="prefetch"), job(), None),
        (dataset(), job(), None),
        (dataset(path=None), None, None),
    ],
    ids=["log", "unknown file", "prefetch of others", "own prefetch", "own data", "nothing known"],
)
def test_background_traffic_leaves_the_bandwidth_to_the_training(
    transfer: Transfer, workload: object, limit: float | None
) -> None:
    assert TRAINING.evaluate(one_gpu(), transfer, workload, BUSY).max_bandwidth == limit  # type: ignore[arg-type]
    assert TRAINING.evaluate(one_gpu(), transfer, workload).max_bandwidth is None  # type: ignore[arg-type]


def test_hot_gpus_are_watched_too() -> None:
    assert TRAINING.evaluate(one_gpu(temperature=86), dataset(), job(), BUSY).delay == 60


def test_missing_telemetry_starts_nothing() -> None:
    for nothing in (snapshot(), one_gpu()):
        assert TRAINING.evaluate(nothing, dataset(), job(), BUSY).rules == ()
