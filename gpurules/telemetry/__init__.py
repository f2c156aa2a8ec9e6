"""Where snapshots come from."""

from gpurules.errors import RegistrationError
from gpurules.registry import Registry, load_plugins
from gpurules.telemetry.replay import Replay, ReplayFactory, replay
from gpurules.telemetry.source import EndOfTelemetry, FiniteSource, Source, SourceFactory, TelemetryError
from gpurules.telemetry.synthetic import Scenario, Synthetic, SyntheticFactory, simulate_transfers, write_recording
from gpurules.telemetry.transfers import TransferList, read_transfers

SOURCES: Registry[SourceFactory] = Registry("telemetry source", (ReplayFactory(), SyntheticFactory()))
"""The telemetry sources that ship."""


def _is_factory(plugin: object) -> bool:
    return isinstance(getattr(plugin, "name", None), str) and callable(getattr(plugin, "open", None))


def all_sources() -> Registry[SourceFactory]:
    """Return the sources that ship and those of installed plug-ins (entry points ``gpurules.sources``).

    Raises:
        RegistrationError: a plug-in can not be imported, is no source factory, or claims a name that is taken.
    """
    loaded, failed = load_plugins("gpurules.sources")
    for name, error in failed.items():
        raise RegistrationError(f"the telemetry source {name!r} can not be imported: {error}")
    factories: list[SourceFactory] = []
    for name, plugin in loaded.items():
        factory = plugin() if isinstance(plugin, type) else plugin
        if not _is_factory(factory):
            raise RegistrationError(
                f"the telemetry source {name!r} is no factory: it needs a name and open(argument, options)"
            )
        factories.append(factory)  # type: ignore[arg-type]
    return SOURCES.with_members(factories)


def open_source(spec: str, **options: object) -> Source:
    """Open the source that *spec* names as ``name:argument``: ``replay:node.jsonl``, ``synthetic:gpus=4``.

    Raises:
        RegistrationError: no source has that name; the message offers the nearest.
        TelemetryError: the argument or an option does not fit, or the source can not be opened.
    """
    name, _, argument = spec.partition(":")
    factory = SOURCES.get(name) or all_sources()[name]
    return factory.open(argument, options)


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
    "TransferList",
    "all_sources",
    "open_source",
    "read_transfers",
    "replay",
    "simulate_transfers",
    "write_recording",
]
