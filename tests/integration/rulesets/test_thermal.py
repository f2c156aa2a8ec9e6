"""``gpurules:thermal``: hot GPUs."""

import pytest

from gpurules.rules import load, loads
from tests.factories import dataset, engine, gpu, one_gpu, snapshot

THERMAL = load("gpurules:thermal")


@pytest.mark.parametrize(
    ("attributes", "rules"),
    [
        ({"temperature": 85}, ()),
        ({"temperature": 86}, ("delay_on_heat", "reduce_prefetch_when_hot")),
        ({"temperature": 90}, ("delay_on_heat", "reduce_prefetch_when_hot")),
        ({"temperature": 91}, ("pause_on_overheating", "delay_on_heat", "reduce_prefetch_when_hot")),
        ({"memory_temperature": 92}, ()),
        ({"memory_temperature": 93}, ("delay_on_heat", "reduce_prefetch_when_hot")),
        ({"throttle_thermal": True}, ("work_gently_while_braking",)),
        ({"throttle_thermal": False}, ()),
        ({"throttled": True, "throttle_power": True}, ()),
        ({"temperature_margin": 3}, ()),
        ({"temperature_margin": 2}, ("work_gently_while_braking",)),
        ({"temperature_margin": -4}, ("work_gently_while_braking",)),
    ],
)
def test_each_threshold_starts_its_rules_and_no_others(attributes: dict[str, object], rules: tuple[str, ...]) -> None:
    assert THERMAL.evaluate(one_gpu(**attributes), dataset()).rules == rules
    running = engine(THERMAL)
    running.observe(one_gpu(**attributes))
    assert running.decide(dataset()).rules == rules


def test_a_hot_gpu_holds_transfers_back_for_a_minute() -> None:
    decision = THERMAL.evaluate(one_gpu(temperature=86), dataset())
    assert (decision.delay, decision.prefetch_factor, decision.paused) == (60, 0.6, False)


def test_a_braking_gpu_is_fed_gently() -> None:
    decision = THERMAL.evaluate(one_gpu(throttle_thermal=True), dataset())
    assert (decision.prefetch_factor, decision.max_concurrency, decision.delay) == (0.3, 2, 0)


def test_an_overheating_gpu_pauses_everything() -> None:
    assert THERMAL.evaluate(one_gpu(temperature=91), dataset()).paused


def test_hot_ends_five_degrees_lower() -> None:
    running = engine(THERMAL)
    delays = []
    for step, temperature in enumerate([86, 84, 81, 80, 79, 85]):
        running.observe(one_gpu(5 * step, temperature=temperature))
        delays.append(running.decide(dataset()).delay)
    assert delays == [60, 60, 60, 60, 0, 0]


def test_a_released_brake_counts_for_another_minute() -> None:
    running = engine(THERMAL)
    limits = []
    for at, braking in [(0, True), (5, False), (60, False), (64, False), (65, False)]:
        running.observe(one_gpu(at, throttle_thermal=braking))
        limits.append(running.decide(dataset()).max_concurrency)
    assert limits == [2, 2, 2, 2, None]


def test_a_board_without_a_memory_sensor_is_watched_by_its_core() -> None:
    running = engine(THERMAL)
    running.observe(one_gpu(0, temperature=86))
    running.observe(one_gpu(60, temperature=79))
    assert running.decide(dataset()).rules == ()


def test_missing_temperatures_start_nothing() -> None:
    for nothing in (snapshot(), one_gpu(), one_gpu(power=700, utilization=100), snapshot(gpu(status="lost"))):
        assert THERMAL.evaluate(nothing, dataset()).rules == ()


def test_the_limit_is_set_by_who_extends_it() -> None:
    site = loads("version: 1\nname: site\nextends: [{from: gpurules:thermal, with: {limit: 83C}}]\n")
    assert site.evaluate(one_gpu(temperature=83), dataset()).rules == ()
    assert site.evaluate(one_gpu(temperature=84), dataset()).delay == 60
    assert THERMAL.evaluate(one_gpu(temperature=84), dataset()).delay == 0
