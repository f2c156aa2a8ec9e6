"""Who is on the node, over time."""

import pytest

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.tracking.gpu_tracker import GpuTracker


def gpu(index, uuid, **more):
    return GPU(index=index, uuid=uuid, name="H100", vendor="nvidia", **{"mig": False, "power": 300, **more})


def nameless(index):
    return GPU(index=index, vendor="nvidia", mig=False, healthy=False, status="lost")


@pytest.fixture
def presence():
    return GpuTracker(drop_after=60.0)


def see(presence, *gpus, at=0.0):
    """Return who is reported: identity, index, and whether it is lost."""
    snapshot = presence.complete(Snapshot(gpus=gpus), at)
    assert snapshot.problems == ()
    return [(found.uuid, found.index, found.is_lost) for found in snapshot.gpus]


def test_a_gpu_that_is_present_is_reported_as_it_is(presence):
    snapshot = Snapshot(timestamp=5.0, host="node-7", gpus=(gpu(0, "a"), gpu(1, "b")))
    assert presence.complete(snapshot, 0.0) == snapshot


def test_a_nameless_lost_gpu_is_the_one_that_had_its_index(presence):
    see(presence, gpu(0, "a"), gpu(1, "b"))
    assert see(presence, gpu(0, "a"), nameless(1), at=1) == [("a", 0, False), ("b", 1, True)]


def test_a_nameless_lost_gpu_is_not_one_that_is_there(presence):
    see(presence, gpu(0, "a"), gpu(1, "b"))
    assert see(presence, gpu(0, "b"), nameless(1), at=1) == [("b", 0, False), (None, 1, True), ("a", "lost-0", True)]


def test_a_gpu_that_never_had_a_name_is_forgotten_when_it_answers(presence):
    see(presence, nameless(0))
    assert see(presence, gpu(0, "a"), at=1) == [("a", 0, False)]


def test_two_that_had_one_index_have_two_names_when_they_are_lost(presence):
    see(presence, gpu(0, "a"), gpu(1, "b"), gpu(2, "c"))
    see(presence, gpu(0, "b"), gpu(1, "c"), at=1)
    found = see(presence, gpu(0, "c"), at=2)
    assert found == [("c", 0, False), ("a", "lost-0", True), ("b", "lost-b", True)]


def test_the_time_until_it_is_dropped_counts_from_when_it_was_lost(presence):
    see(presence, gpu(0, "a"), gpu(1, "b"))
    assert len(see(presence, gpu(0, "a"), at=100)) == 2
    assert len(see(presence, gpu(0, "a"), at=159)) == 2
    assert len(see(presence, gpu(0, "a"), at=160)) == 1
    assert len(see(presence, gpu(0, "a"), at=161)) == 1


def test_coming_back_and_going_again_begins_a_new_time(presence):
    see(presence, gpu(0, "a"))
    see(presence, at=50)
    see(presence, gpu(0, "a"), at=55)
    assert see(presence, at=70) == [("a", 0, True)]
    assert see(presence, at=129) == [("a", 0, True)]
    assert see(presence, at=130) == []


def test_one_that_is_listed_as_lost_is_dropped_too_and_stays_so(presence):
    see(presence, gpu(0, "a"))
    lost = gpu(0, "a", healthy=False, status="lost")
    assert see(presence, lost, at=10) == [("a", 0, True)]
    assert see(presence, lost, at=70) == []
    assert see(presence, lost, at=700) == []
    assert see(presence, gpu(0, "a"), at=701) == [("a", 0, False)]


def test_zero_seconds_drops_at_once():
    presence = GpuTracker(drop_after=0)
    see(presence, gpu(0, "a"))
    assert see(presence, at=1) == []


def test_all_that_is_known_of_a_lost_gpu_is_who_it_is(presence):
    see(presence, gpu(0, "a", temperature=60, memory_used=1, memory_total=2))
    (lost,) = presence.complete(Snapshot(), 1.0).gpus
    assert (lost.name, lost.vendor, lost.status, lost.healthy, lost.mig) == ("H100", "nvidia", "lost", False, False)
    assert (lost.power, lost.temperature, lost.memory, lost.missing["power"]) == (None, None, None, "gpu has vanished")


def test_the_last_xid_is_kept_and_ages(presence):
    see(presence, gpu(0, "a", xid=79, xid_age=5.0), at=100)
    found = presence.complete(Snapshot(gpus=(gpu(0, "a", missing={"xid": "none", "fan_speed": "n/a"}),)), 110.0).gpus[0]
    assert (found.xid, found.xid_age, dict(found.missing)) == (79, 15.0, {"fan_speed": "n/a"})


def test_a_newer_xid_replaces_the_last(presence):
    see(presence, gpu(0, "a", xid=31, xid_age=5.0), at=100)
    found = presence.complete(Snapshot(gpus=(gpu(0, "a", xid=79, xid_age=0.0),)), 110.0).gpus[0]
    assert (found.xid, found.xid_age) == (79, 0.0)


def test_instances_that_were_taken_apart_are_gone_and_those_of_a_lost_board_are_lost(presence):
    board, part = gpu(0, "a"), gpu("0:0", "m", mig=True)
    see(presence, board, part)
    assert see(presence, board, at=1) == [("a", 0, False)]
    see(presence, board, part, at=2)
    assert see(presence, at=3) == [("a", 0, True), ("m", "0:0", True)]


def test_what_is_remembered_stays_bounded(presence):
    """As when boards are hot-plugged for months."""
    for number in range(1000):
        see(presence, gpu(0, f"GPU-{number}"), at=number * 100.0)
    assert len(presence._known) <= 3
