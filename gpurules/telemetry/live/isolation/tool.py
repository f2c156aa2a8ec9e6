"""Runs a command-line tool of a driver, which may hang with the driver."""

import os
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpurules.telemetry.live.isolation.owned_process import OwnedProcess
from gpurules.telemetry.source import TelemetryError, TelemetryTimeout, TelemetryUnavailable

MAX_OUTPUT = 16 << 20
_CHUNK = 1 << 16
_TO_DIE = 0.05


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """The output and the exit code of a tool."""

    exit_code: int
    text: str
    errors: str

    @property
    def complaint(self) -> str:
        """The first line of its error message, which tools write to either stream."""
        lines = [line.strip() for line in (*self.errors.splitlines(), *self.text.splitlines())]
        return next((line[:300] for line in lines if line), f"it ended with exit code {self.exit_code}")


class Tool:
    """A program that is run repeatedly, one run at a time, in the C locale.

    A run that takes too long is killed with its children, without waiting; no other is started until it has ended.
    """

    def __init__(self, binary: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.binary = binary
        self._clock = clock
        self._owner = os.getpid()
        self._dying: OwnedProcess | None = None

    def run(self, arguments: Sequence[str], until: float) -> ToolOutput:
        """Run the program with *arguments*, and return its output.

        Units: *until* in seconds of the clock.

        Raises:
            TelemetryUnavailable: there is no such program.
            TelemetryTimeout: it does not end in time, or an earlier run has not ended yet.
            TelemetryError: it cannot be run, or prints more than ``MAX_OUTPUT``.
        """
        if os.getpid() != self._owner:
            self._owner, self._dying = os.getpid(), None
        if self._dying is not None and not self._dying.is_gone_within(_TO_DIE):
            raise TelemetryTimeout(
                f"{self.binary} (process {self._dying.pid}) was killed and has not ended: it waits in the kernel for "
                "the driver; see dmesg"
            )
        self._dying = None
        try:
            process = OwnedProcess([self.binary, *arguments], {**os.environ, "LC_ALL": "C"})
        except FileNotFoundError:
            raise TelemetryUnavailable(f"{self.binary} not found on PATH; install it or give its path") from None
        except (OSError, ValueError) as error:
            raise TelemetryError(f"{self.binary!r} cannot be run: {error}") from None
        try:
            return self._output(process, until)
        finally:
            process.kill()
            self._dying = process

    def _output(self, process: OwnedProcess, until: float) -> ToolOutput:
        said: dict[int, bytearray] = {process.output: bytearray(), process.errors: bytearray()}
        out, errors = said.values()
        poll = select.poll()
        for descriptor in said:
            poll.register(descriptor, select.POLLIN)
        is_open = set(said)
        while is_open:
            left = until - self._clock()
            if left <= 0:
                raise TelemetryTimeout(f"{self.binary} did not end in time and was killed; the driver may hang")
            for descriptor, _ in poll.poll(left * 1000):
                chunk = os.read(descriptor, _CHUNK)
                said[descriptor] += chunk
                if not chunk:
                    poll.unregister(descriptor)
                    is_open.discard(descriptor)
            if sum(map(len, said.values())) > MAX_OUTPUT:
                raise TelemetryError(
                    f"{self.binary} printed more than {MAX_OUTPUT >> 20} MiB; is it the right program?"
                )
        process.is_gone_within(max(0.0, until - self._clock()))
        return ToolOutput(process.exit_code or 0, out.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))

    def close(self) -> None:
        """Reap the killed process, waiting only briefly."""
        if self._dying is not None and os.getpid() == self._owner:
            self._dying.end(0.5)
        self._dying = None
