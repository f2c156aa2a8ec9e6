"""One call in a thread of its own, so that a file system that hangs holds up no one but that thread."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Job(Generic[T]):
    """*work*, begun at once in a daemon thread.

    Raises:
        RuntimeError: no further thread can be started.
    """

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self._work = work
        self._result: T | None = None
        self._error: BaseException | None = None
        self._is_done = threading.Event()
        self._began = time.monotonic()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # carried over to the thread that asks for the result
            self._error = error
        self._is_done.set()

    @property
    def seconds(self) -> float:
        """How long ago it began."""
        return time.monotonic() - self._began

    def wait(self, timeout: float) -> bool:
        """Return whether it is done, or gets done within *timeout* seconds."""
        return self._is_done.wait(max(0.0, timeout))

    def result(self) -> T:
        """Return the result of a job that is done, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]
