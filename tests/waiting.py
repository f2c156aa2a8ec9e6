"""Waiting for what another thread, task or process does: the only polling loop of the tests."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from time import monotonic, sleep  # by name: tests replace attributes of the module
from typing import Any, TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], seconds: float = 30.0, what: str = "the condition") -> T:
    """Poll *condition* until its value is true, and return that value; fail after *seconds*.

    *what* names in the failure what did not happen. An exception of *condition* ends the wait.
    """
    for value, pause in _polls(condition, seconds, what):
        if value:
            return value
        sleep(pause)
    raise AssertionError("unreachable: _polls raises")


async def wait_until_async(condition: Callable[[], T], seconds: float = 30.0, what: str = "the condition") -> T:
    """Do the same in a task, without blocking its event loop."""
    for value, pause in _polls(condition, seconds, what):
        if value:
            return value
        await asyncio.sleep(pause)
    raise AssertionError("unreachable: _polls raises")


def while_running(process: subprocess.Popen[Any], condition: Callable[[], T]) -> Callable[[], T]:
    """Return *condition*, failing at once when *process* has ended, with what it wrote to its pipes."""

    def checked() -> T:
        has_ended = process.poll() is not None  # before the value is taken: what it did last counts
        value = condition()
        if has_ended and not value:
            pipes = [pipe.read() for pipe in (process.stdout, process.stderr) if pipe is not None]
            raise AssertionError(f"the process ended with {process.returncode}: {pipes}")
        return value

    return checked


def _polls(condition: Callable[[], T], seconds: float, what: str) -> Iterator[tuple[T, float]]:
    """Yield each value of *condition* and the pause after it; raise once the time is up.

    The pause grows from 1 to 20 ms: quick where little is missing, and cheap on a busy machine.
    """
    end, pause = monotonic() + seconds, 0.001
    while True:
        is_late = monotonic() >= end  # before the value is taken, so that the last one is not too early
        yield condition(), pause
        if is_late:
            raise AssertionError(f"{what}: not true within {seconds:g} s")
        pause = min(2 * pause, 0.02)
