"""Runs effects in isolation: a handler that raises, hangs or is slow delays only its own lane."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gpurules.actions import ActionError, Effect, Event
from gpurules.logs import logger
from gpurules.plugins import reason

_LOGGER = logger("gpurules.effects")
MAX_QUEUED = 1000
MAX_LANES = 32
QUIET_SECONDS = 60.0
"""How long the log is silent about further failures of an action; they are counted all the same."""


@dataclass(slots=True)
class EffectCounts:
    """What became of the events of one action.

    Missing: ``last_error`` None: none has failed or was dropped.
    """

    sent: int = 0
    failed: int = 0
    dropped: int = 0
    last_error: str | None = None


@dataclass(slots=True)
class _Lane:
    """A worker with its queue. Missing: ``busy_since`` is None while it waits."""

    events: queue.Queue[tuple[Effect, Event] | None]
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
    """Hands events to effects, each in the worker of its lane: one for each action, and for each host it calls.

    Queues are bounded: what does not fit is dropped and counted. With *dry_run* nothing is called.
    """

    def __init__(
        self,
        dry_run: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        max_queued: int = MAX_QUEUED,
    ) -> None:
        self.dry_run = dry_run
        self._counts: dict[str, EffectCounts] = {}
        self._monotonic = monotonic
        self._max_queued = max_queued
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._complaints = _Complaints()
        self._is_closed = False

    @property
    def counts(self) -> Mapping[str, EffectCounts]:
        """What became of the events of each action, as of now."""
        with self._lock:
            return {name: EffectCounts(c.sent, c.failed, c.dropped, c.last_error) for name, c in self._counts.items()}

    def submit(self, effect: Effect, event: Event) -> bool:
        """Queue an event, and return whether there was room; never blocks, never raises."""
        with self._lock:
            self._counts.setdefault(effect.name, EffectCounts())
            if self.dry_run:
                return True
            if self._is_closed:
                return self._drop(effect, "the dispatcher is closed")
            try:
                self._lane(effect, event).events.put_nowait((effect, event))
            except queue.Full:
                return self._drop(effect, f"{self._max_queued} events are already queued")
            except RuntimeError as error:  # no thread can be started: too many, or the interpreter ends
                return self._drop(effect, str(error))
            return True

    def _drop(self, effect: Effect, why: str) -> bool:
        """Count an event that is not sent; the owner holds the lock."""
        counts = self._counts[effect.name]
        counts.dropped += 1
        counts.last_error = f"dropped: {why}"
        if self._complaints.is_due(f"{effect.name} dropped", self._monotonic()):
            _LOGGER.warning("events of effect %s are dropped: %s", effect.name, why)
        return False

    def _lane(self, effect: Effect, event: Event) -> _Lane:
        name = lane_name(effect, event)
        if name not in self._lanes and len(self._lanes) >= MAX_LANES:
            name = next(iter(self._lanes))
        lane = self._lanes.get(name) or _Lane(queue.Queue(self._max_queued))
        if lane.thread is None:
            thread = threading.Thread(target=self._work, args=(lane,), name=f"gpurules-{effect.name}", daemon=True)
            thread.start()
            lane.thread = thread
        self._lanes[name] = lane
        return lane

    def _work(self, lane: _Lane) -> None:
        while (item := lane.events.get()) is not None:
            effect, event = item
            lane.busy_since = self._monotonic()
            self._call(effect, event)
            lane.busy_since = None

    def _call(self, effect: Effect, event: Event) -> None:
        try:
            handler_of(effect, event)(event)
        except BaseException as error:  # a handler is external code, and may raise anything, SystemExit too
            text = f"{event.rule}: {error if isinstance(error, ActionError) else reason(error)}"
            with self._lock:
                counts = self._counts[effect.name]
                counts.failed += 1
                counts.last_error = text
                is_due = self._complaints.is_due(effect.name, self._monotonic())
            if is_due:
                _LOGGER.warning("effect %s of rule %s", effect.name, text)
        else:
            with self._lock:
                self._counts[effect.name].sent += 1

    def stuck(self, seconds: float) -> Mapping[str, float]:
        """Return the lanes whose handler has run for longer than *seconds*, and how long."""
        now = self._monotonic()
        with self._lock:
            busy = {name: now - since for name, lane in self._lanes.items() if (since := lane.busy_since) is not None}
        return {name: lasted for name, lasted in busy.items() if lasted > seconds}

    @property
    def waiting(self) -> int:
        """How many events are queued."""
        with self._lock:
            return sum(lane.events.qsize() for lane in self._lanes.values())

    def close(self, timeout: float) -> bool:
        """Let the workers finish for *timeout* seconds; what is still queued then is dropped and counted.

        Returns whether all workers have ended; a handler that hangs is left behind.
        """
        with self._lock:
            self._is_closed = True
            lanes = list(self._lanes.values())
        deadline = self._monotonic() + timeout
        while self.waiting and self._monotonic() < deadline:
            time.sleep(0.005)
        with self._lock:
            for lane in lanes:
                self._end(lane)
        for lane in lanes:
            if lane.thread is not None and lane.thread is not threading.current_thread():
                lane.thread.join(max(0.0, deadline - self._monotonic()))
        return not any(lane.thread is not None and lane.thread.is_alive() for lane in lanes)

    def _end(self, lane: _Lane) -> None:
        """Drop what is queued, and have the worker end after what it does now."""
        while True:
            try:
                item = lane.events.get_nowait()
            except queue.Empty:
                break
            if item is not None:
                self._drop(item[0], "the dispatcher was closed before its turn")
        lane.events.put_nowait(None)


def handler_of(effect: Effect, event: Event) -> Callable[[Event], None]:
    """Return the method of *effect* that handles *event*; changes and repeats go to ``change`` where there is one."""
    if event.edge == "stop":
        return effect.stop
    handler: Callable[[Event], None] = effect.start
    return handler if event.edge == "start" else getattr(effect, "change", handler)


def lane_name(effect: Effect, event: Event) -> str:
    """Return the lane of an event: its action, and the host that it calls, without user, password or path."""
    url = event.parameters.get("url")
    if not isinstance(url, str):
        return effect.name
    try:
        parts = urlsplit(url)
        return f"{effect.name} {parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return effect.name
