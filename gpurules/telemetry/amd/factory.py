"""Opens ``amd``: the module amdsmi in a process of its own if it is installed, else the programs of ROCm."""

from collections.abc import Mapping
from importlib.util import find_spec

from gpurules.model import Snapshot
from gpurules.telemetry.amd.library import AmdSmi
from gpurules.telemetry.amd.tools import AmdTool, find_program
from gpurules.telemetry.live.availability import Availability, try_out
from gpurules.telemetry.live.opening import LiveOptions
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.live.source import LiveSource
from gpurules.telemetry.source import SourceOptions, TelemetryUnavailable

TIMEOUT = 10.0
_TARGET = "gpurules.telemetry.amd.library:AmdSmi"
_PROGRAMS = ("amd-smi", "rocm-smi")


class NothingInstalled:
    """The reader if neither the module nor a program is installed."""

    def read(self, request: PollRequest) -> Snapshot:
        """Report what to install.

        Raises:
            TelemetryUnavailable: always.
        """
        raise TelemetryUnavailable(
            "neither the module amdsmi nor a program amd-smi or rocm-smi was found; install ROCm, or name the program "
            "with binary="
        )

    def close(self) -> None:
        """Nothing is held."""


class AmdFactory:
    """Opens ``amd`` or ``amd:binary=/opt/rocm/bin/rocm-smi``."""

    name = "amd"
    summary = "AMD GPUs through ROCm: amdsmi, amd-smi or rocm-smi"

    def open(self, argument: str, options: Mapping[str, object]) -> LiveSource:
        """Return a source for the GPUs of this node; nothing is loaded or run before it is read.

        Raises:
            TelemetryError: an option is unknown or invalid.
        """
        taken = SourceOptions.parse(self.name, argument, options)
        binary = taken.text("binary")
        live = LiveOptions.take(taken, TIMEOUT)
        taken.finish()
        if binary is None and find_spec("amdsmi") is not None:
            return live.source(self.name, _TARGET, {}, AmdSmi)
        found = binary or next((path for name in _PROGRAMS if (path := find_program(name))), None)
        reader = AmdTool(found, live.timeout) if found else NothingInstalled()
        return LiveSource(self.name, reader, live.fields, live.drop_after)

    def probe(self, argument: str = "", timeout: float = 10.0) -> Availability:
        """Return whether ROCm responds on this machine; this takes at most *timeout* seconds."""
        return try_out(lambda: self.open(argument, {"timeout": timeout}))
