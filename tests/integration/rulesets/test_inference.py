"""``gpurules:inference``: nodes that serve."""

import pytest

from gpurules.model import Transfer
from gpurules.rules import load
from tests.factories import GIB, dataset, engine, gpu, model, one_gpu, snapshot

INFERENCE = load("gpurules:inference")
SERVING = {"active_inference": True}
MIB = 2**20


def test_models_load_first() -> None:
    assert INFERENCE.evaluate(one_gpu(), model()).priority_boost == 60
    assert INFERENCE.evaluate(one_gpu(), model(operation="prefetch")).priority_boost == 60
    assert INFERENCE.evaluate(one_gpu(), model(operation="write")).priority_boost == 0
    assert INFERENCE.evaluate(one_gpu(), dataset()).priority_boost == 0


@pytest.mark.parametrize(("size", "staged"), [(GIB - 1, False), (GIB, True), (None, False)])
def test_large_models_are_kept_near(size: int | None, staged: bool) -> None:
    assert (INFERENCE.evaluate(one_gpu(), model(size=size)).stage is not None) is staged


@pytest.mark.parametrize(
    ("free", "size", "delay"),
    [
        ((4 * GIB, 8 * GIB), 8 * GIB, 0),
        ((4 * GIB, 8 * GIB), 8 * GIB + 1, 30),
        ((None, 4 * GIB), 5 * GIB, 30),
        ((None, None), 5 * GIB, 0),
        ((), 5 * GIB, 0),
        ((4 * GIB,), None, 0),
    ],
    ids=["fits one", "fits none", "fits the only known", "nothing known", "no GPU", "no size"],
)
def test_a_model_waits_where_no_gpu_has_room(free: tuple[int | None, ...], size: int | None, delay: float) -> None:
    gpus = [gpu(index, memory_free=amount) for index, amount in enumerate(free)]
    assert INFERENCE.evaluate(snapshot(*gpus), model(size=size)).delay == delay


def test_other_transfers_are_held_down_after_ten_busy_seconds_until_a_minute_of_idleness() -> None:
    running = engine(INFERENCE)
    limits = []
    for at, utilization in [(0, 71), (9, 71), (10, 71), (20, 50), (30, 39), (89, 39), (90, 39), (95, 70)]:
        running.observe(one_gpu(at, utilization=utilization), node=SERVING)
        limits.append(running.decide(dataset()).max_bandwidth)
    assert limits == [None, None, 500 * MIB, 500 * MIB, 500 * MIB, 500 * MIB, None, None]


@pytest.mark.parametrize(
    ("transfer", "concurrency"), [(dataset(), 4), (dataset(path=None), 4), (model(), None)], ids=["data", "?", "model"]
)
def test_models_are_never_held_down(transfer: Transfer, concurrency: int | None) -> None:
    decision = INFERENCE.evaluate(one_gpu(utilization=71), transfer, node=SERVING)
    assert decision.max_concurrency == concurrency


def test_a_busy_node_without_inference_limits_no_bandwidth() -> None:
    assert INFERENCE.evaluate(one_gpu(utilization=100), dataset()).max_bandwidth is None


@pytest.mark.parametrize(("memory", "factor"), [(92, 1.0), (94, 1.0), (94.1, 0.3)])
def test_the_prefetch_is_reduced_above_what_was_planned(memory: float, factor: float) -> None:
    assert INFERENCE.evaluate(one_gpu(memory=memory)).prefetch_factor == factor


def test_the_plan_holds_again_below_92_percent() -> None:
    running = engine(INFERENCE)
    factors = []
    for step, memory in enumerate([95, 92, 91.9, 91.9]):
        running.observe(one_gpu(30 * step, memory=memory))
        factors.append(running.decide().prefetch_factor)
    assert factors == [0.3, 0.3, 0.3, 1.0]


def test_hot_gpus_are_watched_too() -> None:
    assert INFERENCE.evaluate(one_gpu(temperature=86), dataset()).delay == 60


def test_missing_telemetry_starts_nothing() -> None:
    for nothing in (snapshot(), one_gpu()):
        assert INFERENCE.evaluate(nothing, dataset(), node=SERVING).rules == ()
