"""Cuts slow connections: those below a minimum rate for long enough that a retry is better than waiting."""

import os
import threading
import time
from collections.abc import Callable

from gpurules.clients.objects.store import TooSlow

FEW, MANY = 16 * 1024, 256 * 1024
"""How many bytes are asked for at once: few at first and where they come slowly, so that a trickle is noticed soon."""
SLOW_READ_SECONDS, QUICK_READ_SECONDS = 0.5, 0.01


class Watchdog:
    """Watches reads of connections, from a thread that exists while reads are pending.

    Units: *min_bytes_per_second* in bytes per second of waiting, 0 to disable; *slow_seconds* in seconds.
    """

    def __init__(self, min_bytes_per_second: float, slow_seconds: float) -> None:
        self.floor = min_bytes_per_second
        self.seconds = slow_seconds
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._watched: set[Watch] = set()
        self._thread: threading.Thread | None = None

    def watch(self, url: str, cut: Callable[[], object]) -> "Watch":
        """Return a watch, to be closed, through which one connection is read; *cut* makes a pending read fail."""
        watch = Watch(self, url, cut)
        if self.floor > 0:
            if self._process != os.getpid():
                self._begin()  # the connections belong to the parent process, and its thread does not exist here
            with self._lock:
                self._watched.add(watch)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="gpurules-watchdog", daemon=True)
                    self._thread.start()
        return watch

    def forget(self, watch: "Watch") -> None:
        """Stop watching it."""
        with self._lock:
            self._watched.discard(watch)

    def _run(self) -> None:
        while True:
            time.sleep(min(1.0, self.seconds / 8))
            with self._lock:
                watched = list(self._watched)
                if not watched:
                    self._thread = None
                    return
            for watch in watched:
                watch.look(time.monotonic())


class Watch:
    """The reads of one connection."""

    def __init__(self, watchdog: Watchdog, url: str, cut: Callable[[], object]) -> None:
        self._watchdog = watchdog
        self._url = url
        self._cut = cut
        self._size = FEW
        self._began: float | None = None
        self._waited = 0.0
        self._came = 0
        self._was_cut = False

    def read(self, read: Callable[[int], bytes]) -> bytes:
        """Call *read* with the number of bytes to read, and return its result.

        Raises:
            TooSlow: the connection was too slow for too long.
        """
        began = self._began = time.monotonic()
        try:
            data = read(self._size)
        except Exception as error:
            if self._was_cut:
                raise self._slow() from error
            raise
        finally:
            self._began = None
        took = time.monotonic() - began
        if self._was_cut:
            raise self._slow()
        self._waited, self._came = self._waited + took, self._came + len(data)
        if took > SLOW_READ_SECONDS:
            self._size = FEW
        elif took < QUICK_READ_SECONDS:
            self._size = MANY
        if self._waited >= self._watchdog.seconds:
            if data and self._is_slow(self._came, self._waited):
                raise self._slow()
            self._waited, self._came = 0.0, 0
        return data

    def look(self, now: float) -> None:
        """Cut the connection if the pending read can no longer reach the minimum rate."""
        began = self._began
        if began is None or self._was_cut:
            return
        waited = self._waited + now - began
        if waited >= self._watchdog.seconds and self._is_slow(self._came + self._size, waited):
            self._was_cut = True
            self._cut()

    def _is_slow(self, came: int, waited: float) -> bool:
        return came < self._watchdog.floor * waited

    def _slow(self) -> TooSlow:
        watchdog = self._watchdog
        return TooSlow(
            f"{self._url}: fewer than {watchdog.floor:g} bytes per second arrived for {watchdog.seconds:g} s, so the "
            "connection was cut"
        )

    def close(self) -> None:
        """Stop watching it."""
        self._watchdog.forget(self)
