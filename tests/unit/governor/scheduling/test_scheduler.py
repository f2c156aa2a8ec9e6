from math import inf

import pytest

from gpurules.governor.errors import DeadlinePassed, LeaseLapsed, QueueFull, TransferCancelled
from gpurules.governor.requirements import HoldClaim, Requirements
from gpurules.governor.scheduling.entry import Limits, TransferEntry, TransferState
from gpurules.governor.scheduling.scheduler import Scheduler
from gpurules.model import Transfer


def scheduler(**limits):
    return Scheduler(Limits(**limits))


def submitted(the, name, now=0.0, priority=None, **more):
    entry = TransferEntry(name, Transfer(id=name, priority=priority), now, **more)
    the.submit(entry, now)
    return entry


def asking(the, name, now=0.0, size=1.0, **more):
    return the.ask(submitted(the, name, now, **more), size, now)


def names(requests):
    return [request.entry.id for request in requests]


def delayed(seconds, **more):
    return Requirements(holds=(HoldClaim("hot", "delay_transfer", seconds, **more),))


def test_a_part_gets_a_slot_and_gives_it_back():
    the = scheduler(slots=1)
    first, _ = asking(the, "a"), asking(the, "b", 1)
    assert names(the.advance(1)) == ["a"]
    assert names(the.advance(2)) == []
    the.finish(first, 1, 3)
    assert names(the.advance(3)) == ["b"]


def test_priority_overtakes_by_the_waiting_time_that_it_counts_for():
    the = scheduler(slots=1, age_rate=2.0)
    first = asking(the, "first")
    the.advance(0)
    asking(the, "early", 1)
    asking(the, "too late", 7, priority=10)
    asking(the, "in time", 5, priority=10)
    the.finish(first, 1, 8)
    order = []
    for now in (8, 9, 10):
        (granted,) = the.advance(now)
        order.append(granted.entry.id)
        the.finish(granted, 1, now)
    assert order == ["in time", "early", "too late"]


def test_a_boost_applies_to_what_is_queued():
    the = scheduler(slots=1)
    first = asking(the, "first")
    the.advance(0)
    asking(the, "dataset", 1)
    model = asking(the, "model", 2)
    the.take(model.entry, Requirements(boost=50), 3)
    the.finish(first, 1, 4)
    assert names(the.advance(4)) == ["model"]


def test_a_held_transfer_takes_no_slot_and_goes_at_the_end_of_its_hold():
    the = scheduler(slots=1)
    held = asking(the, "held")
    the.take(held.entry, delayed(30), 0)
    asking(the, "free", 1)
    assert held.entry.state is TransferState.HELD
    (free,) = the.advance(1)
    assert free.entry.id == "free"
    the.finish(free, 1, 2)
    assert the.advance(29) == []
    assert the.due() == 30
    assert names(the.advance(30)) == ["held"]
    assert held.entry.state is TransferState.RUNNING


def test_a_running_transfer_pauses_at_its_next_part_where_the_rule_says_so():
    the = scheduler()
    part = asking(the, "big")
    the.advance(0)
    the.take(part.entry, delayed(30, pauses_running=True), 5)
    assert part.entry.state is TransferState.PAUSED
    the.finish(part, 1, 6)
    the.ask(part.entry, 1, 6)
    assert the.advance(34) == []
    assert names(the.advance(35)) == ["big"]


def test_a_running_transfer_goes_on_where_the_rule_does_not_pause_it():
    the = scheduler()
    part = asking(the, "big")
    the.advance(0)
    the.take(part.entry, delayed(30), 5)
    the.ask(part.entry, 1, 6)
    assert names(the.advance(6)) == ["big"]


def test_a_release_lets_go_at_once():
    the = scheduler()
    held = asking(the, "held")
    the.take(held.entry, delayed(inf, pauses_running=True), 0)
    the.take(held.entry, Requirements(), 3)
    assert names(the.advance(3)) == ["held"]


def test_a_full_queue_refuses_and_counts():
    the = scheduler(queue=2)
    asking(the, "a"), asking(the, "b")
    with pytest.raises(QueueFull):
        asking(the, "c")
    the.advance(0)
    asking(the, "d")
    assert the.counts.refused == 1


def test_one_slot_is_kept_for_the_lowest_class_while_it_is_there():
    the = scheduler(slots=2)
    urgent = [asking(the, f"u{n}", priority=50) for n in range(3)]
    asking(the, "low", priority=-5)
    assert names(the.advance(0)) == ["u0", "low"]
    the.finish(urgent[0], 1, 1)
    assert names(the.advance(1)) == ["u1"]


