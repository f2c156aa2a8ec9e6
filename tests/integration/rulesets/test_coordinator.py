"""``gpurules:coordinator``: the original's scheduling and prefetch tiers, with hysteresis."""

import pytest

from gpurules.engine import Engine
from gpurules.rules import load
from tests.factories import dataset, engine, gpu, model, one_gpu, snapshot

COORDINATOR = load("gpurules:coordinator")


def prefetch_at(running: Engine, at: float, **attributes: object) -> float:
    running.observe(one_gpu(at, **attributes))
    return running.decide().prefetch_factor


@pytest.mark.parametrize(("memory", "delay"), [(79.9, 0), (80, 0), (80.1, 30), (100, 30)])
def test_transfers_wait_30_seconds_above_80_percent(memory: float, delay: float) -> None:
    assert COORDINATOR.evaluate(one_gpu(memory=memory), dataset()).delay == delay


@pytest.mark.parametrize(("temperature", "delay"), [(84, 0), (85, 0), (86, 60), (120, 60)])
def test_transfers_wait_60_seconds_above_85_degrees(temperature: float, delay: float) -> None:
    for transfer in (dataset(), model(), None):
        assert COORDINATOR.evaluate(one_gpu(temperature=temperature), transfer).delay == delay


@pytest.mark.parametrize(("memory", "factor"), [(80, 1.0), (85, 1.0), (85.1, 0.6), (90, 0.6), (90.1, 0.3), (100, 0.3)])
def test_the_prefetch_has_the_tiers_of_the_original(memory: float, factor: float) -> None:
    assert COORDINATOR.evaluate(one_gpu(memory=memory)).prefetch_factor == factor
    assert prefetch_at(engine(COORDINATOR), 0, memory=memory) == factor


def test_heat_alone_reduces_the_prefetch_by_a_factor_that_says_something() -> None:
    assert COORDINATOR.evaluate(one_gpu(temperature=86, memory=10)).prefetch_factor == 0.6


def test_the_longer_delay_and_the_smaller_factor_win() -> None:
    decision = COORDINATOR.evaluate(one_gpu(memory=95, temperature=90), dataset())
    assert (decision.delay, decision.prefetch_factor) == (60, 0.3)


def test_a_transfer_is_not_put_off_for_longer_than_five_minutes() -> None:
    hot = one_gpu(at=280, temperature=90)
    waiting = dataset(created=one_gpu().timestamp)
    assert COORDINATOR.evaluate(hot, waiting).delay == 20


@pytest.mark.parametrize(
    ("transfer", "delay", "boost"),
    [(dataset(), 30, 0), (model(), 0, 50), (dataset(path=None), 30, 0), (dataset(path="/x/y.zzz"), 30, 0)],
    ids=["dataset", "model", "no path", "unknown type"],
)
def test_model_files_go_first_while_the_others_wait(transfer: object, delay: float, boost: float) -> None:
    decision = COORDINATOR.evaluate(one_gpu(memory=81), transfer)  # type: ignore[arg-type]
    assert (decision.delay, decision.priority_boost) == (delay, boost)


def test_large_files_are_staged_while_a_training_runs() -> None:
    decision = COORDINATOR.evaluate(one_gpu(), dataset(size=2**30), node={"active_training": True})
    assert decision.stage is not None
    assert decision.stage.rule == "stage_large_transfers"


def test_the_prefetch_stays_reduced_between_the_two_thresholds() -> None:
    running = engine(COORDINATOR)
    assert prefetch_at(running, 0, memory=86) == 0.6
    for step, memory in enumerate([84, 86, 81, 80, 84.9, 80] * 20, start=1):
        assert prefetch_at(running, 5 * step, memory=memory) == 0.6


def test_the_prefetch_comes_back_half_a_minute_after_memory_fell_below_80() -> None:
    running = engine(COORDINATOR)
    assert prefetch_at(running, 0, memory=86) == 0.6
    assert prefetch_at(running, 5, memory=79.9) == 0.6
    assert prefetch_at(running, 34, memory=79.9) == 0.6
    assert prefetch_at(running, 35, memory=79.9) == 1.0


def test_a_new_peak_starts_the_half_minute_again() -> None:
    running = engine(COORDINATOR)
    prefetch_at(running, 0, memory=86)
    prefetch_at(running, 5, memory=50)
    prefetch_at(running, 30, memory=86)
    assert prefetch_at(running, 40, memory=50) == 0.6
    assert prefetch_at(running, 69, memory=50) == 0.6
    assert prefetch_at(running, 70, memory=50) == 1.0


def test_the_critical_tier_ends_before_the_other() -> None:
    running = engine(COORDINATOR)
    factors = [
        prefetch_at(running, 10 * step, memory=memory) for step, memory in enumerate([91, 87, 84, 84, 84, 84, 79])
    ]
    assert factors == [0.3, 0.3, 0.3, 0.3, 0.3, 0.6, 0.6]


def test_heat_ends_three_degrees_lower() -> None:
    running = engine(COORDINATOR)
    delays = []
    for step, temperature in enumerate([86, 85, 83, 82, 81, 85, 86]):
        running.observe(one_gpu(5 * step, temperature=temperature))
        delays.append(running.decide(dataset()).delay)
    assert delays == [60, 60, 60, 60, 0, 0, 60]


def test_each_gpu_has_its_own_state() -> None:
    running = engine(COORDINATOR)
    running.observe(snapshot(gpu(0, memory=86), gpu(1, memory=50)))
    running.observe(snapshot(gpu(0, memory=84), gpu(1, memory=84), at=5))
    (match,) = [m for m in running.decide().matched if m.rule == "reduce_prefetch_on_memory_pressure"]
    assert match.devices == (0,)


def test_missing_telemetry_starts_nothing() -> None:
    for nothing in (snapshot(), one_gpu(), snapshot(gpu(healthy=False, status="lost"))):
        assert COORDINATOR.evaluate(nothing, dataset()).rules == ()
        running = engine(COORDINATOR)
        running.observe(nothing)
        assert running.decide(dataset()).rules == ()


def test_a_signal_outlives_a_gap_shorter_than_stale_after_and_no_longer() -> None:
    running = engine(COORDINATOR)
    assert prefetch_at(running, 0, memory=86) == 0.6
    assert prefetch_at(running, 14) == 0.6
    assert prefetch_at(running, 15) == 1.0


def test_a_site_sets_its_own_limits() -> None:
    from gpurules.rules import loads

    site = loads(
        "version: 1\nname: site\nextends: [{from: gpurules:coordinator, with: {heat_limit: 80C, memory_delay: 10s}}]\n"
    )
    assert site.evaluate(one_gpu(temperature=81)).delay == 60
    assert site.evaluate(one_gpu(memory=81), dataset()).delay == 10
