"""Signal handlers, installed at startup: they end a command cleanly, or are deferred until it can handle them.

This module is imported before everything else, so it imports next to nothing.
"""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AGENTS = ("run", "serve", "watch", "record")
"""The commands that SIGTERM ends as a matter of course, and that SIGHUP never ends."""
STOPPING = {signal.SIGINT: 130, signal.SIGTERM: 0}
"""The signals that end an agent, each with its exit code."""
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


def started_at() -> float | None:
    """Return when the program was started, on the monotonic clock; None if it runs inside another program."""
    return _EARLY.started


def ended_early() -> int | None:
    """Return the exit code if SIGTERM ended the command before it handled signals, else None."""
    return _EARLY.end


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
