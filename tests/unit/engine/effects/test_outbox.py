from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.actions import Event
from gpurules.actions.effects.notification.delivery import DeliveryState, RetryLater
from gpurules.actions.registration import FunctionEffect
from gpurules.engine.effects.outbox import Outbox, Parcel

NOTIFY = FunctionEffect("notify", "", {}, print)
DOWN = RetryLater("down", of_receiver=True)


def event(edge: Any, rule: str = "r", joined: Any = (), left: Any = (), devices: Any = (), **parameters: Any) -> Event:
    return Event(edge, rule, 1.0, parameters, devices, joined=joined, left=left)


def outbox(limit: int = 100, jitter: float = 0.0) -> Outbox:
    return Outbox(lambda: jitter, limit)


def taken(box: Outbox, now: float) -> Parcel:
    parcel = box.take(now)
    assert isinstance(parcel, Parcel)
    return parcel


def words(outcomes: Any) -> list[tuple[str, str, str]]:
    return [(o.parcel.event.rule, o.parcel.event.edge, o.state.value) for o in outcomes]


def waits(box: Outbox, error: RetryLater, count: int) -> list[float]:
    """Return the waits between failing attempts."""
    now, found = 0.0, []
    parcel = taken(box, now)
    for _ in range(count):
        assert box.postpone(parcel, error, now) is None
        wait = box.take(now)
        assert isinstance(wait, float)
        found.append(round(wait, 6))
        now += wait
        parcel = taken(box, now)
    return found


@pytest.mark.parametrize("of_receiver", [False, True])
@pytest.mark.parametrize(
    ("jitter", "parameters", "expected"),
    [
        (0.0, {}, [1, 2, 4, 8, 16, 32, 60, 60]),
        (1.0, {}, [0.5, 1, 2, 4, 8, 16, 30, 30]),
        (0.0, {"backoff": 10}, [10, 20, 40, 60]),
        (0.0, {"backoff": 300}, [300, 300]),
        (0.0, {"backoff": 1e-9}, [0.05, 0.1, 0.2]),
    ],
)
def test_waits_double_up_to_a_minute_and_are_shortened_at_random(
    jitter: float, parameters: Any, expected: list[float], of_receiver: bool
):
    box = outbox(jitter=jitter)
    box.put(NOTIFY, event("start", **parameters), 0.0)
    assert waits(box, RetryLater("down", of_receiver=of_receiver), len(expected)) == expected


@pytest.mark.parametrize(("after", "expected"), [(30.0, 30), (0.0, 1), (1e9, 900), (None, 1)])
def test_a_receiver_that_says_when_is_not_asked_earlier_within_reason(after: float | None, expected: float):
    box = outbox()
    box.put(NOTIFY, event("start"), 0.0)
    assert waits(box, RetryLater("busy", after, of_receiver=True), 1) == [expected]


def test_while_the_receiver_is_down_nothing_else_goes_there_either():
    box = outbox()
    for rule in "ab":
        box.put(NOTIFY, event("start", rule), 0.0)
    box.postpone(taken(box, 0.0), DOWN, 0.0)
    assert box.take(0.5) == 0.5
    assert taken(box, 1.0).event.rule == "b", "the one that has not been attempted yet"


def test_what_fails_by_itself_holds_up_no_other_episode():
    box = outbox()
    for rule in "ab":
        box.put(NOTIFY, event("start", rule), 0.0)
    box.postpone(taken(box, 0.0), RetryLater("500"), 0.0)
    assert taken(box, 0.0).event.rule == "b"


def test_order_is_kept_within_an_episode():
    box = outbox()
    box.put(NOTIFY, event("start"), 0.0)
    box.put(NOTIFY, event("stop"), 0.0)
    first = taken(box, 0.0)
    assert box.take(0.0) is None, "the stop waits for the start"
    box.postpone(first, RetryLater("500"), 0.0)
    assert box.take(0.0) == 1.0
    assert taken(box, 1.0) is first
    box.succeed(first)
    assert taken(box, 1.0).event.edge == "stop"


@pytest.mark.parametrize(
    ("parameters", "lasts", "attempts"),
    [({"retries": 2}, 3.0, 3), ({"retry_for": 10}, 10.0, 5), ({"retry_for": 0}, 0.0, 1), ({"retries": 0}, 0.0, 1)],
)
def test_it_is_given_up_after_its_time_or_its_retries(parameters: Any, lasts: float, attempts: int):
    box, now = outbox(), 0.0
    box.put(NOTIFY, event("start", **parameters), 0.0)
    while (outcome := box.postpone(taken(box, now), RetryLater("500"), now)) is None:
        wait = box.take(now)
        assert isinstance(wait, float)
        now += wait
    assert (outcome.state, outcome.reason) == (DeliveryState.FAILED, f"500 (attempts: {attempts})")
    assert (now, box.size, box.take(now)) == (lasts, 0, None)


