"""Sources that raise, hang and end, and what becomes of signals and decisions meanwhile."""

import threading
import time

import pytest

from gpurules import Coordinator
from gpurules.engine import CoordinatorOptions
from gpurules.errors import RegistrationError
from gpurules.model import GPU, Transfer
from gpurules.rules import loads
from gpurules.telemetry import EndOfTelemetry, TelemetryError
from tests.integration.coordinator.stand import START, Clock, Script, gpu, node, ruleset
from tests.waiting import wait_until

PRESSURE = "{pressure: {condition: gpu_memory > 80}}"
FULL = "{name: held, condition: gpu_memory > 80, action: pause_transfer}"
HELD = "{name: held, condition: pressure, action: pause_transfer}"


def test_a_source_that_raises_is_a_missed_poll_and_then_goes_on() -> None:
    with node(ruleset(HELD, signals=PRESSURE)) as it:
        it.poll(90)
        report = it.blind()
        assert (report.snapshot, report.error) == (None, "script: RuntimeError: the driver is gone")
        assert it.coordinator.status().source_error == report.error
        assert it.coordinator.decide().paused
        it.poll(90)
        counts = it.coordinator.collect()
        assert (counts.polls, counts.missed_polls, counts.last_source_error) == (3, 1, None)


@pytest.mark.parametrize("error", [SystemExit(), KeyboardInterrupt(), MemoryError(), TelemetryError("no driver")])
def test_whatever_a_source_raises_ends_nothing(error: BaseException) -> None:
    with node(ruleset(FULL)) as it:
        it.source.error = error
        assert it.poll().error
        it.source.error = None
        assert it.poll(90).snapshot


def test_without_telemetry_decisions_turn_stale_and_signals_are_released() -> None:
    with node(ruleset(HELD, signals=PRESSURE)) as it:
        it.poll(90)
        for seconds in (5, 10):
            assert not it.blind().transitions
            assert (it.coordinator.decide().paused, it.coordinator.decide().stale) == (True, False), seconds
        (change,) = it.blind().transitions
        assert (change.on, change.because) == (False, "stale")
        decision = it.coordinator.decide()
        assert (decision.paused, decision.stale) == (False, False)
        it.clock.advance(0.1)
        assert it.coordinator.decide().stale
        (lost,) = it.coordinator.gpu_status()
        assert (lost.status, lost.healthy, lost.memory) == ("unavailable", False, None)
        report = it.poll(90)
        assert [change.on for change in report.transitions] == [True]
        assert not it.coordinator.decide().stale


def test_on_stale_hold_holds() -> None:
    with node(ruleset(HELD, signals=PRESSURE, settings="{on_stale: hold}")) as it:
        it.poll(90)
        for _ in range(30):
            it.blind()
        decision = it.coordinator.decide()
        assert (decision.paused, decision.stale) == (True, True)


def test_the_age_of_telemetry_grows_while_there_is_none() -> None:
    with node(ruleset("{name: blind, condition: telemetry_age > 1m, action: pause_transfer}")) as it:
        it.poll(50)
        for _ in range(12):
            it.blind()
        assert not it.coordinator.decide().paused
        it.blind()
        assert it.coordinator.decide().paused
        assert it.coordinator.status().telemetry_age == 65
        it.poll(50)
        assert not it.coordinator.decide().paused


def test_gpus_of_which_nothing_is_heard_are_dropped_after_a_time() -> None:
    with node(ruleset(FULL, settings="{forget_gpu_after: 1m}")) as it:
        it.poll(90)
        for _ in range(16):
            it.blind()
        assert it.coordinator.gpu_status() == ()


def test_a_source_that_never_works_leaves_rules_over_the_node_in_force() -> None:
    with node(ruleset("{name: dark, condition: telemetry_age > 20s, action: pause_transfer}")) as it:
        for _ in range(6):
            assert it.blind().snapshot is None
        decision = it.coordinator.decide(Transfer(id="t"))
        assert (decision.paused, decision.stale) == (True, True)


def test_a_snapshot_that_is_not_newer_is_ignored_and_counted() -> None:
    with node(ruleset(FULL)) as it:
        it.source.clock = lambda: START
        it.poll(90)
        it.poll(50)
        assert it.coordinator.collect().ignored_snapshots == 1


def test_a_source_that_hangs_is_read_once_and_delays_no_other() -> None:
    with node(ruleset(HELD, signals=PRESSURE), read_timeout=0.02) as it:
        it.poll(90)
        it.source.hang()
        began = time.monotonic()
        for _ in range(5):
            assert "has not answered for" in str(it.poll().error)
            assert it.coordinator.collect().polls
        assert time.monotonic() - began < 5
        assert not it.coordinator.decide().paused, "its telemetry is stale by now"
        assert (it.source.reads, it.source.most_under_way) == (2, 1)
        it.source.recover()
        wait_until(lambda: it.poll().snapshot)
        assert it.poll(90).snapshot
        assert it.coordinator.decide().paused
        assert it.source.most_under_way == 1


def test_what_comes_back_late_is_not_taken_for_news() -> None:
    with node(ruleset(FULL), read_timeout=0.02) as it:
        it.poll(90)
        it.source.hang()
        for _ in range(5):
            it.poll()
        it.source.recover()
        wait_until(lambda: it.poll(50, after=0.01).snapshot)
        assert it.coordinator.collect().ignored_snapshots == 1
        it.poll(50)
        assert it.coordinator.engine.snapshot.gpus[0].memory == 50  # type: ignore[union-attr]


