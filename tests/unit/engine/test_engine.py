"""The engine: takes in snapshots in order, and decides from any thread."""

import threading

import pytest

from gpurules.engine import Engine
from gpurules.model import Snapshot, Transfer
from gpurules.rules import load
from tests.factories import NEW_YEAR, dataset, engine, gpu, job, model, one_gpu, ruleset, snapshot

FULL = ruleset("  - {name: full, condition: gpu_memory > 80, action: pause_transfer}\n")
DEFAULT = load("gpurules:default")


def test_before_the_first_snapshot_nothing_matches_and_it_is_stale() -> None:
    running = Engine(DEFAULT)
    decision = running.decide(model(size=10**12))
    assert decision.rules == ()
    assert decision.stale
    assert running.snapshot is None


def test_a_decision_is_that_of_the_latest_snapshot() -> None:
    running = engine(FULL)
    running.observe(one_gpu(0, memory=90))
    before = running.decide()
    running.observe(one_gpu(5, memory=10))
    assert before.rules == ("full",)
    assert before.matched[0].devices == (0,)
    assert running.decide().rules == ()
    assert before.snapshot_time == NEW_YEAR
    assert running.decide().snapshot_time == NEW_YEAR + 5


@pytest.mark.parametrize("at", [10, 9.9, -1000])
def test_a_snapshot_that_is_not_newer_is_ignored_and_counted(at: float) -> None:
    running = engine(FULL)
    running.observe(one_gpu(10, memory=90))
    assert not running.observe(one_gpu(at, memory=10)).accepted
    assert running.ignored_snapshots == 1
    assert running.decide().rules == ("full",)


def test_a_first_snapshot_may_be_of_any_time() -> None:
    running = engine(FULL)
    assert running.observe(Snapshot(timestamp=-5.0, gpus=(gpu(memory=90),))).accepted
    assert running.decide().rules == ("full",)


def test_a_decision_is_stale_once_the_snapshot_is_older_than_stale_after() -> None:
    now = NEW_YEAR
    running = Engine(FULL, clock=lambda: now)
    running.observe(one_gpu(memory=90))
    assert not running.decide().stale
    now = NEW_YEAR + 15
    assert not running.decide().stale
    now = NEW_YEAR + 15.1
    assert running.decide().stale
    assert running.decide().rules == ("full",)


def test_telemetry_age_goes_by_the_clock() -> None:
    now = NEW_YEAR
    old = ruleset("  - {name: old, condition: telemetry_age > 60s, action: pause_transfer}\n")
    running = Engine(old, clock=lambda: now)
    running.observe(one_gpu())
    assert running.decide().rules == ()
    now = NEW_YEAR + 61
    assert running.decide().rules == ("old",)
    assert old.evaluate(one_gpu()).rules == ()


def test_node_facts_stay_until_others_are_given() -> None:
    running = engine(ruleset("  - {name: a, condition: active_training, action: pause_transfer}\n"))
    running.observe(one_gpu(0), node={"active_training": True})
    running.observe(one_gpu(5))
    assert running.decide().rules == ("a",)
    running.observe(one_gpu(10), node={})
    assert running.decide().rules == ()


def test_without_a_transfer_its_fields_are_missing() -> None:
    running = engine(
        ruleset(
            "  - {name: a, condition: file_type IS MISSING, action: pause_transfer}\n"
            "  - {name: b, condition: workload_type == 'training', action: pause_transfer}\n"
        )
    )
    running.observe(one_gpu())
    assert running.decide().rules == ("a",)
    assert running.decide(model(), job()).rules == ("b",)


def test_a_rule_for_the_workload_sees_its_gpus_only() -> None:
    running = engine(ruleset("  - {name: a, condition: gpu_memory > 80, gpus: workload, action: pause_transfer}\n"))
    running.observe(snapshot(gpu(0, memory=90), gpu(1, memory=10)))
    assert running.decide(dataset(), job(gpu_devices=[0])).rules == ("a",)
    assert running.decide(dataset(), job(gpu_devices=[1])).rules == ()
    assert running.decide(dataset()).rules == ()


def test_the_state_of_every_signal_is_reported() -> None:
    running = engine(
        ruleset("  - {name: a, condition: s, action: pause_transfer}\n", "signals: {s: {condition: gpu_memory > 80}}")
    )
    running.observe(snapshot(gpu(0, memory=90), gpu(1, memory=10)))
    reported = [(s.name, s.owner, s.device, s.on) for s in running.signals()]
    assert reported == [("s", "GPU-0", 0, True), ("s", "GPU-1", 1, False)]


