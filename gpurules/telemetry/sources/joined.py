"""Several sources as one: the first lists the GPUs, the others fill the fields that a ruleset declares with ``from``.

A source that hangs or fails is the reason why its fields are missing; the first source does not wait for it twice.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gpurules.fields import Field
from gpurules.model import Snapshot
from gpurules.plugins import reason
from gpurules.telemetry.formats.prometheus.feeds import Page, fill_fields, metrics_of
from gpurules.telemetry.live.poll import SourceForm, form_of
from gpurules.telemetry.source import PAGE_SOURCES, FiniteSource, Source, TelemetryError, join_specs
from gpurules.telemetry.sources.scrape import PageReader, scrape_reader
from gpurules.telemetry.sources.textfile import TextfileFactory

PATIENCE = 1.0
"""Seconds that one reading waits at most for all sources but the first together."""


class Pages(Protocol):
    """A source of pages of metrics."""

    def pages(self, wanted: frozenset[str]) -> tuple[Page, ...]:
        """Return its pages, with samples of the *wanted* metrics.

        Raises:
            TelemetryError: it has none now.
        """
        ...


@dataclass
class _Companion:
    """An additional source, read in a thread: one request at a time, whose result may be late."""

    name: str
    reader: Pages
    answered: bool = True
    _busy: bool = False
    _answer: tuple[Page, ...] | None = None
    _done: threading.Condition = field(default_factory=threading.Condition)

    def ask(self, wanted: frozenset[str]) -> None:
        """Send a request, unless the last one is still pending."""
        with self._done:
            if self._busy:
                return
            self._busy, self._answer = True, None
        threading.Thread(target=self._work, args=(wanted,), name="gpurules-feed", daemon=True).start()

    def _work(self, wanted: frozenset[str]) -> None:
        try:
            found = self.reader.pages(wanted)
        except TelemetryError as error:
            found = (Page.without_samples(self.name, str(error)),)
        except Exception as error:  # no content of a page may end the thread silently
            found = (Page.without_samples(self.name, f"{self.name}: {reason(error)}"),)
        with self._done:
            self._busy, self._answer = False, found
            self._done.notify_all()

    def take(self, seconds: float) -> tuple[Page, ...]:
        """Return the result; after a late one, do not wait again until the source responds."""
        with self._done:
            self._done.wait_for(lambda: not self._busy, max(0.0, seconds) if self.answered else 0.0)
            self.answered = not self._busy
            found = None if self._busy else self._answer
        return (
            found if found is not None else (Page.without_samples(self.name, f"{self.name} has not answered in time"),)
        )


class Joined:
    """The first source, completed with the fields that the others feed."""

    def __init__(self, first: Source, others: Mapping[str, Pages], clock: Callable[[], float] = time.monotonic) -> None:
        self._first = first
        self._others = [_Companion(name, reader) for name, reader in others.items()]
        self._feeds: tuple[Field, ...] = ()
        self._clock = clock

    @property
    def name(self) -> str:
        """The names of all sources, joined."""
        return join_specs([self._first.name, *(other.name for other in self._others)])

    @property
    def last_chosen(self) -> str | None:
        """The source that lists the GPUs."""
        chosen = getattr(self._first, "last_chosen", None)
        return chosen if isinstance(chosen, str) else self._first.name.partition(":")[0]

    @property
    def form(self) -> SourceForm | None:
        """The form in which the first source was read last."""
        return form_of(self._first)

    def sample(self, fields: Collection[str] | None) -> None:
        """Sample only *fields* from now on, if the first source supports that."""
        choose = getattr(self._first, "sample", None)
        if callable(choose):
            choose(fields)

    def feed(self, fields: Collection[Field]) -> None:
        """Fill *fields* from now on."""
        self._feeds = tuple(fields)
        choose = getattr(self._first, "feed", None)
        if callable(choose):
            choose(fields)

    def read(self) -> Snapshot:
        """Return the current snapshot of the first source, with the fields that the others feed.

        Raises:
            TelemetryError: the first source cannot be read.
        """
        wanted = metrics_of(self._feeds)
        for other in self._others if wanted else ():
            other.ask(wanted)
        snapshot = self._first.read()
        if not wanted:
            return snapshot
        until = self._clock() + PATIENCE
        pages = [page for other in self._others for page in other.take(until - self._clock())]
        return fill_fields(snapshot, pages, self._feeds)

    def close(self) -> None:
        """Close the first source; a thread that waits for a page ends with its timeout."""
        self._first.close()


def open_joined(
    parts: Sequence[str], options: Mapping[str, object], open_first: Callable[[str, Mapping[str, object]], Source]
) -> Joined:
    """Open several sources as one; *options* are those of the first.

    Raises:
        TelemetryError: one of them cannot be joined, or is invalid.
    """
    others: dict[str, Pages] = {}
    for part in parts[1:]:
        name, _, argument = part.partition(":")
        if name not in PAGE_SOURCES:
            raise TelemetryError(
                f"{part} and {parts[0]} both list GPUs, and only one source can; join textfile:DIR or scrape:URL"
            )
        others[part] = _pages(name, argument)
    first = open_first(parts[0], options)
    if isinstance(first, FiniteSource):
        first.close()
        raise TelemetryError(f"{parts[0]} ends, and has the fields that were recorded; it cannot be joined with others")
    return Joined(first, others)


def _pages(name: str, argument: str) -> Pages:
    if name == "textfile":
        return TextfileFactory().reader(argument, {})[0]
    reader: PageReader = scrape_reader(argument)
    return reader