def test_the_loop_goes_on_while_the_source_hangs() -> None:
    clock = Clock()
    source = Script(time.time, (gpu(90),))
    options = CoordinatorOptions(poll_interval=0.01, stop_timeout=0.3)
    with Coordinator(
        loads(ruleset(HELD, signals=PRESSURE, settings="{stale_after: 50ms}")), source, options=options
    ) as it:
        assert it.decide().paused
        source.hang()
        wait_until(lambda: it.decide().stale and not it.decide().paused)
        polls = it.collect().polls
        wait_until(lambda: it.collect().polls > polls + 5)
        assert source.most_under_way == 1
        source.recover()
        wait_until(lambda: it.decide().paused)
    assert clock


def test_a_source_that_ends_says_so_and_turns_stale() -> None:
    with node(ruleset(HELD, signals=PRESSURE)) as it:
        it.poll(90)
        it.source.has_ended = True
        for _ in range(4):
            with pytest.raises(EndOfTelemetry):
                it.poll()
        assert (it.coordinator.decide().paused, it.coordinator.decide().stale) == (False, True)


def test_a_loop_outlives_the_end_of_its_source() -> None:
    options = CoordinatorOptions(poll_interval=0.005)
    with Coordinator(loads(ruleset(FULL)), "synthetic:gpus=1,seconds=0.3,interval=0.1", options=options) as it:
        ended = threading.Event()
        it.on_poll(lambda report: ended.set() if report.ended else None)
        assert ended.wait(5)
        assert it.is_running


def test_a_callback_that_raises_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with node(ruleset(FULL)) as it:
        seen: list[object] = []
        it.coordinator.on_poll(lambda report: 1 / 0)  # type: ignore[arg-type, return-value]
        end = it.coordinator.on_poll(seen.append)
        it.poll(90)
        end()
        it.poll(90)
    assert len(seen) == 1
    assert "ZeroDivisionError" in caplog.text


def test_a_name_that_no_source_has_is_said_at_once() -> None:
    with pytest.raises(RegistrationError, match="did you mean 'synthetic'"):
        Coordinator(loads(ruleset(FULL)), "synthetik:gpus=1")


def test_a_source_that_cannot_be_opened_is_tried_again(tmp_path: object) -> None:
    clock = Clock()
    it = Coordinator(loads(ruleset(FULL)), f"replay:{tmp_path}/none.jsonl", clock=clock)
    assert "none.jsonl" in str(it.poll().error)
    import json
    from pathlib import Path

    data = {"timestamp": START, "gpus": [{"index": 0, "memory": 50}]}
    Path(f"{tmp_path}/none.jsonl").write_text(json.dumps(data) + "\n")
    assert it.poll().snapshot
    it.stop()


def test_only_fields_that_are_read_or_shown_are_sampled() -> None:
    asked: list[frozenset[str]] = []
    with node(ruleset("{name: r, condition: gpu_pcie_rx > 1GB/s AND max(gpu_fan_speed) > 5, action: log}")) as it:
        it.source.sample = asked.append  # type: ignore[attr-defined]
        it.poll(90)
        it.poll(90)
        it.coordinator.reload(
            loads(ruleset("{name: r, condition: gpu_power > 5, action: log, parameters: {message: '{gpu_xid}'}}"))
        )
        it.poll(90)
        it.poll(90)
    assert len(asked) == 2
    assert {"gpu_pcie_rx", "gpu_fan_speed", "gpu_memory"} <= asked[0]
    assert "gpu_pcie_rx" not in asked[1] and {"gpu_power", "gpu_xid"} <= asked[1]


def test_a_decision_that_fails_asks_nothing_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    from gpurules.actions.registration import action, forget

    @action("odd", kind="directive")
    def odd(parameters: object) -> object:
        raise ValueError("broken")

    try:
        with node(ruleset("{name: r, condition: gpu_memory > 80, action: odd}")) as it:
            it.poll(90)
            decision = it.coordinator.decide(Transfer(id="t"))
            assert (decision.rules, decision.delay) == ((), 0)
            assert it.coordinator.collect().decisions_failed >= 1
    finally:
        forget("odd")


def test_the_shipped_coordinator_reduces_the_prefetch_in_tiers() -> None:
    from gpurules.rules import load

    with node(load("gpurules:coordinator")) as it:  # type: ignore[arg-type]
        assert it.coordinator.should_reduce_prefetch() == (False, 1.0)
        steps = [(70, (False, 1.0)), (86, (True, 0.6)), (92, (True, 0.3)), (86, (True, 0.3)), (50, (True, 0.3))]
        for percent, expected in steps:
            it.poll(percent)
            assert it.coordinator.should_reduce_prefetch() == expected, percent
        for _ in range(8):
            it.poll(50)
        assert it.coordinator.should_reduce_prefetch() == (False, 1.0)
        assert it.coordinator.gpu_status()[0].memory == 50
        counts = it.coordinator.collect()
        assert counts.memory_pressure_events == 2
        it.source.gpus = (GPU(index=0, temperature=90),)
        it.poll()
        assert it.coordinator.should_reduce_prefetch() == (True, 0.6)
        assert it.coordinator.collect().temperature_limit_events >= 1
