"""Waits for a result until a deadline, even if the work that produces it hangs."""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

Answer = TypeVar("Answer")


def answer_within(work: Callable[[], Answer], until: float) -> Answer | None:
    """Run *work* in a thread of its own and return its result; None if it is not there by *until*.

    Units: *until* in seconds of the monotonic clock.
    """
    answers: SimpleQueue[Answer] = SimpleQueue()
    threading.Thread(target=lambda: answers.put(work()), name="gpurules-health", daemon=True).start()
    try:
        return answers.get(timeout=max(0.0, until - time.monotonic()))
    except Empty:
        return None
