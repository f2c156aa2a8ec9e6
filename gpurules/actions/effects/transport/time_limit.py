"""One time limit for a whole exchange over sockets, however it drips."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class TimeLimit:
    """Cuts the sockets that it watches after the given number of seconds, and closes them at its end."""

    def __init__(self, seconds: float) -> None:
        self._over = threading.Event()
        self._watched: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self._over.is_set()

    def watch(self, opened: socket.socket) -> socket.socket:
        """Return *opened*, which is cut when the time is over."""
        self._watched.append(opened)
        if self.is_over:
            self._cut()
        return opened

    def _cut(self) -> None:
        self._over.set()
        for opened in list(self._watched):
            try:
                opened.shutdown(socket.SHUT_RDWR)
            except OSError:
                opened.close()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        for opened in self._watched:
            with contextlib.suppress(OSError):
                opened.close()
