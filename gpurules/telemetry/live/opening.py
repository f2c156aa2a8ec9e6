"""The common options of live sources, and the creation of a source from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from gpurules.telemetry.live.isolation.sampler import Sampler, Task
from gpurules.telemetry.live.isolation.thread import InThread
from gpurules.telemetry.live.source import LiveSource, NodeReader
from gpurules.telemetry.source import SourceOptions, TelemetryError
from gpurules.telemetry.tracking.gpu_tracker import DROP_AFTER

MODES = ("process", "thread", "inline")


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """Options that every live source accepts.

    ``mode`` is where the driver is called: in a ``process`` of its own, in a ``thread``, or ``inline``, in the reading
    thread, which then hangs with the driver.

    Units: seconds. ``timeout`` is for one read, ``start_timeout`` for a new sampler, ``retry`` is the first pause
    after a failure, ``drop_after`` how long a lost GPU is reported.
    Missing: ``fields`` None: all that are cheap.
    """

    mode: str = "process"
    timeout: float = 3.0
    start_timeout: float = 30.0
    retry: float = 1.0
    drop_after: float = DROP_AFTER
    fields: frozenset[str] | None = None

    @classmethod
    def take(cls, options: SourceOptions, timeout: float = 3.0) -> Self:
        """Parse *options*; *timeout* is the default for one read.

        Raises:
            TelemetryError: one of them is invalid.
        """
        mode = options.text("mode") or "process"
        if mode not in MODES:
            raise TelemetryError(f"the option 'mode' must be one of {', '.join(MODES)}, not {mode!r}")
        return cls(
            mode,
            options.number("timeout", timeout, 0.01, 3600),
            options.number("start_timeout", 30.0, 0.01, 3600),
            options.number("retry", 1.0, 0.0, 3600),
            options.number("drop_after", DROP_AFTER),
            options.names("fields"),
        )

    def source(
        self, name: str, target: str, options: Mapping[str, object], inline: Callable[[], NodeReader]
    ) -> LiveSource:
        """Return a source that reads by *target* in another process, or by the reader of *inline* in this one."""
        reader: NodeReader
        if self.mode == "process":
            reader = Sampler(Task(target, options, self.timeout, self.start_timeout, self.retry))
        else:
            reader = inline()
            reader = InThread(reader, self.timeout) if self.mode == "thread" else reader
        return LiveSource(name, reader, self.fields, self.drop_after)
