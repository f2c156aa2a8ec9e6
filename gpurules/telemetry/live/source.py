"""A live source: reads this node, and tracks its GPUs."""

import platform
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Protocol

from gpurules.fields import Field
from gpurules.model import Snapshot
from gpurules.telemetry.live.poll import PollRequest, SourceForm, form_of
from gpurules.telemetry.tracking.gpu_tracker import DROP_AFTER, GpuTracker
from gpurules.telemetry.tracking.xid_ages import XidAges


class NodeReader(Protocol):
    """Reads this node: in this process, in a thread or in a process of its own."""

    def read(self, request: PollRequest) -> Snapshot:
        """Return the current snapshot.

        Raises:
            TelemetryError: it cannot be read.
        """
        ...

    def close(self) -> None:
        """Release all resources; may be called twice."""
        ...


class LiveSource:
    """The GPUs of this node, by one reader; one that vanishes is reported as lost for ``drop_after`` seconds.

    >>> class Reader:
    ...     def read(self, request): return Snapshot(timestamp=1.0)
    ...     def close(self): pass
    >>> LiveSource("nvml", Reader()).read().gpus
    ()
    """

    def __init__(
        self,
        name: str,
        reader: NodeReader,
        fields: Collection[str] | None = None,
        drop_after: float = DROP_AFTER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.reader = reader
        self._request = PollRequest(None if fields is None else frozenset(fields))
        self._gpu_tracker = GpuTracker(drop_after)
        self._xid_ages = XidAges()
        self._clock = clock

    @property
    def form(self) -> SourceForm | None:
        """The form of the reader's last reading; None if it has only one."""
        return form_of(self.reader)

    def sample(self, fields: Collection[str] | None) -> None:
        """Sample only *fields* from now on; None: all that are cheap."""
        self._request = replace(self._request, fields=None if fields is None else frozenset(fields))

    def feed(self, fields: Collection[Field]) -> None:
        """Fill *fields* from now on, if the reader reads Prometheus text."""
        self._request = replace(self._request, feeds=tuple(fields))

    def read(self) -> Snapshot:
        """Return the current snapshot, with recently lost GPUs.

        Raises:
            TelemetryError: the node cannot be read; a retry may help.
            TelemetryTimeout: it did not respond in time.
        """
        snapshot = self.reader.read(self._request)
        now = self._clock()
        complete = self._gpu_tracker.complete(self._xid_ages.complete(snapshot, now), now)
        return complete if complete.host else replace(complete, host=platform.node() or None)

    def close(self) -> None:
        """Release all resources; may be called twice."""
        self.reader.close()
