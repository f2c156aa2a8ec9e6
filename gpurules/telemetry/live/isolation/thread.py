"""Reads the node in a thread, as an alternative to a process: a read returns in time, but the thread may stay hung."""

import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gpurules.model import Snapshot
from gpurules.plugins import reason
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.live.source import NodeReader
from gpurules.telemetry.source import TelemetryError, TelemetryTimeout


@dataclass(slots=True)
class _Poll:
    """One poll and its result."""

    request: PollRequest
    snapshot: Snapshot | None = None
    error: Exception | None = None


class InThread:
    """A reader that runs in a thread; while one poll hangs, no other is started.

    Units: *timeout* in seconds.
    """

    def __init__(self, reader: NodeReader, timeout: float = 3.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._timeout = timeout
        self._clock = clock
        self._is_closed = False
        self._reset()

    def _reset(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked: queue.SimpleQueue[_Poll | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[_Poll] = queue.SimpleQueue()
        self._running: _Poll | None = None

    def read(self, request: PollRequest) -> Snapshot:
        """Return the current snapshot of the reader.

        Raises:
            TelemetryTimeout: it does not respond in time; the next read waits for the same poll.
            TelemetryError: the node cannot be read.
        """
        if os.getpid() != self._owner:
            self._reset()
        until = self._clock() + self._timeout
        if not self._lock.acquire(timeout=self._timeout):
            raise TelemetryTimeout("the sampler is busy with another read")
        try:
            if self._is_closed:
                raise TelemetryError("the source is closed; open a new one")
            if self._running is not None:  # an abandoned poll: its result would be outdated
                self._wait(self._running, until)
            poll = self._running = _Poll(request)
            self._start()
            self._asked.put(poll)
            self._wait(poll, until)
        finally:
            self._lock.release()
        if poll.error is not None:
            raise poll.error
        assert poll.snapshot is not None
        return poll.snapshot

    def _wait(self, poll: _Poll, until: float) -> None:
        try:
            self._done.get(timeout=max(0.0, until - self._clock()))
        except queue.Empty:
            raise TelemetryTimeout(
                f"no answer within {self._timeout:g} s; the waiting thread cannot be stopped"
            ) from None
        assert poll is self._running
        self._running = None

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="gpurules-sampler", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (poll := self._asked.get()) is not None:
            try:
                poll.snapshot = self._reader.read(poll.request)
            except BaseException as error:  # passed to the calling thread
                poll.error = error if isinstance(error, Exception) else TelemetryError(reason(error))
            self._done.put(poll)
        self._reader.close()

    def close(self) -> None:
        """End the thread, waiting at most a second; a hung one ends when the driver lets it."""
        if os.getpid() != self._owner:
            self._reset()
        self._is_closed = True
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._asked.put(None)
        thread.join(1.0)
