"""Derived state is laid out in rows, as windows and signals ask for it."""

from gpurules.engine.state.derived_state import DerivedState, layout_of
from gpurules.model import Snapshot
from tests.factories import gpu, ruleset, snapshot

RULES = ruleset(
    "  - {name: a, condition: 'avg_over_time(gpu_power[1m]) > 5W AND s', action: pause_transfer}\n"
    "  - {name: b, condition: 'avg_over_time(gpu_power[1m]) > 9W', action: pause_transfer}\n"
    "  - {name: c, condition: 'max_over_time(pending_transfers[5m]) > 9 OR n', action: pause_transfer}\n"
    "  - {name: d, condition: 'avg_over_time(gpu_power[7d]) > 9W', enabled: false, action: pause_transfer}\n",
    "signals: {s: {condition: gpu_memory > 80}, n: {condition: active_training}}",
)


def test_equal_windows_share_a_place_and_disabled_rules_have_none() -> None:
    layout, windows = layout_of(RULES)
    assert len(windows) == 2
    assert sorted(layout.gpu.values()) == [0, 1]
    assert sorted(layout.node.values()) == [0, 1, 2]
    assert ("signal", "s") in layout.gpu
    assert ("signal", "s") in layout.node
    assert ("signal", "n") in layout.node


def test_history_is_kept_as_long_as_the_longest_window_of_each_field() -> None:
    assert DerivedState(RULES).history.keep == {"gpu_power": 60, "pending_transfers": 300}


def test_each_gpu_has_a_row() -> None:
    derived = DerivedState(RULES)
    current = snapshot(gpu(0, power=7, memory=90), gpu(1))
    facts, transitions = derived.observe(current, {"active_training": True}, RULES.program.context)
    window = next(place for key, place in facts.layout.gpu.items() if key[0] == "window")  # type: ignore[union-attr]
    signal = facts.layout.gpu["signal", "s"]  # type: ignore[union-attr]
    assert [(row[window], row[signal]) for row in facts.rows] == [(7, True), (None, False)]
    assert facts.node_row[facts.layout.node["signal", "n"]] is True  # type: ignore[union-attr]
    assert facts.node_row[facts.layout.node["signal", "s"]] is True  # type: ignore[union-attr]
    assert {t.signal for t in transitions} == {"s", "n"}


TWINS = ruleset(
    "  - {name: a, condition: gpu_memory > 80, for: 5s, action: pause_transfer}\n"
    "  - {name: b, condition: gpu_memory > 80, for: 5s, action: pause_transfer}\n"
    "  - {name: c, condition: gpu_memory > 80, for: 6s, action: pause_transfer}\n"
)


def test_signals_that_are_defined_alike_are_stepped_once_and_all_report_it() -> None:
    derived = DerivedState(TWINS)
    first, second, third = derived.signals.states.values()
    assert first is second
    assert third is not first
    received = []
    for at, memory in [(0, 90), (5, 90), (10, 10)]:
        current = snapshot(gpu(0, memory=10), gpu(1, memory=memory), at=at)
        facts, transitions = derived.observe(current, {}, TWINS.program.context)
        received.append([(t.signal, t.device, t.on) for t in transitions])
        states = [derived.layout.gpu["signal", name] for name in derived.signals.states]
        assert facts.rows[0] == (False, False, False)
        assert [facts.rows[1][place] for place in states] == [at == 5, at == 5, False]
    a, b, _ = derived.signals.states
    assert received == [[], [(a, 1, True), (b, 1, True)], [(a, 1, False), (b, 1, False)]]


def test_a_clock_that_was_set_moves_shared_states_once() -> None:
    derived = DerivedState(TWINS)
    current = snapshot(gpu(0, uuid="GPU-0", memory=90), at=100)
    derived.observe(current, {}, TWINS.program.context)
    derived.shift(50.0)
    streaks = [states["GPU-0"].streak for states in derived.signals.states.values()]
    assert streaks == [current.timestamp + 50] * 3


def test_signals_that_are_defined_alike_part_where_their_states_differ() -> None:
    before = DerivedState(ruleset("  - {name: a, condition: gpu_memory > 80, for: 5s, action: pause_transfer}\n"))
    before.observe(snapshot(gpu(0, memory=90), at=0), {}, TWINS.program.context)
    derived = DerivedState(TWINS)
    derived.adopt(before)
    first, second, _ = derived.signals.states.values()
    assert first is not second
    _, transitions = derived.observe(snapshot(gpu(0, memory=90), at=5), {}, TWINS.program.context)
    assert [t.signal for t in transitions] == [next(iter(derived.signals.states))]


def test_a_snapshot_without_gpus_has_no_rows() -> None:
    facts, _ = DerivedState(RULES).observe(Snapshot(timestamp=1.0), {}, RULES.program.context)
    assert list(facts.rows) == []
