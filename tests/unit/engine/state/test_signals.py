"""Signals move at the first snapshot at which their time has come, and never on what is not known."""

from typing import TypeAlias

import pytest

from gpurules.engine.state.signals import HysteresisState, Signals, advance, in_order
from gpurules.language.terms import ir
from gpurules.model import BOOL, Truth
from gpurules.rules import Settings, Signal
from tests.factories import checked, engine, gpu, one_gpu, ruleset, snapshot

T, F, U = True, False, None
STEP = 5.0
Moves: TypeAlias = list[bool]


def signal(until: bool = False, for_: float = 0.0, keep_for: float = 0.0) -> Signal:
    term = ir.Constant(True, BOOL)
    return Signal(
        name="s",
        text="c",
        condition=term,
        per_gpu=False,
        until=term if until else None,
        for_seconds=for_,
        keep_for_seconds=keep_for,
    )


def moved(
    conditions: list[Truth],
    untils: list[Truth] | None = None,
    on_stale: str = "release",
    stale_after: float = 15.0,
    **timers: float,
) -> Moves:
    """Return whether the signal is on after each step of 5 s."""
    state, found = HysteresisState(known=0.0), []
    made = signal(untils is not None, **timers)  # type: ignore[arg-type]
    settings = Settings(stale_after=stale_after, on_stale=on_stale)
    for step, condition in enumerate(conditions):
        until = untils[step] if untils else None
        advance(state, STEP * step, (condition, until), made, settings)
        found.append(state.on)
    return found


def test_without_timers_it_is_its_condition() -> None:
    assert moved([F, T, T, F, T]) == [F, T, T, F, T]


def test_for_waits_until_the_condition_has_been_true_that_long() -> None:
    assert moved([T, T, T, F], for_=10) == [F, F, T, F]


def test_a_break_starts_the_wait_again() -> None:
    assert moved([T, T, F, T, T, T], for_=10) == [F, F, F, F, F, T]


def test_unknown_breaks_the_streak() -> None:
    assert moved([T, T, U, T, T, T], for_=10) == [F, F, F, F, F, T]


def test_a_wait_between_two_steps_ends_at_the_later() -> None:
    assert moved([T, T, T], for_=7) == [F, F, T]


def test_until_ends_it_and_nothing_else_does() -> None:
    assert moved([T, F, F, F], [F, F, F, T]) == [T, T, T, F]


def test_a_true_condition_keeps_it_on_even_if_until_holds_too() -> None:
    assert moved([T, T, F], [T, T, T]) == [T, T, F]


def test_it_starts_even_while_until_holds() -> None:
    assert moved([F, T], [T, T]) == [F, T]


def test_keep_for_holds_it_after_its_end() -> None:
    assert moved([T, F, F, F, F], keep_for=10) == [T, T, T, F, F]


def test_a_new_start_cancels_the_end_at_once() -> None:
    assert moved([T, F, T, F, F, F], keep_for=10) == [T, T, T, T, T, F]


def test_the_end_runs_from_when_until_first_held() -> None:
    assert moved([T, F, F, F], [F, T, F, F], keep_for=10) == [T, T, T, F]


def test_keep_for_and_for_are_two_timers() -> None:
    assert moved([T, T, F, T, T, F, F, F], for_=5, keep_for=10) == [F, T, T, T, T, T, T, F]


def test_unknown_neither_starts_nor_ends_while_it_is_fresh() -> None:
    assert moved([U, U]) == [F, F]
    assert moved([T, U, U]) == [T, T, T]


def test_after_stale_after_it_is_released() -> None:
    assert moved([T, U, U, U, U]) == [T, T, T, F, F]


def test_or_held_where_the_settings_say_so() -> None:
    assert moved([T, U, U, U, U, F], on_stale="hold") == [T, T, T, T, T, F]