def test_all_slots_serve_others_where_the_lowest_class_is_absent():
    the = scheduler(slots=2)
    asking(the, "a", priority=5), asking(the, "b")
    assert names(the.advance(0)) == ["a", "b"]


def test_a_cap_of_a_rule_bounds_the_parts_of_its_transfers_and_no_others():
    the = scheduler()
    for name in ("d1", "d2", "d3"):
        request = asking(the, name)
        the.take(request.entry, Requirements(concurrency=(("few", 2),)), 0)
    asking(the, "free")
    assert names(the.advance(0)) == ["d1", "d2", "free"]


def test_a_rate_is_shared_by_the_transfers_of_its_rule_and_changes_live():
    the = scheduler()
    parts = [asking(the, f"d{n}", size=100) for n in range(3)]
    for part in parts:
        the.take(part.entry, Requirements(bandwidth=(("slow", 10.0),)), 0)
    assert names(the.advance(0)) == ["d0"]
    assert the.due() == 10
    for part in parts:
        the.take(part.entry, Requirements(bandwidth=(("slow", 100.0),)), 1)
    assert the.advance(1) == []
    assert the.due() == pytest.approx(1.9)
    assert names(the.advance(1.9)) == ["d1"]


def test_what_was_not_known_ahead_is_paid_afterwards():
    the = scheduler()
    the.rates.set("all", 10, 0)
    first = asking(the, "a", size=0)
    asking(the, "b", size=0)
    the.advance(0)
    the.finish(first, 50, 1)
    asking(the, "c", 1)
    assert the.advance(1) == []
    assert names(the.advance(6)) == ["c"]


@pytest.mark.parametrize("state", ["queued", "held", "running", "paused", "staged"])
def test_a_transfer_can_be_cancelled_in_every_state(state):
    the = scheduler()
    request = asking(the, "a")
    if state in ("running", "paused", "staged"):
        the.advance(0)
    if state == "staged":
        the.stage(request.entry, True, 1)
    if state in ("held", "paused"):
        the.take(request.entry, delayed(30, pauses_running=True), 1)
    assert request.entry.state == state
    assert the.cancel(request.entry, 2)
    assert not the.cancel(request.entry, 2)
    assert request.entry.state is TransferState.CANCELLED
    late = the.ask(request.entry, 1, 3)
    assert isinstance(late.error, TransferCancelled)
    if state in ("queued", "held"):
        assert names(the.advance(3)) == ["a"]
        assert isinstance(request.error, TransferCancelled)


def test_a_deadline_fails_what_waits():
    the = scheduler()
    request = asking(the, "a", deadline=10.0)
    the.take(request.entry, delayed(30), 0)
    assert the.due() == 10
    assert names(the.advance(10)) == ["a"]
    assert isinstance(request.error, DeadlinePassed)
    assert (request.entry.state, the.counts.past_deadline) == (TransferState.FAILED, 1)


def test_a_lease_that_is_not_renewed_expires_and_one_renewed_does_not():
    the = scheduler()
    dead, alive = asking(the, "dead", lease_seconds=10.0), asking(the, "alive", lease_seconds=10.0)
    the.take(dead.entry, delayed(60), 0)
    the.advance(0)
    the.renew(alive.entry, 8)
    assert names(the.advance(10)) == ["dead"]
    assert isinstance(dead.error, LeaseLapsed)
    assert alive.entry.state is TransferState.RUNNING
    the.advance(18)
    assert alive.entry.state is TransferState.FAILED


def test_what_is_taken_back_frees_its_slot():
    the = scheduler(slots=1)
    first, second = asking(the, "a"), asking(the, "b", 1)
    the.advance(1)
    the.withdraw(first, 2)
    assert names(the.advance(2)) == ["b"]
    the.withdraw(second, 3)
    assert not the.slots.moving


def test_changes_name_the_rules_that_caused_them():
    the = scheduler()
    request = asking(the, "a")
    the.take(request.entry, delayed(30), 1)
    the.advance(31)
    the.end(request.entry, TransferState.DONE, 40)
    assert [(c.after.value, c.at, c.rules) for c in the.changes] == [
        ("queued", 0, ()),
        ("held", 1, ("hot",)),
        ("queued", 31, ()),
        ("running", 31, ()),
        ("done", 40, ()),
    ]
    assert the.counts.held_seconds == 30
