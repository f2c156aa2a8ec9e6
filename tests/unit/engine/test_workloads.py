import pytest

from gpurules.engine.workloads import Schedule
from gpurules.model import Transfer, Workload


def test_a_lease_lapses_unless_it_is_renewed():
    schedule = Schedule()
    workload = Workload(id="w", type="training")
    schedule.register(workload, 0.0, lease_seconds=10)
    assert schedule.workload("w", 9.9) is workload
    assert schedule.workload("w", 10.0) is None, "before anything has swept it"
    schedule.register(workload, 10.0, lease_seconds=10)
    assert schedule.workloads(19.0) == (workload,)
    assert schedule.workloads(20.0) == ()


def test_without_a_lease_a_workload_stays():
    schedule = Schedule()
    schedule.register(Workload(id="w"), 0.0)
    assert len(schedule.workloads(1e9)) == 1
    assert schedule.unregister("w")
    assert not schedule.unregister("w")


def test_the_fields_of_the_node_follow():
    schedule = Schedule()
    schedule.register(Workload(id="w", type="training"), 0.0, 10)
    schedule.add(Transfer(id="a", size=5))
    schedule.add(Transfer(id="b"))
    assert schedule.node(5.0) == {
        "active_training": True,
        "active_inference": False,
        "active_workloads": 1,
        "pending_transfers": 2,
        "pending_bytes": 5,
    }
    assert schedule.node(15.0)["active_training"] is False


def test_what_has_no_id_is_refused():
    schedule = Schedule()
    with pytest.raises(ValueError, match="id"):
        schedule.register(Workload(), 0.0)
    with pytest.raises(ValueError, match="id"):
        schedule.add(Transfer())


def test_pending_transfers_are_bounded(monkeypatch):
    monkeypatch.setattr("gpurules.engine.workloads.MAX_PENDING", 2)
    schedule = Schedule()
    assert [schedule.add(Transfer(id=name)) for name in ("a", "b", "c", "a")] == [True, True, False, True]
    assert (schedule.refused_transfers, schedule.pending_count) == (1, 2)
    assert schedule.remove("a")
    assert not schedule.remove("a")
