"""Progress of a transfer, for callers that display it."""

import threading
from collections.abc import Callable


class Progress:
    """Reports to *callback* the number of bytes moved since the last call. Thread-safe: one thread at a time calls it.

    Its exceptions propagate where the bytes moved, so that the transfer ends; ``error`` keeps the exception.

    Missing: *callback* None: progress is not reported.
    """

    def __init__(self, callback: Callable[[int], object] | None = None) -> None:
        self.error: BaseException | None = None
        self._callback = callback
        self._lock = threading.Lock()
        self._moved: dict[int, int] = {}

    def at(self, start: int, size: int) -> None:
        """Record that *size* bytes from *start* have arrived; fewer than before if the piece is fetched again."""
        if self._callback is not None:
            with self._lock:
                change = size - self._moved.get(start, 0)
                self._moved[start] = size
                self._report(change)

    def finish(self, size: int) -> None:
        """Record that all *size* bytes have arrived."""
        if self._callback is not None:
            with self._lock:
                change = size - sum(self._moved.values())
                self._moved = {0: size}
                self._report(change)

    def _report(self, change: int) -> None:
        if change and self._callback is not None:
            try:
                self._callback(change)
            except BaseException as error:
                self.error = error
                raise


SILENT = Progress()
"""Progress that is not reported."""
