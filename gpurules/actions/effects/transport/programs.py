"""Runs a program: no shell, its own process group, bounded in time and output."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_OUTPUT_BYTES = 64 * 1024
_CHUNK = 16 * 1024
_USUAL = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/slurm/bin", "LANG": "C.UTF-8"}
"""What every program finds in its environment; nothing of the agent's, which may hold secrets."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended: its exit status (negative: the signal), and the start of its output.

    Missing: ``status`` None: it was killed, because its time was over.
    """

    status: int | None
    output: str

    @property
    def last_line(self) -> str:
        """The last line that it printed, clipped; for messages."""
        lines = [line for line in self.output.splitlines() if line.strip()]
        text = "".join(c if c.isprintable() else "?" for c in lines[-1]) if lines else ""
        return text if len(text) <= 200 else f"{text[:197]}..."


def run_program(argv: Sequence[str], stdin: bytes, environment: Mapping[str, str], seconds: float) -> Finished:
    """Run *argv*, whose output is one stream; kill its whole process group when it ends, or when the time is over.

    Units: *seconds* is the time limit.

    Raises:
        OSError: it cannot be started.
        ValueError: an argument has a null character.
    """
    deadline = time.monotonic() + seconds
    process = subprocess.Popen(
        list(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**_USUAL, **environment},
        cwd="/",
        start_new_session=True,
    )
    try:
        output = _exchange(process, stdin, deadline)
        try:
            status: int | None = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            status = None
        return Finished(status, output.decode("utf-8", "replace"))
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # it is its own group, with all that it started
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


def _exchange(process: "subprocess.Popen[bytes]", stdin: bytes, deadline: float) -> bytes:
    """Feed *stdin* and read the output until both are done, the program has ended, or the time is over."""
    assert process.stdin is not None and process.stdout is not None
    kept, left = bytearray(), memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        os.set_blocking(process.stdin.fileno(), False)
        os.set_blocking(process.stdout.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        selector.register(process.stdout, selectors.EVENT_READ)
        has_ended = False
        while selector.get_map() and (remaining := deadline - time.monotonic()) > 0:
            ready = selector.select(min(remaining, 0.0 if has_ended else 0.1))
            if has_ended and not ready:
                break  # what it left behind holds the pipe open, and says nothing now
            has_ended = process.poll() is not None
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    left = _fed(process, left)
                    if not left:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                else:
                    chunk = os.read(process.stdout.fileno(), _CHUNK)
                    if not chunk:
                        selector.unregister(process.stdout)
                    kept += chunk[: MAX_OUTPUT_BYTES - len(kept)]
    return bytes(kept)


def _fed(process: "subprocess.Popen[bytes]", left: memoryview) -> memoryview:
    assert process.stdin is not None
    try:
        return left[os.write(process.stdin.fileno(), left[:_CHUNK]) :] if left else left
    except BlockingIOError:
        return left
    except BrokenPipeError:  # it does not read its input
        return left[:0]
