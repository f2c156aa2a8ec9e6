"""Does something again and again in a thread of its own, until it is stopped."""

import os
import random
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from gpurules.logs import logger

_LOGGER = logger("gpurules.coordinator")


class Loop:
    """Runs *turn* every ``interval()`` seconds, give or take a share of *jitter*; a turn that raises is logged."""

    def __init__(self, turn: Callable[[], object], interval: Callable[[], float], jitter: float = 0.0) -> None:
        self._turn = turn
        self._interval = interval
        self._jitter = jitter
        self._lock = threading.Lock()
        self._wake: SimpleQueue[None] = SimpleQueue()  # its put, unlike an Event's set, may be in a signal handler
        self._thread: threading.Thread | None = None
        self.is_stopping = False

    @property
    def is_running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin, unless it runs or was stopped."""
        with self._lock:
            if self._thread is None and not self.is_stopping:
                self._thread = threading.Thread(target=self._run, name="gpurules-coordinator", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        spread = random.Random(os.getpid())
        while not self.is_stopping:
            began = time.monotonic()
            try:
                self._turn()
            except BaseException:  # the loop outlives whatever happens in a turn, SystemExit of foreign code too
                _LOGGER.exception("a poll failed")
            interval = self._interval() * (1 + self._jitter * (spread.random() - 0.5))
            try:
                self._wake.get(timeout=max(0.0, interval - (time.monotonic() - began)))
            except Empty:
                continue

    def wake(self) -> None:
        """Begin the next turn at once; safe in a signal handler."""
        self._wake.put(None)

    def stop(self) -> None:
        """Begin no further turn."""
        self.is_stopping = True
        self.wake()

    def join(self, timeout: float) -> None:
        """Wait until the present turn has ended, but not for longer than *timeout* seconds."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, timeout))

    def abandon(self) -> None:
        """Forget the thread, which is that of the parent of a forked child."""
        self._lock, self._wake, self._thread = threading.Lock(), SimpleQueue(), None
        self.is_stopping = True