def test_what_is_known_again_starts_the_patience_again() -> None:
    assert moved([T, U, U, T, U, U, U]) == [T, T, T, T, T, T, F]


def test_the_condition_that_decides_is_until_where_there_is_one() -> None:
    assert moved([T, F, F, F, F], [F, U, U, U, U]) == [T, T, T, F, F]
    assert moved([T, U, U, U, U, U], [F, F, F, F, F, F]) == [T] * 6


def test_an_unknown_neither_stops_nor_shortens_an_end_that_is_under_way() -> None:
    assert moved([T, F, U, U, U], keep_for=10) == [T, T, T, F, F]
    assert moved([T, F, U, F, F], keep_for=15) == [T, T, T, T, F]
    assert moved([T, F, F, U, U], [F, T, U, U, U], keep_for=10) == [T, T, T, F, F]


@pytest.mark.parametrize("on_stale", ["hold", "release"])
def test_an_end_under_way_comes_whatever_happens_to_what_is_stale(on_stale: str) -> None:
    assert moved([T, F, U, U, U, U, U], on_stale=on_stale, stale_after=1e9, keep_for=20) == [T] * 5 + [F] * 2


def test_an_end_longer_than_stale_after_is_cut_short_only_where_stale_releases() -> None:
    assert moved([T, F, U, U, U, U, U], keep_for=25) == [T, T, T, T, F, F, F]
    assert moved([T, F, U, U, U, U, U], on_stale="hold", keep_for=25) == [T] * 6 + [F]


def test_a_true_condition_after_an_unknown_cancels_an_end_under_way() -> None:
    assert moved([T, F, U, T, U, U], on_stale="hold", keep_for=10) == [T] * 6


def test_stale_ends_at_the_first_step_at_which_the_time_is_reached() -> None:
    assert moved([T, U, U, U], stale_after=10.0) == [T, T, F, F]


# per GPU, in the engine

PER_GPU = """\
  - {name: a, condition: s, action: pause_transfer}
"""


def gpus_on(running: object, at: float, *gpus: object) -> tuple[object, ...]:
    running.observe(snapshot(*gpus, at=at))  # type: ignore[attr-defined, arg-type]
    return tuple(d for m in running.decide().matched for d in m.devices)  # type: ignore[attr-defined]


def test_each_gpu_has_its_own_timers() -> None:
    running = engine(ruleset(PER_GPU, "signals: {s: {condition: gpu_memory > 80, for: 10s}}"))
    assert gpus_on(running, 0, gpu(0, memory=90), gpu(1, memory=10)) == ()
    assert gpus_on(running, 5, gpu(0, memory=90), gpu(1, memory=90)) == ()
    assert gpus_on(running, 10, gpu(0, memory=90), gpu(1, memory=90)) == (0,)
    assert gpus_on(running, 15, gpu(0, memory=90), gpu(1, memory=90)) == (0, 1)


def test_a_gpu_that_is_gone_is_unknown_and_back_in_time_it_is_as_before() -> None:
    running = engine(ruleset(PER_GPU, "signals: {s: {condition: gpu_memory > 80, until: gpu_memory < 50}}"))
    assert gpus_on(running, 0, gpu(0, memory=90)) == (0,)
    assert gpus_on(running, 10) == (0,), "the signal is kept, and so is what matches by it"
    assert gpus_on(running, 14, gpu(0, memory=60)) == (0,)


def test_a_gpu_that_is_gone_for_too_long_comes_back_again() -> None:
    running = engine(ruleset(PER_GPU, "signals: {s: {condition: gpu_memory > 80, until: gpu_memory < 50}}"))
    assert gpus_on(running, 0, gpu(0, memory=90)) == (0,)
    changes = running.observe(snapshot(at=15)).transitions
    assert [(c.signal, c.device, c.on, c.because) for c in changes] == [("s", 0, False, "stale")]
    assert gpus_on(running, 20, gpu(0, memory=60)) == ()


