"""The system's clock is set while the agent runs."""

import pytest

from gpurules.model import Transfer, Workload
from tests.integration.coordinator.stand import node, ruleset

HOUR = 3600.0
PRESSURE = ruleset(
    "{name: held, condition: pressure, action: pause_transfer}",
    signals="{pressure: {condition: gpu_memory > 80, for: 30s, keep_for: 30s}}",
)


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_timer_runs_on_as_if_the_clock_had_not_been_set(step: float) -> None:
    with node(PRESSURE) as it:
        for _ in range(4):
            it.poll(90)
        it.clock.set_by(step)
        for _ in range(2):
            assert it.poll(90).transitions == ()
        (change,) = it.poll(90).transitions
        assert (change.on, change.lasted) == (True, 30)
        it.clock.set_by(-step)
        for _ in range(6):
            assert it.poll(50).transitions == ()
        (change,) = it.poll(50).transitions
        assert (change.on, change.lasted) == (False, 35)
        counts = it.coordinator.collect()
        assert (counts.clock_steps, counts.ignored_snapshots, counts.missed_polls) == (2, 0, 0)


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_windows_keep_their_samples(step: float) -> None:
    with node(ruleset("{name: full, condition: 'count_over_time(gpu_memory[1m]) >= 6', action: pause_transfer}")) as it:
        for _ in range(5):
            it.poll(90)
        it.clock.set_by(step)
        it.poll(90)
        assert it.coordinator.decide().paused


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_decisions_are_fresh_after_the_next_poll(step: float) -> None:
    with node(PRESSURE) as it:
        it.poll(90)
        it.clock.set_by(step)
        it.poll(90)
        assert not it.coordinator.decide().stale
        it.clock.advance(16)
        assert it.coordinator.decide().stale


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_leases_and_the_ages_of_transfers_do_not_jump(step: float) -> None:
    with node(ruleset("{name: old, condition: transfer_age > 30s, action: pause_transfer}")) as it:
        it.coordinator.register_workload(Workload(id="w"), lease_seconds=60)
        it.coordinator.schedule_transfer(Transfer(id="t"))
        it.clock.set_by(step)
        it.poll(50, after=10)
        (pending,) = it.coordinator.schedule.pending()
        assert pending.created is not None and it.clock() - pending.created == 10
        assert it.coordinator.collect().active_workloads == 1
        it.poll(50, after=55)
        assert it.coordinator.collect().active_workloads == 0


def test_a_cooldown_does_not_jump() -> None:
    rule = "{name: full, condition: gpu_memory > 80, action: log, cooldown: 60s}"
    with node(ruleset(rule)) as it:
        it.poll(90)
        it.clock.set_by(HOUR)
        it.poll(50)
        (edge,) = it.poll(90).edges
        assert edge.suppressed


def test_a_clock_that_runs_a_little_fast_is_left_alone() -> None:
    with node(PRESSURE) as it:
        for _ in range(20):
            it.clock.set_by(0.5)
            it.poll(90)
        assert it.coordinator.collect().clock_steps == 0


def test_a_gap_in_time_is_no_step_of_the_clock() -> None:
    with node(PRESSURE) as it:
        it.poll(90)
        it.poll(90, after=HOUR)
        assert it.coordinator.collect().clock_steps == 0


def test_a_recording_keeps_its_own_time() -> None:
    with node(PRESSURE) as it:
        times = iter(range(10, 1000, 5))
        it.source.clock = lambda: next(times)
        for _ in range(4):
            it.poll(90)
        it.clock.set_by(-HOUR)
        it.poll(90)
        snapshot = it.coordinator.engine.snapshot
        assert snapshot is not None and snapshot.timestamp == 30
