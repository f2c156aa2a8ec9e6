"""A circuit breaker: an unresponsive agent is retried only occasionally, so that callers do not wait for it."""

import threading
from enum import StrEnum

from gpurules.backoff import exponential_wait

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 15.0
MOST_FAILURES = 3
"""Number of consecutive failures after which the breaker opens."""


class BreakerState(StrEnum):
    """Whether requests are sent: all (closed), none (open), or one as a trial (half-open)."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class AgentBreaker:
    """Decides whether requests are sent. Time is an argument. Thread-safe.

    Units: seconds of a monotonic clock.

    >>> breaker = AgentBreaker()
    >>> for _ in range(3):
    ...     breaker.record_failure(now=10.0)
    >>> breaker.allows(10.1), breaker.allows(10.6), breaker.allows(10.7)
    (False, True, False)
    >>> breaker.record_success(); breaker.allows(10.8)
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._probes = 1
        self._until: float | None = None
        self._is_probed = False

    @property
    def state(self) -> BreakerState:
        """The current state."""
        if self._until is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self._is_probed else BreakerState.OPEN

    def allows(self, now: float) -> bool:
        """Return whether the caller may send a request; a caller admitted while it is open must report the result."""
        if self._until is None:
            return True
        with self._lock:
            if self._until is None:
                return True
            if now < self._until:
                return False
            self._is_probed = True
            self._until = now + self._wait()  # others wait, and one tries again if this caller never reports
            return True

    def record_success(self) -> None:
        """Record a response of the agent."""
        if self._failures or self._until is not None:
            with self._lock:
                self._failures, self._probes, self._until, self._is_probed = 0, 1, None, False

    def record_failure(self, now: float, is_final: bool = False) -> None:
        """Record a failure of the agent; *is_final*: nothing listens at the address."""
        with self._lock:
            self._failures += 1
            if self._until is not None and self._is_probed:
                self._probes += 1
            if self._until is not None or is_final or self._failures >= MOST_FAILURES:
                self._until, self._is_probed = now + self._wait(), False

    def _wait(self) -> float:
        return exponential_wait(self._probes, FIRST_SECONDS, LONGEST_SECONDS)

    def after_fork(self) -> None:
        """Make it usable in a forked child, whose parent may have held the lock."""
        self._lock = threading.Lock()
