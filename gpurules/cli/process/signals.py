"""Signal handlers, installed at startup: they end a command cleanly, or are deferred until it can handle them.

This module is imported before everything else, so it imports next to nothing.
"""

import os
import signal
import sys
import time
from _thread import get_ident, start_new_thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AGENTS = ("run", "serve", "watch", "record")
"""The commands that SIGTERM ends as a matter of course, and that SIGHUP never ends."""
STOPPING = {signal.SIGINT: 130, signal.SIGTERM: 0}
"""The signals that end an agent, each with its exit code."""
INTERRUPT_AFTER_SECONDS = (0.05, 0.2, 1.0)
"""When, after each signal, the system call is interrupted in which the main thread may be waiting."""
TERMINATED = 143
"""The exit code of any other command that SIGTERM ends, as a shell gives it: 128 and the number of the signal."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived before the command was able to shut down cleanly.

    A KeyboardInterrupt, so that code which lets a user's interrupt pass lets this pass too.
    """


class Interrupted(KeyboardInterrupt):
    """SIGINT arrived.

    Python 3.11 sends a process SIGINT again at exit if a plain KeyboardInterrupt passed through an ``exec`` of source
    text (as in a dataclass), caught or not; a subclass avoids that.
    """


class _Early:
    """The signals that arrived before a command handled them. Missing: ``end`` None: nothing has ended the command."""

    end: int | None = None
    reload = False
    started: float | None = None


_EARLY = _Early()


def answer_early() -> None:
    """Handle signals from now on, until the command handles them itself."""
    _EARLY.started = time.monotonic()
    is_agent = sys.argv[1:2] and sys.argv[1] in AGENTS

    def terminate(number: int, frame: object) -> None:
        _EARLY.end = STOPPING[signal.SIGTERM] if is_agent else TERMINATED
        raise Terminated

    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    def remember(number: int, frame: object) -> None:
        _EARLY.reload = True

    signal.signal(signal.SIGTERM, terminate)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # otherwise the shell has set it to be ignored
        signal.signal(signal.SIGINT, interrupt)
    if is_agent:
        signal.signal(signal.SIGHUP, remember)
    _interrupt_waits()


def _interrupt_waits() -> None:
    """Ensure that the main thread handles every signal soon, even one that arrives just before a call that waits.

    Python handles a signal before its next instruction, or when the signal interrupts a system call. A signal that
    arrives in between, after the last instruction and before the call, would go unnoticed for as long as the call
    waits. Therefore a thread is woken by each signal, and then interrupts the main thread with SIGURG, which does
    nothing itself.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    main_thread = get_ident()

    def interrupt_main_thread() -> None:
        while number := os.read(reader, 1):
            if number[0] != signal.SIGURG:
                for seconds in INTERRUPT_AFTER_SECONDS:
                    time.sleep(seconds)
                    signal.pthread_kill(main_thread, signal.SIGURG)

    signal.signal(signal.SIGURG, lambda number, frame: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    start_new_thread(interrupt_main_thread, ())


def started_at() -> float | None:
    """Return when the program was started, on the monotonic clock; None if it runs inside another program."""
    return _EARLY.started


def ended_early() -> int | None:
    """Return the exit code if SIGTERM ended the command before it handled signals, else None."""
    return _EARLY.end


def is_interruption(error: BaseException | None) -> bool:
    """Return whether a signal caused *error*.

    Python before 3.12 raises a RuntimeError in its place where it arrives while a class is made (``__set_name__``).
    """
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__
    return False


@contextmanager
def signals(end: Callable[[int], object], reload: Callable[[], object]) -> Iterator[None]:
    """Call *reload* on SIGHUP, *end* with the exit code on SIGTERM and SIGINT; a second one ends the process.

    Earlier signals count: a missed reload is made now, and a missed end ends the command.
    """

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        end(STOPPING[signal.Signals(number)])

    def again(number: int, frame: object) -> None:
        reload()

    handlers = {**dict.fromkeys(STOPPING, stop), signal.SIGHUP: again}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    if _EARLY.reload:
        _EARLY.reload = False
        reload()
    if _EARLY.end is not None:
        end(_EARLY.end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
