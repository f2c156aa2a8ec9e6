"""Where snapshots come from.

    nvml nvidia_smi scrape amd intel --> live (isolation, polls) --+
    auto: the first of these that works                          |
    replay --> recordings (files, lines) --> formats ------------+--> tracking --> Source.read() -> Snapshot
    synthetic --> simulation ------------------------------------+

``open_source("name:argument")`` is the one entry point. Every source stands on ``source``, which defines the kind, and
none imports another, except ``sources.joined``. Sources of one module each are in ``sources``.
"""

from typing import TYPE_CHECKING

from gpurules.lazy_names import lazy_names
from gpurules.telemetry.source import (
    EndOfTelemetry,
    FiniteSource,
    Source,
    SourceFactory,
    TelemetryError,
    TelemetryStarting,
    TelemetryTimeout,
    TelemetryUnavailable,
)

if TYPE_CHECKING:
    from gpurules.telemetry.playback import Replay, replay
    from gpurules.telemetry.simulation.recording import write_recording
    from gpurules.telemetry.simulation.scenario import Scenario
    from gpurules.telemetry.simulation.storage import simulate_transfers
    from gpurules.telemetry.source_registry import all_sources, first_snapshot, open_source
    from gpurules.telemetry.sources.synthetic import Synthetic
    from gpurules.telemetry.transfers import TransferList, read_transfers

__all__ = [
    "EndOfTelemetry",
    "FiniteSource",
    "Replay",
    "Scenario",
    "Source",
    "SourceFactory",
    "Synthetic",
    "TelemetryError",
    "TelemetryStarting",
    "TelemetryTimeout",
    "TelemetryUnavailable",
    "TransferList",
    "all_sources",
    "first_snapshot",
    "open_source",
    "read_transfers",
    "replay",
    "simulate_transfers",
    "write_recording",
]

_HOMES = {
    "Replay": "playback",
    "Scenario": "simulation.scenario",
    "Synthetic": "sources.synthetic",
    "TransferList": "transfers",
    "all_sources": "source_registry",
    "first_snapshot": "source_registry",
    "open_source": "source_registry",
    "read_transfers": "transfers",
    "replay": "playback",
    "simulate_transfers": "simulation.storage",
    "write_recording": "simulation.recording",
}
__getattr__ = lazy_names(globals(), _HOMES)
