"""The interface of telemetry sources."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from gpurules.errors import GpurulesError, UnavailableError
from gpurules.model import Snapshot
from gpurules.registry import did_you_mean

_PART = re.compile(r" \+ (?=[a-z][a-z0-9-]*(?::|$| \+ ))")
PAGE_SOURCES = ("scrape", "textfile")
"""Sources that need not list GPUs, and so can be joined with one that does."""


def join_specs(specs: Sequence[str]) -> str:
    """Return the joint name of several sources.

    >>> join_specs(["nvml", "textfile:/run/metrics"])
    'nvml + textfile:/run/metrics'
    """
    return " + ".join(specs)


def split_spec(spec: str) -> list[str]:
    """Return the sources that *spec* joins; those that only have pages of metrics come last.

    >>> split_spec("scrape:http://localhost:9100/metrics + nvml:timeout=2")
    ['nvml:timeout=2', 'scrape:http://localhost:9100/metrics']
    """
    parts = _PART.split(spec)
    return sorted(parts, key=lambda part: part.partition(":")[0] in PAGE_SOURCES)


class TelemetryError(GpurulesError):
    """A source could not be read; the message names the place and the remedy.

    ``reasons`` has the message of each source that was tried, by name, if there were several.
    """

    def __init__(self, message: str, reasons: Mapping[str, str] | None = None) -> None:
        self.summary = message
        self.reasons = dict(reasons or {})
        super().__init__("; ".join([message, *(f"{name}: {reason}" for name, reason in self.reasons.items())]))


class TelemetryTimeout(TelemetryError):
    """A source did not respond in time; a retry may help."""


class TelemetryStarting(TelemetryTimeout):
    """A source is still starting."""


class TelemetryUnavailable(TelemetryError, UnavailableError):
    """A source requires something that is not installed here; the message names it."""


class EndOfTelemetry(TelemetryError):
    """A finite source has no further snapshot."""


class Source(Protocol):
    """A source of snapshots: a device library, a tool, a scrape, a recording or a simulation."""

    @property
    def name(self) -> str:
        """Its name in messages and in the status."""
        ...

    def read(self) -> Snapshot:
        """Return the current snapshot.

        Raises:
            TelemetryError: the source cannot be read.
            EndOfTelemetry: the source is finite, and was read to its end.
        """
        ...

    def close(self) -> None:
        """Release all resources; may be called twice."""
        ...


@runtime_checkable
class FiniteSource(Source, Protocol):
    """A source that ends, and so can be iterated."""

    def __iter__(self) -> Iterator[Snapshot]:
        """Yield the remaining snapshots."""
        ...


class SourceFactory(Protocol):
    """Opens sources of one kind; this is what a registry of sources holds."""

    @property
    def name(self) -> str:
        """The word before the colon in ``name:argument``."""
        ...

    def open(self, argument: str, options: Mapping[str, object]) -> Source:
        """Return a source for the text after the colon.

        Raises:
            TelemetryError: the argument or an option is invalid, or the source cannot be opened.
        """
        ...


class SourceOptions:
    """Parses the options of one source by name and type; remaining ones are unknown."""

    def __init__(self, source: str, options: Mapping[str, object]) -> None:
        self._source = source
        self._options = options
        self._asked: list[str] = []

    @classmethod
    def parse(cls, source: str, argument: str, options: Mapping[str, object]) -> "SourceOptions":
        """Parse the options ``key=value,key=value``; separately given *options* take precedence.

        Raises:
            TelemetryError: a part is not ``key=value``.
        """
        parsed: dict[str, object] = {}
        for part in filter(None, (part.strip() for part in argument.split(","))):
            key, equals, value = part.partition("=")
            if not equals:
                raise TelemetryError(
                    f"{source}: {part!r} is not an option; write key=value, as in {source}:gpus=4,seconds=60"
                )
            parsed[key.strip()] = value.strip()
        return cls(source, {**parsed, **options})

    def text(self, key: str) -> str | None:
        """Return a text, or None.

        Raises:
            TelemetryError: it has another type.
        """
        self._asked.append(key)
        value = self._options.get(key)
        if value is None or isinstance(value, str):
            return value
        raise TelemetryError(f"{self._source}: the option {key!r} must be a string, not {value!r}")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return texts; a single text is split at commas.

        Raises:
            TelemetryError: it has another type.
        """
        self._asked.append(key)
        value = self._options.get(key)
        if value is None:
            return ()
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
            return tuple(value)
        raise TelemetryError(f"{self._source}: the option {key!r} must be a list of strings, not {value!r}")

    def flag(self, key: str) -> bool:
        """Return whether an option is on; the default is off.

        Raises:
            TelemetryError: it is neither on nor off.
        """
        self._asked.append(key)
        value = self._options.get(key, False)
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "yes", "on", "1", ""):
            return True
        if isinstance(value, str) and value.lower() in ("false", "no", "off", "0"):
            return False
        raise TelemetryError(f"{self._source}: the option {key!r} must be true or false, not {value!r}")

    def names(self, key: str) -> frozenset[str] | None:
        """Return a set of names, or None; a text is split at ``+``.

        Raises:
            TelemetryError: it has another type.
        """
        self._asked.append(key)
        value = self._options.get(key)
        if isinstance(value, str):
            value = [name.strip() for name in value.split("+") if name.strip()]
        if value is None:
            return None
        if isinstance(value, Collection) and all(isinstance(name, str) for name in value):
            return frozenset(value)
        raise TelemetryError(f"{self._source}: the option {key!r} must be a set of names, not {value!r}")

    def number(self, key: str, default: float, minimum: float = 0.0, maximum: float = 1e12) -> float:
        """Return a number within bounds.

        Raises:
            TelemetryError: it is not a number, or out of bounds.
        """
        self._asked.append(key)
        value = self._options.get(key, default)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                value = None
        if isinstance(value, bool) or not isinstance(value, int | float) or not minimum <= value <= maximum:
            given = self._options.get(key)
            raise TelemetryError(
                f"{self._source}: the option {key!r} must be a number from {minimum:g} to {maximum:g}, not {given!r}"
            )
        return value

    def whole(self, key: str, default: int, minimum: int = 0, maximum: int = 10**9) -> int:
        """Return a whole number within bounds.

        Raises:
            TelemetryError: it is not an integer, or out of bounds.
        """
        value = self.number(key, default, minimum, maximum)
        if value != int(value):
            raise TelemetryError(f"{self._source}: the option {key!r} must be an integer, not {value!r}")
        return int(value)

    def finish(self) -> None:
        """Reject unknown options.

        Raises:
            TelemetryError: an option is unknown; the message suggests the nearest.
        """
        for key in self._options:
            if key not in self._asked:
                hint = did_you_mean(key, self._asked) or f"it has {', '.join(self._asked)}"
                raise TelemetryError(f"{self._source}: no option is named {key!r}; {hint}")
