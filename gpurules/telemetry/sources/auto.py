"""Selects the first working source, and reports why the others were not selected."""

import time
from collections.abc import Callable, Collection, Mapping

from gpurules.fields import Field
from gpurules.model import Snapshot
from gpurules.telemetry.live.availability import Availability, ProbingFactory, describe_snapshot
from gpurules.telemetry.live.opening import LiveOptions
from gpurules.telemetry.live.poll import SourceForm, form_of
from gpurules.telemetry.live.source import LiveSource
from gpurules.telemetry.source import SourceOptions, TelemetryError, TelemetryStarting, TelemetryUnavailable

GIVE_UP = 5
"""Number of consecutive failed reads after which another source is looked for."""


class Auto:
    """Tries sources in order and stays with the first that reports a GPU, until it fails for too long.

    One that works but reports no GPU is selected if no other reports any.

    Units: *timeout* in seconds; a read takes at most twice that.
    """

    def __init__(
        self,
        open_each: Mapping[str, Callable[[], LiveSource]],
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = dict(open_each)
        self._timeout = timeout
        self._clock = clock
        self._waiting: list[str] = []
        self._trying: tuple[str, LiveSource] | None = None
        self._chosen: tuple[str, LiveSource] | None = None
        self.last_chosen: str | None = None
        """The source that was chosen last, which may be closed since."""
        self._failures = 0
        self._empty: list[str] = []
        self._fields: Collection[str] | None = None
        self._feeds: tuple[Field, ...] = ()
        self.reasons: dict[str, str] = {}
        """Why each source before the chosen one was not taken."""

    @property
    def name(self) -> str:
        """``auto``, and once a source is selected, ``auto (nvml)``."""
        return f"auto ({self._chosen[0]})" if self._chosen else "auto"

    @property
    def chosen(self) -> str | None:
        """The name of the selected source; None before that."""
        return self._chosen[0] if self._chosen else None

    @property
    def form(self) -> SourceForm | None:
        """The form of the selected source's last reading; None if it has only one."""
        return form_of(self._chosen[1]) if self._chosen else None

    def sample(self, fields: Collection[str] | None) -> None:
        """Sample only *fields* from now on; None: all that are cheap."""
        self._fields = fields
        for known in (self._chosen, self._trying):
            if known is not None:
                known[1].sample(fields)

    def feed(self, fields: Collection[Field]) -> None:
        """Fill *fields* from now on, if the selected source reads Prometheus text."""
        self._feeds = tuple(fields)
        for known in (self._chosen, self._trying):
            if known is not None:
                known[1].feed(fields)

    def read(self) -> Snapshot:
        """Return the current snapshot of the selected source; select one if necessary.

        Raises:
            TelemetryUnavailable: no source can be used; the message has the reason for each.
            TelemetryError: the selected one cannot be read now.
        """
        if self._chosen is None:
            return self._choose()
        try:
            snapshot = self._chosen[1].read()
        except TelemetryError as error:
            self._failures += 1
            if self._failures >= GIVE_UP and not isinstance(error, TelemetryStarting):
                self.close()
            raise
        self._failures = 0
        return snapshot

    def _choose(self) -> Snapshot:
        until = self._clock() + self._timeout
        if not self._waiting and self._trying is None:
            self._waiting, self.reasons, self._empty = list(self._open), {}, []
        while self._trying is not None or self._waiting or self._empty:
            if self._clock() >= until:
                raise TelemetryStarting("auto is still looking for a source", self.reasons)
            is_last_resort = self._trying is None and not self._waiting
            name, source = self._trying = self._trying or self._next()
            try:
                snapshot = source.read()
            except TelemetryStarting:
                raise
            except TelemetryError as error:
                self._pass_over(str(error))
                continue
            if snapshot.gpus or is_last_resort:
                self._chosen, self._trying, self._failures = (name, source), None, 0
                self.last_chosen = name
                self._waiting, self._empty = [], []
                return snapshot
            self._empty.append(name)
            self._pass_over(describe_snapshot(snapshot).detail)
        raise TelemetryUnavailable("no telemetry source is available", self.reasons)

    def _next(self) -> tuple[str, LiveSource]:
        name = (self._waiting or self._empty).pop(0)
        source = self._open[name]()
        source.sample(self._fields)
        source.feed(self._feeds)
        return name, source

    def _pass_over(self, reason: str) -> None:
        assert self._trying is not None
        name, source = self._trying
        self._trying = None
        self.reasons[name] = reason
        source.close()

    def close(self) -> None:
        """Close the open source; a later read selects again."""
        for known in (self._chosen, self._trying):
            if known is not None:
                known[1].close()
        self._chosen = self._trying = None
        self._failures = 0


class AutoFactory:
    """Opens ``auto``: the first of *factories* that works, each of which is created when it is tried."""

    name = "auto"
    summary = "the first live source that works"

    def __init__(self, factories: Mapping[str, Callable[[], ProbingFactory]]) -> None:
        self._factories = factories

    def open(self, argument: str, options: Mapping[str, object]) -> Auto:
        """Return a source that chooses when it is read first.

        Raises:
            TelemetryError: an option is not known or does not fit.
        """
        taken = SourceOptions.parse(self.name, argument, options)
        live = LiveOptions.take(taken, 5.0)
        taken.finish()
        given = {name: getattr(live, name) for name in ("timeout", "start_timeout", "retry", "drop_after", "mode")}
        source = Auto({name: _opener(make, given) for name, make in self._factories.items()}, live.timeout)
        source.sample(live.fields)
        return source

    def probe(self, argument: str = "", timeout: float = 10.0) -> Availability:
        """Return which source would be selected; this takes at most twice *timeout* seconds."""
        source = self.open(argument, {"timeout": timeout})
        try:
            found = describe_snapshot(source.read())
            return Availability(True, f"{source.chosen}: {found.detail}", found.gpu_count)
        except TelemetryError as error:
            return Availability(False, str(error))
        finally:
            source.close()


def _opener(make: Callable[[], ProbingFactory], options: Mapping[str, object]) -> Callable[[], LiveSource]:
    def open_it() -> LiveSource:
        source = make().open("", options)
        assert isinstance(source, LiveSource)
        return source

    return open_it
