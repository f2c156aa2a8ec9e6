"""Options for what a recording does not specify."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from types import MappingProxyType
from typing import Self

from gpurules.telemetry.recordings.times import read_zone
from gpurules.telemetry.source import SourceOptions, TelemetryError

USUAL_INTERVAL = 5.0
"""Seconds between snapshots of a recording without times."""
MAX_GPUS = 1024


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """The options for what a recording does not specify, for every reader and command.

    ``columns`` names the columns of a log without a header, as ``--query-gpu`` does; ``renames`` gives columns and
    metrics that have names of their own their usual ones; ``gpus`` is the number of GPUs in each poll of a log that
    does not say which GPU a row is of; ``node`` is the node whose snapshots are read from a recording of several;
    ``host`` replaces the host of every snapshot; ``zone`` is that of the recorder, for times without an offset;
    ``day`` is that of the first time of a log whose times have none.

    Units: ``interval`` in seconds, the step between snapshots of a recording without times.
    Missing: None: not given.
    """

    columns: str | None = None
    zone: tzinfo = UTC
    has_zone: bool = False
    interval: float = USUAL_INTERVAL
    gpus: int | None = None
    renames: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    node: str | None = None
    host: str | None = None
    day: date | None = None

    @classmethod
    def take(cls, options: SourceOptions) -> Self:
        """Parse the *options* of a recording.

        Raises:
            TelemetryError: an option is invalid.
        """
        interval = options.number("interval", USUAL_INTERVAL)
        if interval <= 0:
            raise TelemetryError(f"the interval must be a number of seconds above 0, not {interval!r}")
        timezone = options.text("timezone")
        gpus = options.whole("gpus", 0, 0, MAX_GPUS) or None
        if options.flag("single_gpu"):
            if gpus not in (None, 1):
                raise TelemetryError(
                    f"a recording of a single GPU does not have {gpus} GPUs; pass one of the two options"
                )
            gpus = 1
        return cls(
            columns=options.text("columns"),
            zone=UTC if timezone is None else read_zone(timezone),
            has_zone=timezone is not None,
            interval=interval,
            gpus=gpus,
            renames=read_renames(options.texts("map")),
            node=options.text("node"),
            host=options.text("host"),
            day=read_date(options.text("date")),
        )


def read_date(text: str | None) -> date | None:
    """Parse a day; None if *text* is None.

    Raises:
        TelemetryError: it is not a date.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise TelemetryError(f"the date {text[:40]!r} is not a date; write it as 2026-04-25") from None


def read_renames(texts: tuple[str, ...]) -> Mapping[str, str]:
    """Return the new names of columns and metrics, by their current name in lower case.

    Raises:
        TelemetryError: one is not ``OLD=NEW``, or gives a name two meanings.

    >>> dict(read_renames(("power_w=power.draw [W]",)))
    {'power_w': 'power.draw [W]'}
    """
    renames: dict[str, str] = {}
    for text in texts:
        old, equals, new = (part.strip() for part in text.partition("="))
        if not (old and equals and new):
            raise TelemetryError(f"map {text[:80]!r} is not OLD=NEW, as in power_w=power.draw")
        if renames.setdefault(old.lower(), new) != new:
            raise TelemetryError(f"map gives {old[:80]!r} two meanings, {renames[old.lower()]!r} and {new[:80]!r}")
    return MappingProxyType(renames)
