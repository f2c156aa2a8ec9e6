"""The recent events of an agent, in order, each with a number."""

import threading
from collections import deque
from itertools import islice

MAX_EVENTS = 5000
KINDS = ("signal", "rule", "effect", "telemetry", "ruleset", "proposal", "agent")


class EventLog:
    """Keeps the latest events. Thread-safe.

    Numbers start after *first*, so that a restarted agent does not reuse those of its predecessor.
    """

    def __init__(self, first: int, size: int = MAX_EVENTS) -> None:
        self._lock = threading.Lock()
        self._events: deque[dict[str, object]] = deque(maxlen=size)
        self._next = first

    @property
    def last(self) -> int:
        """The number of the latest event, or the one before the first."""
        return self._next - 1

    def add(self, kind: str, timestamp: float, **data: object) -> None:
        """Add an event of a *kind* (one of ``KINDS``).

        Units: *timestamp* in seconds since 1970.
        """
        with self._lock:
            self._events.append({"id": self._next, "kind": kind, "timestamp": timestamp, **data})
            self._next += 1

    def after(self, number: int, limit: int) -> list[dict[str, object]]:
        """Return the events after *number*, oldest first, the latest *limit* of them."""
        with self._lock:
            count = min(len(self._events), max(0, self._next - 1 - number), limit)
            return list(islice(self._events, len(self._events) - count, None))

    def before(self, number: int | None, limit: int, kind: str | None = None) -> list[dict[str, object]]:
        """Return at most *limit* events before *number* (None: the latest), newest first.

        Missing: *kind* None: of every kind.
        """
        with self._lock:
            known = (e for e in reversed(self._events) if kind in (None, e["kind"]))
            return list(islice((e for e in known if number is None or e["id"] < number), limit))  # type: ignore[operator]
