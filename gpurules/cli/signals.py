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
    """SIGTERM came while there was nothing yet that it could end in order.

    A KeyboardInterrupt, so that whatever lets the user interrupt it lets this pass too.
    """


class Interrupted(KeyboardInterrupt):
    """SIGINT came.

    Python 3.11 sends a process SIGINT again at its end where a plain KeyboardInterrupt passed an ``exec`` of a text, as
    a dataclass makes one, whether or not it was caught; what derives from it is spared that.
    """


class _Early:
    """What came before a command could answer it. Missing: ``end`` None: nothing has ended the command."""

    end: int | None = None
    reload = False
    started: float | None = None


_EARLY = _Early()


def answer_early() -> None:
    """Answer signals from now on, until the command that runs answers them itself."""
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
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else the shell has had it ignored
        signal.signal(signal.SIGINT, interrupt)
    if is_agent:
        signal.signal(signal.SIGHUP, remember)


def started_at() -> float | None:
    """Return when the program was started, by the steady clock; None where it runs inside another program."""
    return _EARLY.started


def ended_early() -> int | None:
    """Return the exit code where SIGTERM has ended the command before it could answer; None where it has not."""
    return _EARLY.end


@contextmanager
def signals(end: Callable[[int], object], reload: Callable[[], object]) -> Iterator[None]:
    """SIGHUP calls *reload*, SIGTERM and SIGINT call *end* with the exit code; a second one ends the process at once.

    What came before counts: a reload is made up for, and what was to end, ends.
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