def test_what_waited_behind_a_dead_receiver_for_its_whole_time_is_given_up_without_an_attempt():
    box = outbox()
    for rule in "ab":
        box.put(NOTIFY, event("start", rule, retry_for=100), 0.0)
    box.postpone(taken(box, 0.0), RetryLater("down", 900.0, of_receiver=True), 0.0)
    assert box.expire(99.0) == []
    outcomes = box.expire(100.0)
    assert words(outcomes) == [("a", "start", "failed"), ("b", "start", "failed")]
    assert [o.reason for o in outcomes] == [
        "down (attempts: 1)",
        "it was not attempted in time, because its receiver failed (attempts: 0)",
    ]
    assert box.size == 0


def test_a_later_change_replaces_one_that_waits_and_says_what_both_amount_to():
    box = outbox()
    box.put(NOTIFY, event("start", devices=(0,)), 0.0)
    start = taken(box, 0.0)
    assert box.put(NOTIFY, event("change", joined=(1, 2), devices=(0, 1, 2)), 0.0) == []
    outcomes = box.put(NOTIFY, event("change", joined=(3,), left=(0, 1), devices=(2, 3)), 0.0)
    assert words(outcomes) == [("r", "change", "superseded")]
    box.succeed(start)
    change = taken(box, 0.0).event
    assert (change.joined, change.left, change.devices) == ((2, 3), (0,), (2, 3))


def test_changes_that_cancel_each_other_are_not_sent():
    box = outbox()
    box.put(NOTIFY, event("start", devices=(0,)), 0.0)
    box.put(NOTIFY, event("change", joined=(1,), devices=(0, 1)), 0.0)
    outcomes = box.put(NOTIFY, event("change", left=(1,), devices=(0,)), 0.0)
    assert words(outcomes) == [("r", "change", "superseded")] * 2
    assert box.size == 1


def test_a_stop_replaces_changes_and_repeats_that_wait_and_no_start():
    box = outbox()
    for edge in ("start", "change"):
        box.put(NOTIFY, event(edge, joined=(1,)), 0.0)
    assert words(box.put(NOTIFY, event("repeat"), 0.0)) == [("r", "repeat", "superseded")], "the change is still queued"
    assert words(box.put(NOTIFY, event("stop"), 0.0)) == [("r", "change", "superseded")]
    assert [p.event.edge for p in box.parcels] == ["start", "stop"]


def test_what_is_in_flight_is_never_replaced():
    box = outbox()
    box.put(NOTIFY, event("change", joined=(1,)), 0.0)
    taken(box, 0.0)
    assert box.put(NOTIFY, event("change", joined=(2,)), 0.0) == []
    assert box.size == 2


def test_two_actions_of_one_rule_replace_nothing_of_each_other():
    box = outbox()
    for channel in ("a", "b"):
        assert box.put(NOTIFY, event("change", joined=(1,), channel=channel), 0.0) == []
    assert box.size == 2


def test_a_full_queue_drops_changes_first_and_then_the_newest():
    box = outbox(limit=2)
    box.put(NOTIFY, event("change", "a", joined=(1,)), 0.0)
    box.put(NOTIFY, event("start", "b"), 0.0)
    assert words(box.put(NOTIFY, event("start", "c"), 0.0)) == [("a", "change", "dropped")]
    assert words(box.put(NOTIFY, event("start", "d"), 0.0)) == [("d", "start", "dropped")]
    assert words(box.put(NOTIFY, event("repeat", "e"), 0.0)) == [("e", "repeat", "dropped")]


def test_a_stop_finds_room_in_a_full_queue_if_its_start_was_sent():
    box = outbox(limit=2)
    box.put(NOTIFY, event("start", "sent"), 0.0)
    box.succeed(taken(box, 0.0))
    for rule in "ab":
        box.put(NOTIFY, event("start", rule), 0.0)
    assert words(box.put(NOTIFY, event("stop", "sent"), 0.0)) == [("b", "start", "dropped")]
    assert [p.event.rule for p in box.parcels] == ["a", "sent"]


