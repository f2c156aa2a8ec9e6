"""A program in a session of its own, which can be killed with all its children, without waiting for it.

A process that waits for a driver in the kernel ends only when the driver lets it, even after SIGKILL. So nothing here
waits: the owner of a process checks from time to time whether it is gone, and starts no second one before.
"""

import os
import signal
import subprocess
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

STDERR_KEPT = 2000
_CHUNK = 1 << 16
_ALL: "weakref.WeakSet[OwnedProcess]" = weakref.WeakSet()
_lingering: list[subprocess.Popen[bytes]] = []
_is_fork_watched = False


class OwnedProcess:
    """A running program; its pipes do not block.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], has_input: bool = False) -> None:
        _reap_lingering()
        _watch_forks()
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
            bufsize=0,
        )
        for pipe in _pipes(self._popen):
            os.set_blocking(pipe.fileno(), False)
        self._owner = os.getpid()
        self._finalizer = weakref.finalize(self, _end, self._popen, self._owner)
        _ALL.add(self)

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._popen.pid

    @property
    def is_gone(self) -> bool:
        """Whether it has ended and been reaped."""
        return self._popen.poll() is not None

    @property
    def exit_code(self) -> int | None:
        """Its exit code: minus the signal if it was killed; None before that."""
        return self._popen.poll()

    @property
    def output(self) -> int:
        """The file descriptor of its stdout."""
        assert self._popen.stdout is not None
        return self._popen.stdout.fileno()

    @property
    def errors(self) -> int:
        """The file descriptor of its stderr."""
        assert self._popen.stderr is not None
        return self._popen.stderr.fileno()

    def write(self, data: bytes) -> None:
        """Write *data* to its stdin.

        Raises:
            OSError: it does not accept all data at once, or no longer reads.
        """
        assert self._popen.stdin is not None
        if os.write(self._popen.stdin.fileno(), data) != len(data):
            raise BlockingIOError("the process does not read")

    def last_words(self) -> str:
        """Return the end of its stderr."""
        said = b""
        with suppress(OSError, ValueError):
            while chunk := os.read(self.errors, _CHUNK):
                said = (said + chunk)[-STDERR_KEPT:]
        return said.decode("utf-8", "replace").strip()

    def strike(self) -> None:
        """Kill it with its children; the pipes stay open, since another thread may be reading them."""
        if os.getpid() == self._owner and self._popen.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def kill(self) -> None:
        """Kill it with its children, and close the pipes; do not wait."""
        self.strike()
        self.release()

    def is_gone_within(self, seconds: float) -> bool:
        """Return whether it is gone, after a brief wait."""
        until = time.monotonic() + seconds
        while not self.is_gone:
            if time.monotonic() >= until:
                return False
            time.sleep(0.002)
        return True

    def release(self) -> None:
        """Close the pipes, so that a program which reads its stdin ends by itself."""
        _close_pipes(self._popen)

    def end(self, seconds: float) -> bool:
        """Kill it, wait at most *seconds*, and return whether it is gone; otherwise it is reaped later."""
        self.kill()
        self._finalizer.detach()
        if self.is_gone_within(seconds):
            return True
        _lingering.append(self._popen)
        return False

    def abandon(self) -> None:
        """Forget it without touching it: in a forked child it belongs to the parent."""
        self._popen.returncode = 0
        self._finalizer.detach()
        self.release()


def _pipes(popen: "subprocess.Popen[bytes]") -> list[IO[bytes]]:
    return [pipe for pipe in (popen.stdin, popen.stdout, popen.stderr) if pipe is not None]


def _close_pipes(popen: "subprocess.Popen[bytes]") -> None:
    for pipe in _pipes(popen):
        with suppress(OSError):
            pipe.close()


def _end(popen: "subprocess.Popen[bytes]", owner: int) -> None:
    """Kill a process that was never closed, when its owner is collected or the interpreter ends."""
    if os.getpid() == owner and popen.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            popen.wait(0.5)
    _close_pipes(popen)


def _reap_lingering() -> None:
    _lingering[:] = [popen for popen in _lingering if popen.poll() is None]


def _watch_forks() -> None:
    global _is_fork_watched
    if not _is_fork_watched:
        _is_fork_watched = True
        os.register_at_fork(after_in_child=_abandon_all)


def _abandon_all() -> None:
    """Close this fork's copies of the pipes; otherwise a sampler would not notice that its real parent has ended."""
    for process in list(_ALL):
        process.abandon()
    _lingering.clear()
