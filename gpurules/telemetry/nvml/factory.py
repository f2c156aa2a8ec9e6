"""Opens ``nvml``: in a process of its own, by default."""

from collections.abc import Mapping

from gpurules.telemetry.live.availability import Availability, try_out
from gpurules.telemetry.live.opening import LiveOptions
from gpurules.telemetry.live.source import LiveSource
from gpurules.telemetry.nvml.library import Library
from gpurules.telemetry.nvml.reader import NvmlReader
from gpurules.telemetry.source import SourceOptions

LIBRARY: str | None = None
"""The path of libnvidia-ml, where it is not found on the search path by its name."""
_TARGET = "gpurules.telemetry.nvml.factory:open_reader"


def open_reader(library: str | None = None) -> NvmlReader:
    """Return a reader in this process; *library* is the path of libnvidia-ml if it is not on the search path."""
    return NvmlReader(Library(library))


class NvmlFactory:
    """Opens ``nvml`` or ``nvml:mode=thread,timeout=2``.

    Options: the common ones ``fields mode timeout start_timeout retry drop_after``, and ``library``.
    """

    name = "nvml"
    summary = "NVIDIA GPUs through the driver's library (NVML)"

    def open(self, argument: str, options: Mapping[str, object]) -> LiveSource:
        """Return a source for the GPUs of this node; nothing is loaded before it is read.

        Raises:
            TelemetryError: an option is unknown or invalid.
        """
        taken = SourceOptions.parse(self.name, argument, options)
        library = taken.text("library") or LIBRARY
        live = LiveOptions.take(taken)
        taken.finish()
        return live.source(self.name, _TARGET, {"library": library}, lambda: open_reader(library))

    def probe(self, argument: str = "", timeout: float = 10.0) -> Availability:
        """Return whether the driver responds; this takes at most *timeout* seconds."""
        return try_out(lambda: self.open(argument, {"timeout": timeout, "fields": frozenset({"gpu_name"})}))
