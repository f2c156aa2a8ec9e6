"""Reads a source in a thread of its own, so that a source that hangs blocks nothing else."""

import threading
import time
from collections.abc import Callable, Collection
from queue import Empty, SimpleQueue
from typing import TypeAlias

from gpurules.fields import Field
from gpurules.logs import logger
from gpurules.model import Snapshot
from gpurules.plugins import reason
from gpurules.telemetry import EndOfTelemetry, Source, TelemetryError
from gpurules.telemetry.live.poll import SourceForm, form_of
from gpurules.telemetry.source import TelemetryStarting, TelemetryTimeout, split_spec
from gpurules.telemetry.source_registry import SOURCE_NAMES, all_sources, open_source

_LOGGER = logger("gpurules.coordinator")
Answer: TypeAlias = Snapshot | TelemetryError | None
"""The result of one reading; None if no caller waits for it any longer."""


def check_source(source: Source | str) -> None:
    """Make sure that a source can be opened by that name, whether or not it answers.

    Raises:
        RegistrationError: no source has that name; the message offers the nearest.
    """
    for part in split_spec(source) if isinstance(source, str) else ():
        if (name := part.partition(":")[0]) not in SOURCE_NAMES:
            known, failed = all_sources()
            if name not in failed:
                known[name]


def _as_it_is(source: Source) -> Source:
    return source


class SourceWorker:
    """A source, as *adapt* returns it, and the one thread that opens, reads and closes it.

    There is one reading at a time: while it has not come back no other is begun, however often it is asked for. What
    comes back late is the answer to the next ``read``.
    """

    def __init__(self, source: Source | str, adapt: Callable[[Source], Source] = _as_it_is) -> None:
        check_source(source)
        self._spec = source
        self._adapt = adapt
        self._source: Source | None = None if isinstance(source, str) else adapt(source)
        self._name = source if isinstance(source, str) else source.name
        self._form: SourceForm | None = None
        self._fields: frozenset[str] | None = None
        self._sampled: frozenset[str] | None = None
        self._feeds: tuple[Field, ...] = ()
        self._fed: tuple[Field, ...] = ()
        self._orders: SimpleQueue[bool] = SimpleQueue()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._begun: float | None = None
        self._is_closed = False

    @property
    def name(self) -> str:
        """The name of the source, or until it is open how it will be opened."""
        return self._name

    @property
    def form(self) -> SourceForm | None:
        """The form in which the source was read last; None where it has only one, or was not read yet."""
        return self._form

    def sample(self, fields: Collection[str]) -> None:
        """Have only *fields* sampled from now on, where the source can choose."""
        self._fields = frozenset(fields)

    def feed(self, fields: Collection[Field]) -> None:
        """Have the declared *fields* filled from now on, where the source reads Prometheus text."""
        self._feeds = tuple(fields)

    def read(self, timeout: float) -> Snapshot:
        """Return the source's snapshot, if it arrives within *timeout* seconds.

        Raises:
            TelemetryTimeout: it has not answered yet.
            EndOfTelemetry: it has ended.
            TelemetryError: it cannot be read, or was closed meanwhile.
        """
        if self._is_closed:
            raise TelemetryError(f"{self.name} is closed")
        self._start()
        if self._begun is None:
            self._begun = time.monotonic()
            self._orders.put(True)
        try:
            answer = self._answers.get(timeout=max(0.0, timeout))
        except Empty:
            lasted = time.monotonic() - self._begun
            raise TelemetryTimeout(f"{self.name} has not answered for {lasted:.1f} s") from None
        if answer is None:
            raise TelemetryError(f"{self.name} is closed")
        self._begun = None
        if isinstance(answer, TelemetryError):
            raise answer
        return answer

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="gpurules-source", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while self._orders.get():
            self._answers.put(self._answer())
        source, self._source = self._source, None
        try:
            if source is not None:
                source.close()
        except BaseException as error:  # foreign code; nothing is left to be done about it
            _LOGGER.warning("%s was not closed cleanly: %s", self.name, reason(error))

    def _answer(self) -> Answer:
        try:
            source = self._source
            if source is None:
                source = self._source = self._adapt(open_source(str(self._spec)))
                self._name, self._sampled, self._fed = source.name, None, ()
            self._choose(source)
            return self._started(source)
        except TelemetryError as error:
            return error
        except BaseException as error:  # a source is a plug-in and may raise anything; the thread must go on
            return TelemetryError(f"{self.name}: {reason(error)}")

    def _started(self, source: Source) -> Snapshot:
        """Return the source's snapshot once it has started, within a bounded time; otherwise say why not."""
        while True:
            try:
                snapshot = source.read()
                self._form = form_of(source)
                return snapshot
            except TelemetryStarting:
                if self._is_closed:
                    raise

    def _choose(self, source: Source) -> None:
        wanted = self._fields
        choose = getattr(source, "sample", None)
        if wanted is not None and wanted != self._sampled and callable(choose):
            choose(wanted)
            self._sampled = wanted
        feed, feeds = getattr(source, "feed", None), self._feeds
        if feeds != self._fed and callable(feed):
            feed(feeds)
            self._fed = feeds

    def interrupt(self) -> None:
        """Wake every thread that waits in ``read``."""
        self._answers.put(None)

    def close(self, timeout: float) -> bool:
        """Close the source; return whether that was done within *timeout* seconds (one that hangs is left behind)."""
        if self._is_closed and self._thread is None:
            return True
        if not self._is_closed:
            self._is_closed = True
            if self._source is not None:
                self._start()
            self._orders.put(False)
            self.interrupt()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(max(0.0, timeout))
        return not thread.is_alive()

    def abandon(self) -> None:
        """Forget source and thread without closing: in a forked child they are the parent's."""
        self._source, self._thread, self._is_closed = None, None, True


__all__ = ["EndOfTelemetry", "SourceWorker", "check_source"]
