"""Runs effects apart from everything else: a handler that raises, hangs or is slow delays nobody but its own lane."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gpurules.actions import Effect, Event

_LOGGER = logging.getLogger("gpurules.effects")
MAX_QUEUED = 1000
MAX_LANES = 32


@dataclass(slots=True)
class EffectCounts:
    """What became of the events of one action."""

    sent: int = 0
    failed: int = 0
    dropped: int = 0
    last_error: str | None = None


@dataclass(slots=True)
class _Lane:
    """A worker with its queue. Missing: ``busy_since`` is None while it waits."""

    events: queue.Queue[tuple[Effect, Event] | None] = field(default_factory=lambda: queue.Queue(MAX_QUEUED))
    thread: threading.Thread | None = None
    busy_since: float | None = None


class Dispatcher:
    """Hands events to effects, each in the worker of its lane: one for each action, and for each host it calls.

    Queues are bounded: what does not fit is dropped and counted. With *dry_run* nothing is called.
    """

    def __init__(self, dry_run: bool = False, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.dry_run = dry_run
        self.counts: dict[str, EffectCounts] = {}
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._closed = False

    def submit(self, effect: Effect, event: Event) -> bool:
        """Queue an event, and return whether there was room; never blocks."""
        with self._lock:
            counts = self.counts.setdefault(effect.name, EffectCounts())
            if self.dry_run:
                return True
            if self._closed:
                counts.dropped += 1
                return False
            lane = self._lane(effect, event)
            try:
                lane.events.put_nowait((effect, event))
            except queue.Full:
                counts.dropped += 1
                return False
            return True

    def _lane(self, effect: Effect, event: Event) -> _Lane:
        url = event.parameters.get("url")
        name = effect.name + (f" {urlsplit(url).netloc}" if isinstance(url, str) else "")
        if name not in self._lanes and len(self._lanes) >= MAX_LANES:
            name = next(iter(self._lanes))
        lane = self._lanes.setdefault(name, _Lane())
        if lane.thread is None:
            lane.thread = threading.Thread(target=self._work, args=(lane,), name=f"gpurules-{effect.name}", daemon=True)
            lane.thread.start()
        return lane

    def _work(self, lane: _Lane) -> None:
        while (item := lane.events.get()) is not None:
            effect, event = item
            lane.busy_since = self._monotonic()
            self._call(effect, event)
            lane.busy_since = None

    def _call(self, effect: Effect, event: Event) -> None:
        try:
            (effect.start if event.edge == "start" else effect.stop)(event)
        except Exception as error:  # a handler is somebody else's code, and may raise anything
            with self._lock:
                counts = self.counts[effect.name]
                counts.failed += 1
                counts.last_error = f"{event.rule}: {error}"
            _LOGGER.warning("effect %s of rule %s failed: %s", effect.name, event.rule, error)
        else:
            with self._lock:
                self.counts[effect.name].sent += 1

    def stuck(self, seconds: float) -> Mapping[str, float]:
        """Return the lanes whose handler has run for longer than *seconds*, and how long."""
        now = self._monotonic()
        with self._lock:
            busy = {name: now - lane.busy_since for name, lane in self._lanes.items() if lane.busy_since is not None}
        return {name: lasted for name, lasted in busy.items() if lasted > seconds}

    def close(self, timeout: float) -> None:
        """Let the workers finish for *timeout* seconds; what is still queued then is dropped and counted."""
        with self._lock:
            self._closed = True
            lanes = list(self._lanes.values())
        deadline = self._monotonic() + timeout
        for lane in lanes:
            try:
                lane.events.put_nowait(None)
            except queue.Full:
                continue
        for lane in lanes:
            if lane.thread is not None:
                lane.thread.join(max(0.0, deadline - self._monotonic()))
        with self._lock:
            for lane in lanes:
                self._drop_rest(lane)

    def _drop_rest(self, lane: _Lane) -> None:
        while True:
            try:
                item = lane.events.get_nowait()
            except queue.Empty:
                break
            if item is not None:
                self.counts[item[0].name].dropped += 1
        lane.events.put_nowait(None)
