"""What a process registers is in force in the next line: no poll is waited for."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from gpurules.engine import Engine
from gpurules.engine.polling.registered_facts import RegisteredFacts
from gpurules.engine.workloads import Schedule
from gpurules.model import GPU, Snapshot, Transfer, Workload
from gpurules.rules import loads
from tests.waiting import wait_until

RULES = """
version: 1
name: node
signals:
  backlog: {condition: pending_transfers >= 1, for: 10s}
  hot: {condition: gpu_temperature > 85, for: 10s}
rules:
  - {name: training, condition: active_training, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
  - {name: jobs, condition: active_workloads == 2, action: limit_concurrency, parameters: {max_concurrency: 2}}
  - {name: queue, condition: pending_bytes > 1GiB, action: delay_transfer, parameters: {delay: 3s}}
  - {name: average, condition: 'max_over_time(pending_transfers[1m]) > 0', action: pause_transfer}
  - {name: hot, condition: hot, action: increase_priority, parameters: {priority_boost: 1}}
  - {name: backlog, condition: backlog, action: increase_priority, parameters: {priority_boost: 1}}
"""


def stand(clock=lambda: 0.0):
    engine, schedule = Engine(loads(RULES), clock=lambda: 100.0), Schedule()
    RegisteredFacts(engine, schedule, clock)
    engine.observe(Snapshot(timestamp=100.0, gpus=(GPU(index=0, temperature=90),)))
    return engine, schedule


def matching(engine):
    return set(engine.decide(Transfer()).rules)


def test_a_workload_counts_in_the_next_line():
    engine, schedule = stand()
    assert matching(engine) == set()
    schedule.register(Workload(id="a", type="training"), 0.0)
    assert matching(engine) == {"training"}
    schedule.register(Workload(id="b", type="inference"), 0.0)
    assert matching(engine) == {"training", "jobs"}
    schedule.unregister("a")
    assert matching(engine) == set()


def test_pending_bytes_count_in_the_next_line():
    engine, schedule = stand()
    schedule.add(Transfer(id="t", size=2 << 30))
    assert matching(engine) == {"queue"}
    schedule.add(Transfer(id="t", size=10))
    assert matching(engine) == set(), "registered again with another size"
    schedule.add(Transfer(id="t", size=2 << 30))
    schedule.remove("t")
    assert matching(engine) == set()


def test_no_time_passes_for_signals_and_windows():
    engine, schedule = stand()
    before = engine.signals()
    for number in range(100):
        schedule.add(Transfer(id=str(number)))
    assert engine.signals() == before
    assert matching(engine) == set(), "neither the signal nor the window has seen a snapshot with them"
    engine.observe(Snapshot(timestamp=101.0, gpus=(GPU(index=0, temperature=90),)))
    assert matching(engine) == {"average"}
    engine.observe(Snapshot(timestamp=111.0, gpus=(GPU(index=0, temperature=90),)))
    assert matching(engine) == {"average", "hot", "backlog"}


def test_a_fact_that_no_rule_reads_costs_no_evaluation():
    engine, schedule = Engine(loads(RULES.replace("pending_bytes > 1GiB", "gpu_memory > 50"))), Schedule()
    RegisteredFacts(engine, schedule, lambda: 0.0)
    schedule.add(Transfer(id="first", size=1))
    before = engine.bound
    schedule.add(Transfer(id="t", size=5))
    assert engine.bound is before
    engine.observe(Snapshot(timestamp=1.0))
    assert engine.bound.node["pending_bytes"] == 6


def test_what_the_caller_of_observe_says_stands_above_it():
    engine, schedule = stand()
    schedule.register(Workload(id="a", type="training"), 0.0)
    engine.observe(Snapshot(timestamp=101.0), {"active_training": False})
    assert "training" not in matching(engine)
    assert engine.bound.node["active_workloads"] == 1


def test_a_lapsed_lease_is_gone_at_the_next_snapshot():
    now = [0.0]
    engine, schedule = Engine(loads(RULES)), Schedule()
    RegisteredFacts(engine, schedule, lambda: now[0])
    schedule.register(Workload(id="a", type="training"), 0.0, lease_seconds=5)
    assert matching(engine) == {"training"}
    now[0] = 6.0
    engine.observe(Snapshot(timestamp=1.0))
    assert matching(engine) == set()


def test_a_new_ruleset_keeps_what_is_registered():
    engine, schedule = stand()
    schedule.register(Workload(id="a", type="training"), 0.0)
    engine.replace(loads(RULES.replace("name: node", "name: other")))
    assert matching(engine) == {"training"}


def test_calls_that_come_together_share_a_pass():
    engine, schedule = Engine(loads(RULES)), Schedule()
    passes, is_first, go_on = [], threading.Event(), threading.Event()
    publish = engine.refresh

    def slow():
        passes.append(schedule.pending_count)
        is_first.set()
        go_on.wait(30)
        publish()

    engine.refresh = slow
    RegisteredFacts(engine, schedule, lambda: 0.0)
    threads = [threading.Thread(target=schedule.add, args=(Transfer(id=str(n), size=1 << 27),)) for n in range(20)]
    threads[0].start()
    is_first.wait(30)
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: schedule.pending_count >= 20)
    go_on.set()
    for thread in threads:
        thread.join()
    assert passes == [1, 20], "19 calls that came while the first was at it are one pass"
    assert engine.bound.node["pending_bytes"] == 20 << 27


def test_a_follower_that_fails_stops_no_registration(caplog):
    schedule = Schedule()
    schedule.follow(lambda: 1 / 0)
    schedule.register(Workload(id="a"), 0.0)
    assert schedule.workload("a", 0.0) is not None
    assert "follower" in caplog.text


SIZES = st.one_of(st.none(), st.integers(0, 1 << 60))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from("abcd"), SIZES),
        st.tuples(st.just("remove"), st.sampled_from("abcd"), st.none()),
    ),
    max_size=40,
)


@given(STEPS)
def test_the_sum_that_is_kept_is_the_sum_of_what_is_pending(steps):
    schedule = Schedule()
    for what, name, size in steps:
        if what == "add":
            schedule.add(Transfer(id=name, size=size))
        else:
            schedule.remove(name)
    pending = schedule.pending()
    assert schedule.node(0.0)["pending_transfers"] == len(pending)
    assert schedule.node(0.0)["pending_bytes"] == sum(t.size or 0 for t in pending)
