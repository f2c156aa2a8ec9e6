"""Where snapshots come from.

    nvml nvidia_smi scrape amd intel --> live (isolation, polls) --+
    auto: the first of these that works                          |
    replay --> recordings (files, lines) --> formats ------------+--> tracking --> Source.read() -> Snapshot
    synthetic --> simulation ------------------------------------+

``open_source("name:argument")`` is the one entry point. Every source stands on ``source``, which defines the kind, and
none imports another.
"""

from collections.abc import Mapping
from typing import TypeGuard

from gpurules.errors import RegistrationError
from gpurules.model import Snapshot
from gpurules.plugins import usable_plugins
from gpurules.registry import Registry
from gpurules.telemetry.amd.factory import AmdFactory
from gpurules.telemetry.auto import AutoFactory
from gpurules.telemetry.intel.sysfs import IntelSysfsFactory
from gpurules.telemetry.intel.xpu_smi import XpuSmiFactory
from gpurules.telemetry.nvidia_smi import NvidiaSmiFactory
from gpurules.telemetry.nvml.factory import NvmlFactory
from gpurules.telemetry.plugged import PluggedFactory
from gpurules.telemetry.replay import Replay, ReplayFactory, replay
from gpurules.telemetry.scrape import DcgmFactory, ScrapeFactory
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
from gpurules.telemetry.synthetic import Scenario, Synthetic, SyntheticFactory, simulate_transfers, write_recording
from gpurules.telemetry.transfers import TransferList, read_transfers

_LIVE = (NvmlFactory(), NvidiaSmiFactory(), DcgmFactory(), AmdFactory(), XpuSmiFactory(), IntelSysfsFactory())
SOURCES: Registry[SourceFactory] = Registry(
    "telemetry source", (AutoFactory(_LIVE), *_LIVE, ScrapeFactory(), ReplayFactory(), SyntheticFactory())
)
"""The telemetry sources that ship."""


def _is_factory(plugin: object) -> TypeGuard[SourceFactory]:
    return isinstance(getattr(plugin, "name", None), str) and callable(getattr(plugin, "open", None))


def all_sources() -> tuple[Registry[SourceFactory], Mapping[str, str]]:
    """Return the sources that ship with those of installed plug-ins, and why some plug-ins cannot be used, by name.

    Plug-ins stand under the entry points ``gpurules.sources``; one that does not fit never stops the others.
    """
    wants = "is no factory: it needs a name and open(argument, options)"
    usable, reasons = usable_plugins("gpurules.sources", PluggedFactory, _is_factory, wants, SOURCES.names)
    return SOURCES.with_members(usable), reasons


def open_source(spec: str, **options: object) -> Source:
    """Open the source that *spec* names as ``name:argument``: ``replay:node.jsonl``, ``synthetic:gpus=4``.

    Raises:
        RegistrationError: no source has that name, and the message offers the nearest; or its plug-in does not fit.
        TelemetryError: the argument or an option does not fit, or the source cannot be opened.
    """
    name, _, argument = spec.partition(":")
    factory = SOURCES.get(name)
    if factory is None:
        sources, reasons = all_sources()
        if name in reasons and name not in sources:
            raise RegistrationError(f"the telemetry source {name!r} {reasons[name]}")
        factory = sources[name]
    return factory.open(argument, options)


def first_snapshot(source: Source) -> Snapshot:
    """Return what *source* tells first, waiting for one that is still starting.

    Raises:
        TelemetryError: it cannot be read.
    """
    while True:
        try:
            return source.read()
        except TelemetryStarting:
            continue  # a start is bounded in time, after which it is another error


__all__ = [
    "SOURCES",
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