# replacing the ruleset

HYSTERESIS = "signals: {{s: {{condition: gpu_memory > {}, until: gpu_memory < 50}}}}"
RULE = "  - {name: a, condition: s, action: pause_transfer}\n"


def test_signals_whose_definition_is_the_same_keep_their_state() -> None:
    running = engine(ruleset(RULE, HYSTERESIS.format(80)))
    running.observe(one_gpu(0, memory=90))
    running.observe(one_gpu(5, memory=60))
    running.replace(ruleset(RULE + "  - {name: b, condition: s, action: pause_transfer}\n", HYSTERESIS.format(80)))
    assert running.decide().rules == ("a", "b")
    running.observe(one_gpu(10, memory=60))
    assert running.decide().rules == ("a", "b")


def test_signals_whose_definition_changed_start_again() -> None:
    running = engine(ruleset(RULE, HYSTERESIS.format(80)))
    running.observe(one_gpu(0, memory=90))
    running.observe(one_gpu(5, memory=60))
    running.replace(ruleset(RULE, HYSTERESIS.format(70)))
    assert running.decide().rules == ()


def test_a_definition_changes_with_what_its_names_mean() -> None:
    head = "define: {{full: gpu_memory > {}}}\nsignals: {{s: {{condition: full, until: gpu_memory < 50}}}}"
    running = engine(ruleset(RULE, head.format(80)))
    running.observe(one_gpu(0, memory=90))
    running.observe(one_gpu(5, memory=60))
    running.replace(ruleset(RULE, head.format(80)))
    assert running.decide().rules == ("a",)
    running.replace(ruleset(RULE, head.format(85)))
    assert running.decide().rules == ()


def test_history_survives_a_replacement() -> None:
    text = "  - {{name: a, condition: 'delta(gpu_power[1m]) >= {}', action: pause_transfer}}\n"
    running = engine(ruleset(text.format("10W")))
    running.observe(one_gpu(0, power=100))
    running.observe(one_gpu(5, power=110))
    running.replace(ruleset(text.format("5W")))
    assert running.decide().rules == ("a",)
    running.observe(one_gpu(10, power=112))
    assert running.decide().rules == ("a",)


def test_a_replacement_before_the_first_snapshot() -> None:
    running = Engine(FULL)
    running.replace(DEFAULT)
    assert running.ruleset is DEFAULT
    assert running.snapshot is None
    assert running.decide().stale


# threads

PAIR = ruleset(
    "  - {name: node, condition: gpu_memory > 50, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}\n"
    "  - {name: data, condition: s AND file_type == 'dataset', action: delay_transfer, parameters: {delay: 30s}}\n",
    "signals: {s: {condition: gpu_memory > 50}}",
)
OTHER = ruleset(
    "  - {name: node2, condition: gpu_memory > 50, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}\n"
    "  - {name: data2, condition: gpu_memory > 50 AND file_type == 'dataset', action: delay_transfer,"
    " parameters: {delay: 30s}}\n"
)


def test_no_thread_ever_sees_half_of_a_snapshot_or_of_a_ruleset() -> None:
    running = engine(PAIR)
    running.observe(one_gpu(0, memory=10))
    torn: list[object] = []
    stop = threading.Event()

    def deciding() -> None:
        transfer = dataset()
        while not stop.is_set():
            decision = running.decide(transfer)
            full = round(decision.snapshot_time - NEW_YEAR) % 2 == 1
            wanted = (("node", "data"), ("node2", "data2")) if full else ((),)
            devices = {m.devices for m in decision.matched}
            if decision.rules not in wanted or decision.delay != 30 * full or devices != ({(0,)} if full else set()):
                torn.append((decision.snapshot_time, decision.rules, decision.delay))

    threads = [threading.Thread(target=deciding) for _ in range(6)]
    for thread in threads:
        thread.start()
    for step in range(1, 400):
        running.observe(one_gpu(step, memory=90 if step % 2 else 10))
        if step % 50 == 0:
            running.replace(OTHER if step % 100 else PAIR)
    stop.set()
    for thread in threads:
        thread.join()
    assert torn == []


ONE_OF_TWO = ruleset(
    "".join(
        f"  - {{name: {name}{n}, condition: gpu_memory {test} AND transfer_size >= {n}, action: increase_priority,"
        f" parameters: {{priority_boost: {boost}}}}}\n"
        for name, test, boost in (("full", "> 50", 1), ("empty", "< 50", 2))
        for n in range(10)
    )
)


