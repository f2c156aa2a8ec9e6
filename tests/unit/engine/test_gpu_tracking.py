"""A GPU that is absent from a snapshot is lost, not gone: for a caller's own snapshots, replay, tests and live."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.engine import Engine
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads
from gpurules.telemetry.tracking.gpu_tracker import GpuTracker

RULES = """
version: 1
name: node
settings: {stale_after: 15s, forget_gpu_after: 1m}
rules:
  - {name: hot, condition: gpu_temperature > 85, for: 10s, action: pause_transfer}
  - {name: now, condition: gpu_temperature > 85, action: pause_transfer}
  - {name: lost, condition: gpu_lost_count > 0, action: pause_transfer}
  - {name: unhealthy, condition: NOT gpu_healthy, action: pause_transfer}
"""
HOT, COOL = GPU(index=0, uuid="GPU-a", temperature=90), GPU(index=1, uuid="GPU-b", temperature=50)


def played(*snapshots, rules=RULES, step=5):
    """Return for each snapshot the rules that match, each with its GPUs."""
    engine = Engine(loads(rules), clock=lambda: 0.0)
    found = []
    for number, gpus in enumerate(snapshots):
        engine.observe(Snapshot(timestamp=1000.0 + step * number, gpus=tuple(gpus)))
        found.append({m.rule: m.devices for m in engine.decide().matched})
    return found


def test_what_a_signal_holds_goes_on_while_a_gpu_is_absent_for_a_snapshot():
    both = (HOT, COOL)
    found = played(both, both, both, both, (COOL,), both)
    assert [f.get("hot") for f in found] == [None, None, (0,), (0,), (0,), (0,)]
    assert [f.get("now") for f in found] == [(0,), (0,), (0,), (0,), None, (0,)]
    assert [f.get("unhealthy") for f in found] == [None, None, None, None, (0,), None]
    assert ["lost" in f for f in found] == [False, False, False, False, True, False]


def test_a_signal_ends_when_the_gpu_was_absent_for_the_time_of_staleness():
    found = played((HOT,), (HOT,), (HOT,), (), (), (), ())
    assert [f.get("hot") for f in found] == [None, None, (0,), (0,), (0,), None, None]


def test_an_absent_gpu_is_forgotten_after_the_time_that_the_ruleset_names():
    found = played((HOT, COOL), *[(COOL,)] * 14)
    assert ["lost" in f for f in found] == [False, *[True] * 12, False, False], "absent since 1005, forgotten at 1065"


def test_zero_forgets_at_once():
    rules = RULES.replace("forget_gpu_after: 1m", "forget_gpu_after: 0s")
    assert ["lost" in f for f in played((HOT, COOL), (COOL,), rules=rules)] == [False, False]


def test_a_mig_instance_that_is_gone_while_its_board_is_well_was_taken_apart():
    board, instance = GPU(index=0, uuid="GPU-a", mig=False), GPU(index="0:0", uuid="MIG-a", mig=True, temperature=90)
    assert ["lost" in f for f in played((board, instance), (board,))] == [False, False]


def test_an_index_that_shifts_is_no_loss_of_the_gpu_that_answers():
    found = played((HOT, COOL), (GPU(index=0, uuid="GPU-b", temperature=50),))
    assert "now" not in found[1]
    assert "lost" in found[1]


def test_a_reload_changes_the_time():
    engine = Engine(loads(RULES), clock=lambda: 0.0)
    engine.observe(Snapshot(timestamp=0.0, gpus=(HOT, COOL)))
    engine.replace(loads(RULES.replace("forget_gpu_after: 1m", "forget_gpu_after: 0s")))
    engine.observe(Snapshot(timestamp=5.0, gpus=(COOL,)))
    assert [gpu.index for gpu in engine.snapshot.gpus] == [1]


def test_a_clock_that_is_set_moves_the_time_along():
    engine = Engine(loads(RULES), clock=lambda: 0.0)
    engine.observe(Snapshot(timestamp=0.0, gpus=(HOT, COOL)))
    engine.observe(Snapshot(timestamp=5.0, gpus=(COOL,)))
    engine.shift(3600)
    engine.observe(Snapshot(timestamp=3615.0, gpus=(COOL,)))
    assert [gpu.is_lost for gpu in engine.snapshot.gpus] == [False, True]


def ages(seconds, age=1.0):
    """Return the ages of the last Xid error of a GPU that is in the first snapshots only, *seconds* after the first."""
    engine = Engine(loads(RULES), clock=lambda: 0.0)
    failing = GPU(index=0, uuid="GPU-a", xid=79, xid_age=age)
    engine.observe(Snapshot(timestamp=995.0, gpus=(replace(failing, xid_age=None), COOL)))
    engine.observe(Snapshot(timestamp=1000.0, gpus=(failing, COOL)))
    found = []
    for second in seconds:
        engine.observe(Snapshot(timestamp=1000.0 + second, gpus=(COOL,)))
        found.append(next((gpu.xid_age for gpu in engine.snapshot.gpus if gpu.is_lost), None))
    return found


def test_the_last_xid_error_of_an_absent_gpu_gets_older_until_it_is_forgotten():
    assert ages([5, 20, 60, 64, 66]) == [6.0, 21.0, 61.0, 65.0, None]


def test_an_age_that_was_never_known_stays_missing():
    assert ages([5, 20], age=None) == [None, None]


def test_a_clock_that_is_set_makes_no_xid_error_older():
    engine = Engine(loads(RULES), clock=lambda: 0.0)
    engine.observe(Snapshot(timestamp=0.0, gpus=(GPU(index=0, uuid="GPU-a", xid=79, xid_age=1.0), COOL)))
    engine.shift(3600)
    engine.observe(Snapshot(timestamp=3605.0, gpus=(COOL,)))
    assert [gpu.xid_age for gpu in engine.snapshot.gpus if gpu.is_lost] == [6.0]


def test_a_rule_for_new_errors_ends_in_replay_as_it_does_live():
    rules = RULES + "  - {name: xid, condition: gpu_xid == 79 AND gpu_xid_age < 20s, action: pause_transfer}\n"
    failing = GPU(index=0, uuid="GPU-a", xid=79, xid_age=1.0)
    assert ["xid" in f for f in played((failing,), (), (), (), (), rules=rules)] == [True, True, True, True, False]


def test_the_caller_of_an_engine_decides_what_xid_a_gpu_has():
    engine = Engine(loads(RULES), clock=lambda: 0.0)
    engine.observe(Snapshot(timestamp=0.0, gpus=(GPU(index=0, uuid="a", xid=79, xid_age=1),)))
    engine.observe(Snapshot(timestamp=5.0, gpus=(GPU(index=0, uuid="a"),)))
    assert engine.snapshot.gpus[0].xid is None


GPUS = st.lists(
    st.builds(
        GPU,
        index=st.sampled_from([0, 1, 2, "0:0"]),
        uuid=st.sampled_from([None, "GPU-a", "GPU-b"]),
        temperature=st.sampled_from([None, 40.0, 90.0]),
        healthy=st.sampled_from([True, False]),
        mig=st.sampled_from([None, True, False]),
    ),
    max_size=4,
    unique_by=lambda gpu: gpu.index,
)


@given(st.lists(GPUS, max_size=8), st.sampled_from([0.0, 7.0, 60.0]))
def test_the_short_way_for_snapshots_that_are_alike_is_the_long_way(snapshots, drop_after):
    short, long = (GpuTracker(drop_after, remembers_xid=False) for _ in range(2))
    for number, gpus in enumerate(snapshots):
        long._steady, long._latest = None, ()
        snapshot = Snapshot(timestamp=5.0 * number, gpus=tuple(gpus))
        assert short.complete(snapshot, 5.0 * number).gpus == long.complete(snapshot, 5.0 * number).gpus


@pytest.mark.parametrize("gpus", [(HOT, COOL), (HOT,), ()])
def test_a_snapshot_without_a_loss_is_handed_on_as_it_is(gpus):
    presence, snapshot = GpuTracker(), Snapshot(timestamp=1.0, gpus=gpus)
    presence.complete(snapshot, 1.0)
    assert presence.complete(snapshot, 2.0) is snapshot
