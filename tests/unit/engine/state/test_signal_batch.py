"""Signals that are moved on together: what is reported of them, in which order, and what is compiled for them."""

from gpurules.backends.python import _code
from gpurules.engine import Engine
from gpurules.engine.state.derived_state import MIN_TOGETHER
from gpurules.rules import Ruleset, loads
from tests.factories import NEW_YEAR, gpu, snapshot

COUNT = MIN_TOGETHER + 2


def timers(more: str = "") -> Ruleset:
    """Return signals that differ in their limits: 50, 51, …"""
    listed = [f"  s{n}: {{condition: gpu_memory > {50 + n}, for: 10s{more}}}" for n in range(COUNT)]
    return loads("version: 1\nname: timers\nsignals:\n" + "\n".join(listed))


def running(ruleset: Ruleset) -> Engine:
    return Engine(ruleset, clock=lambda: NEW_YEAR)


def test_what_waits_is_reported_with_its_start() -> None:
    engine = running(timers())
    engine.observe(snapshot(gpu(memory=52), at=0))
    engine.observe(snapshot(gpu(memory=52), at=5))
    reported = {s.name: (s.on, s.since) for s in engine.signals()}
    assert reported["s0"] == reported["s1"] == (False, NEW_YEAR)
    assert reported["s2"] == (False, 0.0)


def test_being_asked_in_between_changes_nothing() -> None:
    asked, left_alone = running(timers(", keep_for: 5s")), running(timers(", keep_for: 5s"))
    for at, memory in enumerate((90, 90, 90, None, 10, 10, 90, 55)):
        current = snapshot(gpu(memory=memory), gpu(1, memory=52), at=5 * at)
        assert asked.observe(current) == left_alone.observe(current)
        asked.signals()
    assert asked.signals() == left_alone.signals()


def test_changes_come_in_order_of_the_signals_and_then_of_the_gpus() -> None:
    engine = running(timers())
    for at in (0, 5):
        assert engine.observe(snapshot(gpu(memory=90), gpu(1, memory=90), at=at)).transitions == ()
    found = engine.observe(snapshot(gpu(memory=90), gpu(1, memory=90), at=10)).transitions
    assert [(t.signal, t.device) for t in found] == [(f"s{n}", index) for n in range(COUNT) for index in (0, 1)]
    assert {t.lasted for t in found} == {10.0}


def test_a_gpu_that_is_gone_ends_what_waits_and_what_is_on_by_and_by() -> None:
    engine = running(timers())
    for at in (0, 5, 10):
        engine.observe(snapshot(gpu(memory=90), at=at))
    assert all(s.on for s in engine.signals())
    assert engine.observe(snapshot(at=20)).transitions == ()
    found = engine.observe(snapshot(at=26)).transitions
    assert [t.because for t in found] == ["stale"] * COUNT
    assert {t.device for t in found} == {0}


def test_nothing_is_compiled_for_a_condition_that_is_looked_up() -> None:
    _code.cache_clear()
    engine = running(timers())
    known = _code.cache_info().misses
    for at, memory in enumerate((90, 90, 90, 10)):
        engine.observe(snapshot(gpu(memory=memory), at=5 * at))
    assert not any(s.on for s in engine.signals())
    assert _code.cache_info().misses == known < COUNT
