"""The shipped telemetry sources, and those of plug-ins; each is imported only when it is opened."""

from collections.abc import Mapping
from functools import cache, partial
from typing import TypeGuard

from gpurules.errors import RegistrationError
from gpurules.model import Snapshot
from gpurules.plugins import usable_plugins
from gpurules.registry import Registry
from gpurules.telemetry.live.availability import ProbingFactory
from gpurules.telemetry.source import Source, SourceFactory, TelemetryStarting, split_spec

_LIVE = ("nvml", "nvidia-smi", "dcgm", "amd", "xpu-smi", "intel-sysfs")
SOURCE_NAMES = ("auto", *_LIVE, "scrape", "textfile", "replay", "synthetic")
"""The names of the telemetry sources that ship."""


@cache
def shipped_source(name: str) -> SourceFactory | None:
    """Return the shipped source *name*; None if there is none."""
    if name in _LIVE:
        return _live(name)
    match name:
        case "auto":
            from gpurules.telemetry.sources.auto import AutoFactory

            return AutoFactory({live: partial(_live, live) for live in _LIVE})
        case "scrape":
            from gpurules.telemetry.sources.scrape import ScrapeFactory

            return ScrapeFactory()
        case "textfile":
            from gpurules.telemetry.sources.textfile import TextfileFactory

            return TextfileFactory()
        case "replay":
            from gpurules.telemetry.playback import ReplayFactory

            return ReplayFactory()
        case "synthetic":
            from gpurules.telemetry.sources.synthetic import SyntheticFactory

            return SyntheticFactory()
        case _:
            return None


def _live(name: str) -> ProbingFactory:
    match name:
        case "nvml":
            from gpurules.telemetry.nvml.factory import NvmlFactory

            return NvmlFactory()
        case "nvidia-smi":
            from gpurules.telemetry.sources.nvidia_smi import NvidiaSmiFactory

            return NvidiaSmiFactory()
        case "dcgm":
            from gpurules.telemetry.sources.scrape import DcgmFactory

            return DcgmFactory()
        case "amd":
            from gpurules.telemetry.amd.factory import AmdFactory

            return AmdFactory()
        case "xpu-smi":
            from gpurules.telemetry.intel.xpu_smi import XpuSmiFactory

            return XpuSmiFactory()
        case _:
            from gpurules.telemetry.intel.sysfs import IntelSysfsFactory

            return IntelSysfsFactory()


def _is_factory(plugin: object) -> TypeGuard[SourceFactory]:
    return isinstance(getattr(plugin, "name", None), str) and callable(getattr(plugin, "open", None))


def all_sources() -> tuple[Registry[SourceFactory], Mapping[str, str]]:
    """Return the shipped sources and those of installed plug-ins, and why some plug-ins cannot be used, by name.

    Plug-ins register under the entry point group ``gpurules.sources``; an unusable one never affects the others.
    """
    from gpurules.telemetry.sources.plugged import PluggedFactory

    shipped = [source for name in SOURCE_NAMES if (source := shipped_source(name)) is not None]
    wants = "is not a factory: it needs a name and open(argument, options)"
    usable, reasons = usable_plugins("gpurules.sources", PluggedFactory, _is_factory, wants, SOURCE_NAMES)
    return Registry("telemetry source", shipped).with_members(usable), reasons


def open_source(spec: str, **options: object) -> Source:
    """Open the source that *spec* names as ``name:argument``: ``replay:node.jsonl``, ``synthetic:gpus=4``.

    ``nvml + textfile:/run/metrics`` joins several; *options* are those of the first.

    Raises:
        RegistrationError: no source has that name (the message suggests the nearest), or its plug-in is unusable.
        TelemetryError: the argument or an option is invalid, or the source cannot be opened.
    """
    parts = split_spec(spec)
    if len(parts) > 1:
        from gpurules.telemetry.sources.joined import open_joined

        return open_joined(parts, options, _open)
    return _open(spec, options)


def _open(spec: str, options: Mapping[str, object]) -> Source:
    name, _, argument = spec.partition(":")
    factory = shipped_source(name)
    if factory is None:
        sources, reasons = all_sources()
        if name in reasons and name not in sources:
            raise RegistrationError(f"the telemetry source {name!r} {reasons[name]}")
        factory = sources[name]
    return factory.open(argument, options)


def first_snapshot(source: Source) -> Snapshot:
    """Return the first snapshot of *source*, waiting for one that is still starting.

    Raises:
        TelemetryError: it cannot be read.
    """
    while True:
        try:
            return source.read()
        except TelemetryStarting:
            continue  # a start is bounded in time; then the error changes
