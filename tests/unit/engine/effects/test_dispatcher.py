import threading
import time
from collections.abc import Callable

import pytest

from gpurules.actions import Event
from gpurules.actions.registration import FunctionEffect
from gpurules.engine.effects.dispatcher import MAX_LANES, Dispatcher, lane_name


def effect(function: Callable[[Event], object], name: str = "tell") -> FunctionEffect:
    return FunctionEffect(name, "", {}, function, frozenset({"start", "stop"}))


def event(rule: str = "r", **parameters: object) -> Event:
    return Event("start", rule, 1.0, parameters)


def test_events_of_one_lane_keep_their_order():
    told: list[str] = []
    dispatcher = Dispatcher()
    for n in range(50):
        dispatcher.submit(effect(lambda e: told.append(e.rule)), event(str(n)))
    assert dispatcher.close(2)
    assert told == [str(n) for n in range(50)]
    assert dispatcher.counts["tell"].sent == 50


def test_what_is_full_drops_the_newest_and_counts_it():
    gate = threading.Event()
    dispatcher = Dispatcher(max_queued=3)
    taken = [dispatcher.submit(effect(lambda e: gate.wait(5)), event(str(n))) for n in range(10)]
    assert taken.count(True) in (3, 4)
    assert dispatcher.counts["tell"].dropped == taken.count(False)
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
    assert dispatcher.counts["tell"].dropped == 4
    gate.set()
    assert dispatcher.close(2)
    assert (dispatcher.counts["tell"].sent, dispatcher.counts["tell"].dropped) == (1, 4)


def test_close_of_a_full_queue_does_not_wait_longer_than_it_takes():
    dispatcher = Dispatcher(max_queued=5)
    for _ in range(5):
        dispatcher.submit(effect(lambda e: time.sleep(0.01)), event())
    began = time.monotonic()
    assert dispatcher.close(5)
    assert time.monotonic() - began < 3


def test_once_closed_events_are_dropped():
    dispatcher = Dispatcher()
    dispatcher.close(0)
    assert not dispatcher.submit(effect(lambda e: None), event())
    assert dispatcher.counts["tell"].dropped == 1


def test_where_no_thread_can_be_started_events_are_dropped(monkeypatch: pytest.MonkeyPatch):
    def refuse(self: object) -> None:
        raise RuntimeError("can't start new thread")

    dispatcher = Dispatcher()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert not dispatcher.submit(effect(lambda e: None), event())
    assert dispatcher.submit(effect(lambda e: None), event()), "it is tried again"
    assert dispatcher.close(2)


def test_stuck_tells_how_long_a_handler_runs():
    gate, now = threading.Event(), [100.0]
    dispatcher = Dispatcher(monotonic=lambda: now[0])
    began = threading.Event()
    dispatcher.submit(effect(lambda e: (began.set(), gate.wait(5))), event())
    assert began.wait(5)
    now[0] = 145.0
    assert dispatcher.stuck(30) == {"tell": 45.0}
    assert dispatcher.stuck(60) == {}
    gate.set()


def test_each_host_has_a_lane_and_their_number_is_bounded():
    started: set[str] = set()
    before = set(threading.enumerate())
    dispatcher = Dispatcher()
    for n in range(100):
        dispatcher.submit(effect(lambda e: started.add(threading.current_thread().name)), event(url=f"http://h{n}/x"))
    assert sum(t.name == "gpurules-tell" for t in set(threading.enumerate()) - before) <= MAX_LANES
    assert dispatcher.close(2)
    assert dispatcher.counts["tell"].sent == 100


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://user:secret@hooks.example:8443/T0/B0?key=x", "tell hooks.example:8443"),
        ("https://hooks.example/T0", "tell hooks.example"),
        ("http://[broken", "tell"),
        ("http://a:99999999", "tell"),
        (5, "tell"),
    ],
)
def test_a_lane_is_named_without_what_may_be_secret(url: object, name: str):
    assert lane_name(effect(print), event(url=url)) == name
