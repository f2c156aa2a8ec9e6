"""Sources that run a vendor's program: their reader, the search for the program, and their common options."""

import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gpurules.model import Snapshot
from gpurules.telemetry.live.availability import Availability, try_out
from gpurules.telemetry.live.isolation.tool import Tool
from gpurules.telemetry.live.opening import LiveOptions
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.live.source import LiveSource, NodeReader
from gpurules.telemetry.source import SourceOptions

TIMEOUT = 10.0
"""Seconds for one read, unless an option says otherwise.

``nvidia-smi -q`` takes a second or two on a node with eight GPUs, more while none is in use; ``xpu-smi`` is run once
for each GPU, and samples for a tenth of a second or more each time.
"""


def find_program(name: str, elsewhere: Sequence[str]) -> str:
    """Return the path of the program *name*, on the PATH or *elsewhere*; its name if it is not found."""
    return shutil.which(name) or next((path for path in elsewhere if Path(path).is_file()), name)


class ProgramReader(ABC):
    """Reads the GPUs of this node by running *binary*.

    Units: *timeout* in seconds, for one read.
    """

    def __init__(
        self,
        binary: str,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tool = Tool(binary, steady)
        self._timeout = timeout
        self._clock = clock
        self._steady = steady

    @abstractmethod
    def read(self, request: PollRequest) -> Snapshot:
        """Return the current output of the program.

        Raises:
            TelemetryError: it does not exist, or cannot read the driver.
            TelemetryTimeout: it does not end in time, and was killed.
        """

    def close(self) -> None:
        """Reap killed processes."""
        self._tool.close()


class ProgramFactory(ABC):
    """Opens ``NAME`` or ``NAME:binary=/opt/bin/NAME,timeout=20``, where NAME is that of the program."""

    name: str
    summary: str

    @property
    @abstractmethod
    def elsewhere(self) -> Sequence[str]:
        """Where the program may be if it is not on the PATH."""

    @abstractmethod
    def reader(self, binary: str, timeout: float) -> NodeReader:
        """Return the reader that runs *binary*, within *timeout* seconds."""

    def open(self, argument: str, options: Mapping[str, object]) -> LiveSource:
        """Return a source for the GPUs of this node; nothing is run before it is read.

        Raises:
            TelemetryError: an option is unknown or invalid.
        """
        taken = SourceOptions.parse(self.name, argument, options)
        binary = taken.text("binary") or find_program(self.name, self.elsewhere)
        live = LiveOptions.take(taken, TIMEOUT)
        taken.finish()
        return LiveSource(self.name, self.reader(binary, live.timeout), live.fields, live.drop_after)

    def probe(self, argument: str = "", timeout: float = 10.0) -> Availability:
        """Return whether the program works here, by running it; this takes at most *timeout* seconds."""
        return try_out(lambda: self.open(argument, {"timeout": timeout}))
