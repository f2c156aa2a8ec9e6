"""Keeps an engine informed of what its own process registers: workloads and pending transfers."""

import threading
from collections.abc import Callable

from gpurules.engine.engine import Engine
from gpurules.engine.workloads import Schedule


class RegisteredFacts:
    """The node facts of a schedule, in force in an engine before the call that changes them returns.

    Calls that come together share one pass: the first hands over what all of them changed. Thread-safe.
    """

    def __init__(self, engine: Engine, schedule: Schedule, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._schedule = schedule
        self._clock = clock
        self._lock = threading.Lock()
        self._published = -1
        schedule.follow(self._changed)

    def _changed(self) -> None:
        wanted = self._schedule.revision
        with self._lock:
            if self._published < wanted:
                self._publish()

    def refresh(self) -> None:
        """Take account of the time that has passed: leases lapse by it."""
        with self._lock:
            self._publish()

    def _publish(self) -> None:
        revision = self._schedule.revision  # read first: a change that comes meanwhile is published once more
        self._engine.register(self._schedule.node(self._clock()))
        self._published = revision

    def after_fork(self) -> None:
        """Make it usable in a forked child, whose parent may have been publishing."""
        self._lock = threading.Lock()
