"""Keeps an engine informed of what its own process registers: workloads and pending transfers."""

import threading
from collections.abc import Callable, Mapping

from gpurules.engine.engine import Engine
from gpurules.engine.workloads import NODE_FIELDS, Schedule


class RegisteredFacts:
    """The node facts of a schedule, in force in an engine before the call that changes them returns.

    Where no rule reads any of them, there is nothing to put in force before the next snapshot. Calls that come together
    share one pass: the first hands over what all of them changed. Thread-safe.
    """

    def __init__(self, engine: Engine, schedule: Schedule, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._schedule = schedule
        self._clock = clock
        self._lock = threading.Lock()
        self._published = -1
        engine.follow(self._facts)
        schedule.follow(self._changed)

    def _facts(self) -> Mapping[str, object]:
        return self._schedule.node(self._clock())

    def _changed(self) -> None:
        if NODE_FIELDS.isdisjoint(self._engine.bound.program.node_fields):
            return
        wanted = self._schedule.revision
        with self._lock:
            if self._published < wanted:
                revision = self._schedule.revision  # read first: what changes meanwhile is handed over once more
                self._engine.refresh()
                self._published = revision

    def after_fork(self) -> None:
        """Make it usable in a forked child, whose parent may have been publishing."""
        self._lock = threading.Lock()
