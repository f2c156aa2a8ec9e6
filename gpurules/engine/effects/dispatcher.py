"""Runs effects in isolation: one bounded queue and one thread per receiver, so that none delays polls or another."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from gpurules.actions import ActionError, Effect, Event
from gpurules.actions.effects.notification.delivery import Delivery, DeliveryState, RetryLater, event_id, receiver_of
from gpurules.engine.effects.outbox import MAX_QUEUED, Departure, Outbox, Parcel
from gpurules.logs import logger
from gpurules.plugins import reason

_LOGGER = logger("gpurules.effects")
MAX_LANES = 32
MAX_REMEMBERED = 1000
"""How many deliveries that have ended are remembered."""
QUIET_SECONDS = 60.0
"""How long the log is silent about further failures of an action; they are counted all the same."""


@dataclass(slots=True)
class EffectCounts:
    """What became of the events of one action, and how often attempts were repeated.

    Missing: ``last_error`` None: none has failed or was dropped.
    """

    sent: int = 0
    failed: int = 0
    dropped: int = 0
    superseded: int = 0
    retried: int = 0
    last_error: str | None = None


_COUNTED = {
    DeliveryState.DELIVERED: "sent",
    DeliveryState.FAILED: "failed",
    DeliveryState.DROPPED: "dropped",
    DeliveryState.SUPERSEDED: "superseded",
}


@dataclass(slots=True)
class _Lane:
    """A worker with the queue of its receiver. Missing: ``busy_since`` is None while it waits."""

    receiver: str
    outbox: Outbox
    news: threading.Condition
    thread: threading.Thread | None = None
    busy_since: float | None = None


@dataclass(slots=True)
class _Complaints:
    """When the log last heard of each action."""

    said: dict[str, float] = field(default_factory=dict)

    def is_due(self, name: str, now: float) -> bool:
        last = self.said.get(name)
        if last is not None and now - last < QUIET_SECONDS:
            return False
        self.said[name] = now
        return True


class Dispatcher:
    """Hands events to effects, each in the worker of its receiver, and repeats what may succeed later.

    Queues are bounded: what does not fit is dropped and counted. With *dry_run* nothing is called. *jitter* returns a
    number from 0 to 1.
    """

    def __init__(
        self,
        dry_run: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        max_queued: int = MAX_QUEUED,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self.dry_run = dry_run
        self._counts: dict[str, EffectCounts] = {}
        self._monotonic = monotonic
        self._max_queued = max_queued
        self._jitter = jitter or random.Random().random
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._complaints = _Complaints()
        self._ended: deque[tuple[str, Departure]] = deque(maxlen=MAX_REMEMBERED)
        self._is_closed = False

    @property
    def counts(self) -> Mapping[str, EffectCounts]:
        """What became of the events of each action, as of now."""
        with self._lock:
            return {name: replace(counts) for name, counts in self._counts.items()}

    @property
    def queued(self) -> Mapping[str, int]:
        """How many events are queued or in flight for each receiver."""
        with self._lock:
            return {lane.receiver: lane.outbox.size for lane in self._lanes.values()}

    def deliveries(self) -> tuple[Delivery, ...]:
        """Return what is queued or in flight, and the latest deliveries that have ended, oldest first."""
        with self._lock:
            ended = [_delivery(receiver, outcome) for receiver, outcome in self._ended]
            waiting = [(lane.receiver, parcel) for lane in self._lanes.values() for parcel in lane.outbox.parcels]
            pending = [_delivery(name, Departure(p, DeliveryState.PENDING, p.reason)) for name, p in waiting]
        return (*ended, *sorted(pending, key=lambda delivery: delivery.timestamp))

    def submit(self, effect: Effect, event: Event) -> bool:
        """Queue an event, and return whether there was room; never blocks, never raises."""
        with self._lock:
            self._counts.setdefault(effect.name, EffectCounts())
            if self.dry_run:
                return True
            now = self._monotonic()
            lost = Parcel(effect, event, (), 0, now, now)
            if self._is_closed:
                self._note("", [Departure(lost, DeliveryState.DROPPED, "the dispatcher is closed")])
                return False
            try:
                lane = self._lane(effect, event)
            except RuntimeError as error:  # no thread can be started: too many, or the interpreter ends
                self._note("", [Departure(lost, DeliveryState.DROPPED, str(error))])
                return False
            outcomes = lane.outbox.put(effect, event, now)
            self._note(lane.receiver, outcomes)
            lane.news.notify()
            return not any(o.parcel.event is event and o.state is DeliveryState.DROPPED for o in outcomes)

    def _lane(self, effect: Effect, event: Event) -> _Lane:
        name = receiver_of(effect, event)
        if name not in self._lanes and len(self._lanes) >= MAX_LANES:
            name = next(iter(self._lanes))
        lane = self._lanes.get(name)
        if lane is None:
            lane = _Lane(name, Outbox(self._jitter, self._max_queued), threading.Condition(self._lock))
        if lane.thread is None:
            thread = threading.Thread(target=self._work, args=(lane,), name=f"gpurules-{effect.name}", daemon=True)
            thread.start()
            lane.thread = thread
        self._lanes[name] = lane
        return lane

    def _work(self, lane: _Lane) -> None:
        while (parcel := self._next(lane)) is not None:
            error = _call(parcel)
            with self._lock:
                self._settle(lane, parcel, error)
                lane.busy_since = None

    def _next(self, lane: _Lane) -> Parcel | None:
        """Wait for the next parcel; None once the dispatcher is closed and nothing is left."""
        with self._lock:
            while True:
                now = self._monotonic()
                self._note(lane.receiver, lane.outbox.expire(now))
                turn = lane.outbox.take(now)
                if isinstance(turn, Parcel):
                    lane.busy_since = now
                    return turn
                if turn is None and self._is_closed:
                    return None
                lane.news.wait(turn)

    def _settle(self, lane: _Lane, parcel: Parcel, error: BaseException | None) -> None:
        """Take in how an attempt ended; the owner holds the lock."""
        if not parcel.is_in_flight:  # it was given up while it ran
            return
        if isinstance(error, RetryLater):
            ended = lane.outbox.postpone(parcel, error, self._monotonic())
            if ended is None:
                self._counts[parcel.effect.name].retried += 1
                self._complain(parcel, f"{error}; it is tried again")
        elif error is None:
            ended = lane.outbox.succeed(parcel)
        else:
            ended = lane.outbox.refuse(parcel, str(error) if isinstance(error, ActionError) else reason(error))
        if ended is not None:
            self._note(lane.receiver, [ended])

    def _note(self, receiver: str, outcomes: Iterable[Departure]) -> None:
        """Count what left a queue, remember it, and log what went wrong; the owner holds the lock."""
        for outcome in outcomes:
            parcel, state = outcome.parcel, outcome.state
            counts = self._counts[parcel.effect.name]
            setattr(counts, _COUNTED[state], getattr(counts, _COUNTED[state]) + 1)
            self._ended.append((receiver or receiver_of(parcel.effect, parcel.event), outcome))
            if state is DeliveryState.DROPPED:
                counts.last_error = f"dropped: {outcome.reason}"
                if self._complaints.is_due(f"{parcel.effect.name} dropped", self._monotonic()):
                    _LOGGER.warning("events of effect %s are dropped: %s", parcel.effect.name, outcome.reason)
            elif state is DeliveryState.FAILED:
                counts.last_error = f"{parcel.event.rule}: {outcome.reason}"
                self._complain(parcel, str(outcome.reason))

    def _complain(self, parcel: Parcel, text: str) -> None:
        if self._complaints.is_due(parcel.effect.name, self._monotonic()):
            _LOGGER.warning("effect %s of rule %s: %s", parcel.effect.name, parcel.event.rule, text)

    def stuck(self, seconds: float) -> Mapping[str, float]:
        """Return the receivers whose handler has run for longer than *seconds*, and how long."""
        now = self._monotonic()
        with self._lock:
            busy = {name: now - since for name, lane in self._lanes.items() if (since := lane.busy_since) is not None}
        return {name: lasted for name, lasted in busy.items() if lasted > seconds}

    @property
    def waiting(self) -> int:
        """How many events are queued, apart from those in flight."""
        with self._lock:
            return sum(lane.outbox.size - (lane.busy_since is not None) for lane in self._lanes.values())

    def close(self, timeout: float) -> bool:
        """Attempt what is queued once more, for *timeout* seconds; what is still queued then is dropped and counted.

        Returns whether all workers have ended; a handler that hangs is left behind.
        """
        deadline = self._monotonic() + timeout
        with self._lock:
            self._is_closed = True
            lanes = list(self._lanes.values())
            for lane in lanes:
                lane.outbox.drain()
                lane.news.notify()
        while self.waiting and self._monotonic() < deadline:
            time.sleep(0.005)
        with self._lock:
            for lane in lanes:
                self._note(lane.receiver, lane.outbox.clear("the agent stopped before its turn"))
                lane.news.notify()
        for lane in lanes:
            if lane.thread is not None and lane.thread is not threading.current_thread():
                lane.thread.join(max(0.0, deadline - self._monotonic()))
        return not any(lane.thread is not None and lane.thread.is_alive() for lane in lanes)


def _call(parcel: Parcel) -> BaseException | None:
    """Make one attempt, and return what it raised."""
    try:
        handler_of(parcel.effect, parcel.event)(parcel.event)
    except BaseException as error:  # a handler is external code, and may raise anything, SystemExit too
        return error
    return None


def _delivery(receiver: str, outcome: Departure) -> Delivery:
    event, parcel = outcome.parcel.event, outcome.parcel
    return Delivery(
        event_id(event),
        parcel.effect.name,
        receiver,
        event.rule,
        event.edge,
        event.timestamp,
        event.device,
        event.transfer.id if event.transfer else None,
        outcome.state,
        parcel.attempts,
        outcome.reason,
    )


def handler_of(effect: Effect, event: Event) -> Callable[[Event], None]:
    """Return the method of *effect* that handles *event*; changes and repeats go to ``change`` where there is one."""
    if event.edge == "stop":
        return effect.stop
    handler: Callable[[Event], None] = effect.start
    return handler if event.edge == "start" else getattr(effect, "change", handler)
