import threading
import time
from collections.abc import Callable

import pytest

from gpurules.actions import Event
from gpurules.actions.effects.notification.delivery import DeliveryState, RefusedError, RetryLater
from gpurules.actions.registration import FunctionEffect
from gpurules.engine.effects.dispatcher import MAX_LANES, MAX_REMEMBERED, Dispatcher
from tests.waiting import wait_until


def effect(function: Callable[[Event], object], name: str = "notify") -> FunctionEffect:
    return FunctionEffect(name, "", {}, function, frozenset({"start", "stop"}))


def event(rule: str = "r", **parameters: object) -> Event:
    return Event("start", rule, 1.0, parameters)


def test_events_of_one_lane_keep_their_order():
    received: list[str] = []
    dispatcher = Dispatcher()
    for n in range(50):
        dispatcher.submit(effect(lambda e: received.append(e.rule)), event(str(n)))
    assert dispatcher.close(2)
    assert received == [str(n) for n in range(50)]
    assert dispatcher.counts["notify"].sent == 50


def test_what_is_full_drops_the_newest_and_counts_it():
    gate = threading.Event()
    dispatcher = Dispatcher(max_queued=3)
    taken = [dispatcher.submit(effect(lambda e: gate.wait(5)), event(str(n))) for n in range(10)]
    assert taken.count(True) in (3, 4)
    assert dispatcher.counts["notify"].dropped == taken.count(False)
    gate.set()
    assert dispatcher.close(2)


def test_close_drops_what_still_waits_and_leaves_a_hanging_handler_behind():
    gate = threading.Event()
    dispatcher = Dispatcher()
    for _ in range(5):
        dispatcher.submit(effect(lambda e: gate.wait(5)), event())
    began = time.monotonic()
    assert not dispatcher.close(0.05)
    assert time.monotonic() - began < 3
    assert dispatcher.counts["notify"].dropped == 4
    gate.set()
    assert dispatcher.close(2)
    assert (dispatcher.counts["notify"].sent, dispatcher.counts["notify"].dropped) == (1, 4)


def test_close_of_a_full_queue_does_not_wait_longer_than_it_takes():
    dispatcher = Dispatcher(max_queued=5)
    for _ in range(5):
        # sleep: calls take a while, so that the queue is full when it is closed
        dispatcher.submit(effect(lambda e: time.sleep(0.01)), event())
    began = time.monotonic()
    assert dispatcher.close(5)
    assert time.monotonic() - began < 3


def test_once_closed_events_are_dropped():
    dispatcher = Dispatcher()
    dispatcher.close(0)
    assert not dispatcher.submit(effect(lambda e: None), event())
    assert dispatcher.counts["notify"].dropped == 1


def test_where_no_thread_can_be_started_events_are_dropped(monkeypatch: pytest.MonkeyPatch):
    def refuse(self: object) -> None:
        raise RuntimeError("can't start new thread")

    dispatcher = Dispatcher()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert not dispatcher.submit(effect(lambda e: None), event())
    assert dispatcher.submit(effect(lambda e: None), event()), "it is tried again"
    assert dispatcher.close(2)


def test_stuck_reports_how_long_a_handler_has_run():
    gate, now = threading.Event(), [100.0]
    dispatcher = Dispatcher(monotonic=lambda: now[0])
    began = threading.Event()
    dispatcher.submit(effect(lambda e: (began.set(), gate.wait(5))), event())
    assert began.wait(5)
    now[0] = 145.0
    assert dispatcher.stuck(30) == {"notify": 45.0}
    assert dispatcher.stuck(60) == {}
    gate.set()


def test_each_host_has_a_lane_and_their_number_is_bounded():
    started: set[str] = set()
    before = set(threading.enumerate())
    dispatcher = Dispatcher()
    for n in range(100):
        dispatcher.submit(effect(lambda e: started.add(threading.current_thread().name)), event(url=f"http://h{n}/x"))
    assert sum(t.name == "gpurules-notify" for t in set(threading.enumerate()) - before) <= MAX_LANES
    assert dispatcher.close(2)
    assert dispatcher.counts["notify"].sent == 100


def test_what_may_succeed_later_is_tried_again_and_each_delivery_is_listed_with_its_state():
    gate, fails = threading.Event(), [RetryLater("busy"), RetryLater("busy")]

    def handle(given: Event) -> None:
        if given.rule == "waits":
            gate.wait(5)
        if given.rule == "refused":
            raise RefusedError("no such receiver")
        if given.rule == "later" and fails:
            raise fails.pop()

    dispatcher = Dispatcher(jitter=lambda: 1.0)
    received = effect(handle)
    for rule in ("later", "refused", "fine"):
        dispatcher.submit(received, event(rule, backoff=0.05))
    wait_until(lambda: dispatcher.counts["notify"].sent >= 2)
    dispatcher.submit(received, event("waits"))
    states = {d.rule: (d.state, d.attempts, d.reason) for d in dispatcher.deliveries()}
    assert states == {
        "later": (DeliveryState.DELIVERED, 3, None),
        "refused": (DeliveryState.FAILED, 1, "no such receiver"),
        "fine": (DeliveryState.DELIVERED, 1, None),
        "waits": (DeliveryState.PENDING, states["waits"][1], None),
    }
    assert dispatcher.queued == {"notify": 1}
    counts = dispatcher.counts["notify"]
    assert (counts.sent, counts.failed, counts.retried, counts.last_error) == (2, 1, 2, "refused: no such receiver")
    gate.set()
    assert dispatcher.close(2)


def test_stopping_attempts_once_more_what_waits_for_a_retry():
    attempts: list[str] = []

    def handle(given: Event) -> None:
        attempts.append(given.rule)
        raise RetryLater("down", of_receiver=True)

    dispatcher = Dispatcher()
    for rule in "abc":
        dispatcher.submit(effect(handle), event(rule, backoff=600))
    wait_until(lambda: dispatcher.counts["notify"].retried)
    began = time.monotonic()
    assert dispatcher.close(5)
    assert time.monotonic() - began < 3
    assert sorted(attempts) == ["a", "a", "b", "c"]
    counts = dispatcher.counts["notify"]
    assert (counts.failed, counts.last_error) == (3, f"{attempts[-1]}: down (the agent stopped)")


def test_a_storm_on_a_dead_receiver_takes_bounded_memory_and_every_event_is_counted():
    def refuse(given: Event) -> None:
        raise RetryLater("down", of_receiver=True)

    dispatcher, received, count = Dispatcher(max_queued=100), effect(refuse), 5000
    for n in range(count):
        dispatcher.submit(received, Event("start" if n % 2 else "stop", f"r{n % 700}", float(n), {}))
    assert dispatcher.queued["notify"] <= 100
    counts = dispatcher.counts["notify"]
    assert counts.dropped + counts.superseded + dispatcher.queued["notify"] + counts.failed == count
    assert len(dispatcher.deliveries()) <= MAX_REMEMBERED + 100
    dispatcher.close(2)
    counts = dispatcher.counts["notify"]
    assert counts.dropped + counts.superseded + counts.failed == count