def test_state_goes_with_the_gpu_when_its_index_shifts() -> None:
    running = engine(ruleset(PER_GPU, "signals: {s: {condition: gpu_memory > 80, until: gpu_memory < 50}}"))
    assert gpus_on(running, 0, gpu(0, uuid="GPU-a", memory=10), gpu(1, uuid="GPU-b", memory=90)) == (1,)
    assert gpus_on(running, 5, gpu(0, uuid="GPU-b", memory=60)) == (0,)


def test_a_transition_says_how_long_it_took() -> None:
    running = engine(ruleset(PER_GPU, "signals: {s: {condition: gpu_memory > 80, for: 10s}}"))
    moves = []
    for at, memory in [(0, 90), (5, 90), (10, 90), (30, 10)]:
        moves += running.observe(one_gpu(at, memory=memory)).transitions
    assert [(m.on, m.lasted, m.device, m.because) for m in moves] == [(True, 10, 0, None), (False, 20, 0, None)]


def test_a_signal_over_aggregates_is_one_for_the_node() -> None:
    running = engine(ruleset(PER_GPU, "signals: {s: {condition: count(gpu_memory > 80) >= 2, for: 5s}}"))
    both = (gpu(0, memory=90), gpu(1, memory=90))
    running.observe(snapshot(*both))
    assert running.decide().rules == ()
    running.observe(snapshot(*both, at=5))
    (match,) = running.decide().matched
    assert match.devices == ()


def test_a_signal_may_read_another_wherever_it_is_declared() -> None:
    head = (
        "signals:\n  both: {condition: full AND hot}\n  hot: {condition: gpu_temperature > 85}\n"
        "  full: {condition: gpu_memory > 80, for: 5s}"
    )
    running = engine(ruleset("  - {name: a, condition: both, action: pause_transfer}\n", head))
    running.observe(one_gpu(0, memory=90, temperature=90))
    assert running.decide().rules == ()
    running.observe(one_gpu(5, memory=90, temperature=90))
    assert running.decide().rules == ("a",)


def test_a_node_condition_with_an_end_per_gpu_has_its_state_per_gpu() -> None:
    head = "signals: {s: {condition: any(gpu_memory > 80), until: gpu_memory < 50}}"
    running = engine(ruleset(PER_GPU, head))
    assert gpus_on(running, 0, gpu(0, memory=90), gpu(1, memory=10)) == (0, 1)
    assert gpus_on(running, 5, gpu(0, memory=60), gpu(1, memory=10)) == (0,)


def test_a_rule_of_its_own_timers_is_a_signal_without_a_name() -> None:
    running = engine(
        ruleset("  - {name: a, condition: gpu_memory > 80, for: 5s, keep_for: 10s, action: pause_transfer}\n")
    )
    matched = []
    for at, memory in [(0, 90), (5, 90), (10, 10), (15, 10), (20, 10)]:
        running.observe(one_gpu(at, memory=memory))
        matched.append(running.decide().rules)
    assert matched == [(), ("a",), ("a",), ("a",), ()]


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_signals_stand_after_those_that_they_read(order: str) -> None:
    conditions = {"a": checked("gpu_memory > 80").term, "b": ir.Signal("a", True), "c": ir.Signal("b", True)}
    signals = {n: Signal(name=n, text="", condition=conditions[n], per_gpu=True) for n in order}
    assert [s.name for s in in_order(signals)] == ["a", "b", "c"]
    assert list(Signals(signals).states) == ["a", "b", "c"]


def test_owners_that_never_started_take_no_room() -> None:
    running = engine(ruleset(PER_GPU, "signals: {s: {condition: gpu_memory > 80, for: 1h}}"))
    for step in range(200):
        running.observe(snapshot(gpu(0, uuid=f"GPU-{step}", memory=90 if step % 2 else 10), at=5 * step))
    assert len(running._derived.signals.states["s"]) <= 2
