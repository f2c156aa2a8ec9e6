"""What all matching rules together ask for."""

import json

import pytest

from gpurules.actions.targets import Stage
from gpurules.rules import Ruleset
from tests.factories import NEW_YEAR, dataset, engine, gpu, one_gpu, ruleset, snapshot

FULL_GPU = one_gpu(memory=90)


def orders(*actions: str, head: str = "") -> Ruleset:
    lines = [f"  - {{name: r{n}, condition: gpu_memory > 80, priority: {-n}, {a}}}\n" for n, a in enumerate(actions)]
    return ruleset("".join(lines), head)


def test_without_a_match_everything_is_neutral() -> None:
    decision = orders("action: pause_transfer").evaluate(one_gpu(memory=10), dataset())
    assert (decision.prefetch_factor, decision.delay, decision.priority_boost, decision.stage) == (1.0, 0, 0, None)
    assert (decision.max_bandwidth, decision.max_concurrency, decision.paused) == (None, None, False)
    assert decision.matched == ()


def test_directives_combine_by_their_policy() -> None:
    decision = orders(
        "action: reduce_prefetch, parameters: {reduction_factor: 0.5}",
        "action: reduce_prefetch, parameters: {reduction_factor: 0.3}",
        "action: delay_transfer, parameters: {delay: 1m}",
        "action: delay_transfer, parameters: {delay_seconds: 30}",
        "action: increase_priority, parameters: {priority_boost: 50}",
        "action: increase_priority, parameters: {priority_boost: -20}",
        "action: limit_bandwidth, parameters: {max_bandwidth: 200MB/s}",
        "action: limit_bandwidth, parameters: {max_bandwidth: 100MB/s}",
        "action: limit_concurrency, parameters: {max_concurrency: 4}",
    ).evaluate(FULL_GPU, dataset())
    assert (decision.prefetch_factor, decision.delay, decision.priority_boost) == (0.3, 60, 30)
    assert (decision.max_bandwidth, decision.max_concurrency) == (100 * 1024**2, 4)


@pytest.mark.parametrize(("age", "delay"), [(None, 300), (0, 300), (290, 10), (300, 0), (1000, 0), (-50, 0)])
def test_a_delay_is_capped_by_the_patience_that_is_left(age: float | None, delay: float) -> None:
    rules = orders("action: delay_transfer, parameters: {delay: 1h}")
    created = None if age is None else NEW_YEAR - age
    wanted = 0 if age is None or age < 0 else delay
    assert rules.evaluate(FULL_GPU, dataset(created=created)).delay in (wanted, 300)


def test_a_pause_ends_with_the_patience_too() -> None:
    rules = orders("action: pause_transfer")
    assert rules.evaluate(FULL_GPU, dataset(created=NEW_YEAR - 299)).paused
    assert not rules.evaluate(FULL_GPU, dataset(created=NEW_YEAR - 301)).paused


def test_boosts_are_clamped() -> None:
    rules = orders(
        "action: increase_priority, parameters: {priority_boost: 80}",
        "action: increase_priority, parameters: {priority_boost: 80}",
    )
    assert rules.evaluate(FULL_GPU).priority_boost == 100
    own = orders("action: increase_priority, parameters: {priority_boost: -80}", head="settings: {max_priority: 50}")
    assert own.evaluate(FULL_GPU).priority_boost == -50


def test_staging_goes_to_the_weightiest_rule_whose_threshold_is_reached() -> None:
    rules = orders(
        "action: stage_transfer, parameters: {staging_threshold: 1GiB, staging_area: /fast}",
        "action: stage_transfer, parameters: {staging_threshold: 1MiB, staging_area: /slow, on_full: wait}",
    )
    assert rules.evaluate(FULL_GPU, dataset(size=2**30)).stage == Stage("/fast", 2**30, "direct", "r0")
    assert rules.evaluate(FULL_GPU, dataset(size=2**20)).stage == Stage("/slow", 2**20, "wait", "r1")
    assert rules.evaluate(FULL_GPU, dataset(size=2**20 - 1)).stage is None
    assert rules.evaluate(FULL_GPU, dataset()).stage is None


def test_a_match_names_rule_devices_and_actions() -> None:
    rules = orders("actions: [{action: pause_transfer}, {action: log}]")
    (match,) = rules.evaluate(snapshot(gpu(0, memory=90), gpu(1, memory=10), gpu("2:0", memory=99))).matched
    assert (match.rule, match.devices) == ("r0", (0, "2:0"))
    assert [a.name for a in match.actions] == ["pause_transfer", "log"]


def test_shadows_order_nothing() -> None:
    rules = ruleset("  - {name: a, condition: gpu_memory > 80, action: pause_transfer, mode: shadow}\n")
    decision = rules.evaluate(FULL_GPU, dataset())
    assert decision.matched == ()
    assert not decision.paused


def test_a_decision_says_of_when_and_of_what_it_is() -> None:
    rules = orders("action: pause_transfer")
    decision = rules.evaluate(one_gpu(7, memory=90))
    assert decision.snapshot_time == NEW_YEAR + 7
    assert decision.ruleset_version == rules.version
    assert not decision.stale


def test_a_decision_is_json() -> None:
    rules = orders(
        "action: stage_transfer", "action: pause_transfer", "action: delay_transfer, parameters: {delay: 5s}"
    )
    data = rules.evaluate(FULL_GPU, dataset(size=5)).to_dict()
    assert json.loads(json.dumps(data)) == data


def test_decisions_are_equal_when_they_say_the_same() -> None:
    rules = orders("action: delay_transfer, parameters: {delay: 10s, jitter: 1}")
    running = engine(rules)
    running.observe(FULL_GPU)
    assert running.decide(dataset()) == rules.evaluate(FULL_GPU, dataset())
    assert hash(running.decide(dataset())) == hash(rules.evaluate(FULL_GPU, dataset()))
    assert running.decide(dataset()) != running.decide(dataset(id="other"))


def test_a_decision_does_not_change() -> None:
    decision = orders("action: pause_transfer").evaluate(FULL_GPU)
    with pytest.raises(AttributeError):
        decision.paused = False  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        decision.directives["paused"] = False  # type: ignore[index]


@pytest.mark.parametrize(("count", "minimum", "left"), [(8, 0, 2), (1, 0, 0), (1, 1, 1), (0, 0, 0)])
def test_the_prefetch_that_is_left(count: int, minimum: int, left: int) -> None:
    decision = orders("action: reduce_prefetch, parameters: {reduction_factor: 0.3}").evaluate(FULL_GPU)
    assert decision.prefetch(count, minimum) == left


def test_it_shows_what_differs_from_neutral() -> None:
    shown = repr(orders("action: delay_transfer, parameters: {delay: 5s}").evaluate(FULL_GPU, dataset()))
    assert "r0" in shown and "delay=5" in shown and "paused" not in shown
