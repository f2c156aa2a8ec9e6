"""Delays work until typing pauses, unless it is quick: repeated requests are handled once."""

import time
from collections.abc import Callable
from threading import Condition, Thread

SHORT_SECONDS, LONG_SECONDS = 0.01, 0.15
"""How long there is to be quiet before quick work, so that a burst of changes is one, and before other work."""
QUICK_SECONDS = 0.1
"""Work is quick that takes no longer; typing and it can take turns."""


class Debouncer:
    """Does *work* for a key in a thread of its own, once there has been no request for a while.

    How long that is follows from how long the work for the key took lately. The thread is a daemon: it never delays the
    end of the program.
    Units: *short_seconds* of quiet before work that is quick.
    """

    def __init__(
        self,
        work: Callable[[str], None],
        short_seconds: float = SHORT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._short_seconds = short_seconds
        self._clock = clock
        self._due: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._changed = Condition()
        self._is_closed = False
        self._thread = Thread(target=self._run, name="gpurules-lsp", daemon=True)
        self._thread.start()

    def ask(self, key: str, at_once: bool = False) -> None:
        """Request work for *key*; an earlier request for it is postponed, not duplicated."""
        with self._changed:
            delay = self._short_seconds if self._took.get(key, 0.0) <= QUICK_SECONDS else LONG_SECONDS
            self._due[key] = self._clock() + (0.0 if at_once else delay)
            self._changed.notify()

    def drop(self, key: str) -> None:
        """Cancel the request for *key*."""
        with self._changed:
            self._due.pop(key, None)
            self._took.pop(key, None)

    def close(self) -> None:
        """Accept no more requests; running work may still finish."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _run(self) -> None:
        while (key := self._next()) is not None:
            started = self._clock()
            self._work(key)
            seconds = self._clock() - started
            with self._changed:  # work that was given up early says little of how long it takes
                self._took[key] = max(seconds, self._took.get(key, 0.0) / 2)

    def _next(self) -> str | None:
        """Wait for the first key that is due; None once closed."""
        with self._changed:
            while not self._is_closed:
                now = self._clock()
                key = min(self._due, key=self._due.__getitem__, default=None)
                if key is not None and self._due[key] <= now:
                    del self._due[key]
                    return key
                self._changed.wait(None if key is None else self._due[key] - now)
            return None