@pytest.mark.slow
def test_sixteen_threads_see_whole_snapshots_one_by_one_and_many_at_once() -> None:
    """Twenty rules, so that the index is asked; whichever snapshot a decision is of, all of it is."""
    running = engine(ONE_OF_TWO)
    running.observe(one_gpu(0, memory=10))
    torn: list[object] = []
    stop, met = threading.Event(), [0] * 16
    wanted = {
        0: (tuple(f"empty{n}" for n in range(10)), 20),
        1: (tuple(f"full{n}" for n in range(10)), 10),
    }

    def deciding(number: int) -> None:
        asked = [Transfer(size=size) for size in (10, 11, 12)]
        while not stop.is_set():
            together = running.decide_many(asked)
            for decision in (running.decide(asked[0]), *together):
                reported = (decision.rules, decision.priority_boost)
                if reported != wanted[round(decision.snapshot_time - NEW_YEAR) % 2]:
                    torn.append(reported)
            if len({decision.snapshot_time for decision in together}) != 1:
                torn.append(together)
            met[number] += 1

    threads = [threading.Thread(target=deciding, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    step = 1
    while step < 200 or not all(met):
        running.observe(one_gpu(step, memory=90 if step % 2 else 10))
        step += 1
    stop.set()
    for thread in threads:
        thread.join()
    assert torn == []


def test_snapshots_of_many_threads_are_taken_in_one_by_one() -> None:
    running = engine(PAIR)
    accepted: list[bool] = []

    def observing(first: int) -> None:
        for step in range(first, 400, 4):
            accepted.append(running.observe(one_gpu(step, memory=90)).accepted)

    threads = [threading.Thread(target=observing, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(accepted) == 400
    assert running.ignored_snapshots == accepted.count(False)
    assert running.snapshot is not None
    assert running.snapshot.timestamp == NEW_YEAR + 399


def test_a_kept_decision_can_still_be_explained_later() -> None:
    running = engine(PAIR)
    running.observe(one_gpu(0, memory=90))
    kept = running.decide(dataset())
    running.observe(one_gpu(5, memory=10))
    running.replace(OTHER)
    reported = kept.explain()
    assert reported.rule("node").outcome == "match"  # type: ignore[attr-defined]
    assert kept.matched[0].devices == (0,)


def test_a_transfer_that_is_not_dataset_is_untouched() -> None:
    running = engine(PAIR)
    running.observe(one_gpu(0, memory=90))
    assert running.decide(Transfer(path="/x.pt")).rules == ("node",)


def test_many_decisions_are_those_of_each_transfer_alone() -> None:
    running = engine(PAIR)
    running.observe(one_gpu(0, memory=90))
    transfers = [dataset(), Transfer(path="/x.pt"), model(), dataset(size=10**12)]
    together = running.decide_many(transfers, job())
    assert together == [running.decide(transfer, job()) for transfer in transfers]
    assert [decision.rules for decision in together][:2] == [("node", "data"), ("node",)]
    assert running.decide_many([]) == []


def test_many_decisions_on_old_telemetry_are_all_stale() -> None:
    running = Engine(PAIR, clock=lambda: NEW_YEAR + 1e6)
    running.observe(one_gpu(0, memory=90))
    assert [decision.stale for decision in running.decide_many([dataset(), model()])] == [True, True]


def test_where_the_transfer_decides_nothing_all_share_one_decision() -> None:
    prefetch = "reduce_prefetch, parameters: {reduction_factor: 0.5}"
    running = engine(ruleset(f"  - {{name: full, condition: gpu_memory > 80, action: {prefetch}}}\n"))
    running.observe(one_gpu(0, memory=90))
    assert running.decide(dataset()).rules == ("full",)
    assert running.decide(dataset()) is running.decide(model(), job())
    running.observe(one_gpu(5, memory=10))
    assert running.decide(dataset()).rules == ()


def test_a_decision_on_nothing_is_never_taken_for_that_on_the_snapshot() -> None:
    prefetch = "reduce_prefetch, parameters: {reduction_factor: 0.5}"
    running = engine(ruleset(f"  - {{name: full, condition: gpu_memory > 80, action: {prefetch}}}\n"))
    running.observe(one_gpu(0, memory=90))
    assert running.decide_nothing().rules == ()
    assert running.decide(dataset()).rules == ("full",)


def test_actions_that_look_at_the_transfer_are_decided_for_each() -> None:
    running = engine(FULL)
    running.observe(one_gpu(0, memory=90))
    young, old = running.decide(dataset(created=NEW_YEAR)), running.decide(dataset(created=NEW_YEAR - 10**6))
    assert (young.paused, old.paused) == (True, False)
