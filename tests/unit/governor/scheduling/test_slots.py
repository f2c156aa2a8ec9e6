"""Transfers wait for a slot only if the user or a rule sets a limit, or parts share the threads of a client."""

import pytest

from gpurules.governor.requirements import Requirements
from gpurules.governor.scheduling.entry import Limits, TransferEntry
from gpurules.governor.scheduling.lane import Lane
from gpurules.governor.scheduling.scheduler import Scheduler
from gpurules.governor.scheduling.slots import YIELD_SLOTS
from gpurules.model import Transfer
from tests.unit.governor.scheduling.test_scheduler import names, submitted


def parts(the, name, count, lane=None, **more):
    """Have a transfer ask for *count* parts at once; return those that were admitted, and those that wait."""
    entry = submitted(the, name, **more)
    asked = [the.enter(entry, 1, 0.0, lane) for _ in range(count)]
    the.advance(0.0)
    return [r for r in asked if r.granted_at is not None], [r for r in asked if r.granted_at is None]


@pytest.mark.parametrize("priority", [None, 0, 5, -5])
@pytest.mark.parametrize("transfers", [1, 3])
def test_transfers_of_one_priority_never_wait_where_no_limit_is_set(priority, transfers):
    the = Scheduler()
    found = [parts(the, f"t{number}", 200, priority=priority) for number in range(transfers)]
    assert [(len(moving), len(waiting)) for moving, waiting in found] == [(200, 0)] * transfers


@pytest.mark.parametrize("slots", [1, 3, 16])
def test_a_limit_that_the_user_set_holds(slots):
    the = Scheduler(Limits(slots=slots))
    moving, waiting = parts(the, "a", 50)
    assert (len(moving), len(waiting)) == (slots, 50 - slots)


def test_a_limit_of_a_rule_holds_for_its_transfers_and_no_others():
    the = Scheduler()
    capped = submitted(the, "capped")
    the.take(capped, Requirements(concurrency=(("few", 2),)), 0)
    asked = [the.enter(capped, 1, 0.0) for _ in range(5)]
    assert [r.granted_at is not None for r in asked] == [True, True, False, False, False]
    assert len(parts(the, "free", 100)[0]) == 100


@pytest.mark.parametrize(("high", "low"), [(5, 0), (0, -5), (None, -1), (5, -5)])
def test_parts_of_lower_priority_wait_for_more_urgent_ones_while_many_move(high, low):
    the = Scheduler()
    before, _ = parts(the, "many", 10, priority=low)
    urgent, waiting = parts(the, "urgent", 40, priority=high)
    assert (len(before), len(urgent), waiting) == (10, 40, []), "the highest wait for no other"
    more = [the.enter(before[0].entry, 1, 0.0) for _ in range(5)]
    assert all(r.granted_at is None for r in more)
    for request in urgent:
        the.finish(request, 1, 1.0)
    assert len(the.advance(1.0)) == 5, "as soon as fewer than 16 move"
    assert YIELD_SLOTS == 16


def test_one_part_of_lower_priority_may_always_move():
    the = Scheduler()
    parts(the, "urgent", 100, priority=5)
    moving, waiting = parts(the, "low", 3)
    assert (len(moving), len(waiting)) == (1, 2)
    the.finish(moving[0], 1, 1.0)
    assert names(the.advance(1.0)) == ["low"]


def test_no_transfer_yields_to_one_that_has_ended_or_lost_its_priority():
    the = Scheduler()
    urgent = submitted(the, "urgent", priority=None)
    the.take(urgent, Requirements(boost=9), 0)
    low, waiting = parts(the, "low", 30)
    assert (len(low), len(waiting)) == (16, 14)
    the.take(urgent, Requirements(), 1)
    assert len(the.advance(1)) == 14
    the.take(urgent, Requirements(boost=9), 2)
    assert len(parts(the, "more", 1)[1]) == 1
    the.cancel(urgent, 3)
    assert len(the.advance(3)) == 1


def test_parts_that_share_threads_are_let_through_when_one_is_free_in_the_order_of_priority():
    the, lane = Scheduler(), Lane(2)
    moving, waiting = parts(the, "early", 4, lane)
    assert (len(moving), len(waiting)) == (2, 2)
    assert len(parts(the, "elsewhere", 50)[0]) == 50, "others have threads of their own"
    parts(the, "urgent", 1, lane, priority=50)
    the.finish(moving[0], 1, 1.0)
    assert names(the.advance(1.0)) == ["urgent"]
    assert (lane.moving, lane.is_full) == (2, True)


def test_a_lane_keeps_a_place_for_the_lowest_class_as_the_slots_do():
    the, lane = Scheduler(), Lane(3)
    background = submitted(the, "background", priority=-5)
    parts(the, "normal", 2, lane)
    waiting = the.enter(background, 1, 0.0, lane)
    assert waiting.granted_at is not None
    others, left = parts(the, "more", 2, lane)
    assert (others, len(left)) == ([], 2)
    the.finish(waiting, 1, 1.0)
    assert names(the.advance(1.0)) == ["more"], "where it is absent, others have its place"


def test_a_part_that_is_taken_back_gives_its_place_back():
    the, lane = Scheduler(), Lane(1)
    (moving,), (waiting,) = parts(the, "a", 2, lane)
    the.withdraw(waiting, 1)
    the.withdraw(moving, 1)
    assert (lane.moving, the.slots.all.moving) == (0, 0)
    assert len(parts(the, "b", 1, lane)[0]) == 1


def test_limits_say_that_no_limit_is_none_and_not_nothing():
    assert Limits().slots is None
    with pytest.raises(ValueError, match="'slots' is a number above 0, not 0"):
        Limits(slots=0)
    assert TransferEntry("x", Transfer(id="x"), 0.0).requirements.concurrency == ()
