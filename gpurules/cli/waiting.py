"""Says what is waited for, and how to stop: nothing is ever waited for without a word."""

from collections.abc import Iterator

from gpurules.model import Snapshot, format_duration
from gpurules.telemetry import TelemetryError


def no_telemetry(error: TelemetryError, interval: float | None) -> Iterator[str]:
    """Yield why there is no telemetry, a line for each source that was tried, and what happens now.

    Units: *interval* in seconds.
    Missing: *interval* None: it is not tried again.
    """
    yield f"no telemetry: {error.summary}"
    yield from (f"  {name}: {reason}" for name, reason in error.reasons.items())
    if interval is not None:
        every = format_duration(interval)
        yield f"trying again every {every}; until then facts of GPUs are missing (Ctrl-C to stop)"


def no_gpu(snapshot: Snapshot | None) -> Iterator[str]:
    """Yield that a snapshot has no GPU, if that is so."""
    if snapshot is not None and not snapshot.gpus:
        yield "the source reports no GPU: rules about GPUs cannot match until it does"
