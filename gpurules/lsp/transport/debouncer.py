"""Delays work until typing pauses: repeated requests are handled once."""

import time
from collections.abc import Callable
from threading import Condition, Thread

DELAY_SECONDS = 0.15


class Debouncer:
    """Does *work* for a key in a thread of its own, once there has been no request for a while.

    The thread is a daemon: it never delays the end of the program.
    Units: ``delay_seconds`` of quiet.
    """

    def __init__(
        self,
        work: Callable[[str], None],
        delay_seconds: float = DELAY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._delay_seconds = delay_seconds
        self._clock = clock
        self._due: dict[str, float] = {}
        self._changed = Condition()
        self._is_closed = False
        self._thread = Thread(target=self._run, name="gpurules-lsp", daemon=True)
        self._thread.start()

    def ask(self, key: str, at_once: bool = False) -> None:
        """Request work for *key*; an earlier request for it is postponed, not duplicated."""
        with self._changed:
            self._due[key] = self._clock() + (0.0 if at_once else self._delay_seconds)
            self._changed.notify()

    def drop(self, key: str) -> None:
        """Cancel the request for *key*."""
        with self._changed:
            self._due.pop(key, None)

    def close(self) -> None:
        """Accept no more requests; running work may still finish."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _run(self) -> None:
        while (key := self._next()) is not None:
            self._work(key)

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