def test_a_stop_that_finds_no_room_goes_with_its_start_of_which_the_receiver_has_not_heard():
    box = outbox(limit=2)
    for rule in "ab":
        box.put(NOTIFY, event("start", rule), 0.0)
    assert words(box.put(NOTIFY, event("stop", "a"), 0.0)) == [("a", "start", "dropped"), ("a", "stop", "dropped")]
    assert [p.event.rule for p in box.parcels] == ["b"]


def test_draining_waits_for_nothing_and_retries_nothing():
    box = outbox()
    box.put(NOTIFY, event("start"), 0.0)
    box.postpone(taken(box, 0.0), DOWN, 0.0)
    box.drain()
    outcome = box.postpone(taken(box, 0.0), DOWN, 0.0)
    assert outcome is not None and outcome.reason == "down (the agent stopped)"
    assert box.take(0.0) is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "take", "ok", "later", "down", "refuse", "wait"]),
        st.sampled_from(["start", "change", "repeat", "stop"]),
        st.sampled_from("abc"),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 5))
def test_every_event_ends_once_the_queue_is_bounded_and_order_is_kept(steps: Any, limit: int):
    box, now, flying, ended, sent = outbox(limit), 0.0, [], [], []
    put: list[Event] = []
    for number, (step, edge, rule) in enumerate(steps):
        if step == "put":
            one = Event(edge, rule, float(number), {}, joined=(number,))
            put.append(one)
            ended += box.put(NOTIFY, one, now)
        elif step == "wait":
            now += 7.0
            ended += box.expire(now)
        elif step == "take":
            parcel = box.take(now)
            if isinstance(parcel, Parcel):
                assert all(other.key != parcel.key for other in flying), "two of one episode under way"
                flying.append(parcel)
        elif flying:
            parcel = flying.pop(0)
            if step == "ok":
                sent.append(parcel.event)
                outcome = box.succeed(parcel)
            elif step == "refuse":
                outcome = box.refuse(parcel, "no")
            else:
                outcome = box.postpone(parcel, RetryLater("later", of_receiver=step == "down"), now)
            ended += [outcome] if outcome is not None else []
        assert box.size <= limit and box.size == len(box.parcels)
    assert len(ended) + box.size == len(put), "none is lost without a word, none ends twice"
    for rule in "abc":
        times = [e.timestamp for e in sent if e.rule == rule]
        assert times == sorted(times)


@given(STEPS)
def test_whatever_the_receiver_does_it_ends_with_the_gpus_that_match(steps: Any):
    """With room for all, what was delivered in the end is what the last edge of each episode says."""
    box, now, truth, seen = outbox(1000), 0.0, {}, {}

    def deliver(parcel: Parcel) -> None:
        one = parcel.event
        before = seen.get(one.rule, set())
        seen[one.rule] = set() if one.edge == "stop" else (before | set(one.joined)) - set(one.left)
        assert one.edge == "stop" or seen[one.rule] == set(one.devices)
        box.succeed(parcel)

    for number, (step, edge, rule) in enumerate(steps):
        match = truth.get(rule, set())
        if step == "put" and edge == "stop" and match:
            box.put(NOTIFY, event("stop", rule, devices=tuple(match)), now)
            truth[rule] = set()
        elif step == "put" and edge != "repeat":
            fresh, left = (number % 4,), tuple(match)[:1] if edge == "change" and len(match) > 1 else ()
            joined = tuple(gpu for gpu in fresh if gpu not in match and gpu not in left)
            if joined or left:
                truth[rule] = (match | set(joined)) - set(left)
                kind = "change" if match else "start"
                box.put(NOTIFY, event(kind, rule, joined, left, tuple(truth[rule])), now)
        elif step != "put" and isinstance(parcel := box.take(now), Parcel):
            if step in ("later", "down"):
                box.postpone(parcel, RetryLater("later", of_receiver=step == "down"), now)
            else:
                deliver(parcel)
        now += 0.5
    while isinstance(parcel := box.take(now := now + 60), Parcel):
        deliver(parcel)
    assert {r: g for r, g in seen.items() if g} == {r: g for r, g in truth.items() if g}


def test_a_storm_on_a_dead_receiver_takes_bounded_memory():
    box = outbox(limit=50)
    box.put(NOTIFY, event("start", "first"), 0.0)
    box.postpone(taken(box, 0.0), DOWN, 0.0)
    for number in range(20_000):
        box.put(NOTIFY, event("stop" if number % 3 else "start", f"r{number % 90}"), 0.0)
        assert box.size <= 50
    assert len(box._due) <= 2 * 50 + 65, "entries of what is gone are swept"
