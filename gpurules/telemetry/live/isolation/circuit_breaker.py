"""A circuit breaker for driver calls: one that hung is skipped for a while, so it cannot block all others."""

from dataclasses import dataclass, field

from gpurules.telemetry.live.poll import EVERY_CALL

_FIRST, _LONGEST = 300.0, 3600.0
_MAX_HUNG_CALLS = 2
"""When this many calls of one subject hang, all calls of it are skipped."""


@dataclass(slots=True)
class CircuitBreaker:
    """Calls that hung, each with the time until which it is skipped and the length of that interval.

    Units: seconds of a monotonic clock.

    >>> breaker = CircuitBreaker()
    >>> breaker.add(("power", "GPU-1"), at=0.0)
    >>> sorted(breaker.calls_to_skip(at=299.0)), sorted(breaker.calls_to_skip(at=300.0))
    ([('power', 'GPU-1')], [])
    """

    _until: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def add(self, place: tuple[str, str], at: float) -> None:
        """Record a call that hung; each time, it is skipped for twice as long."""
        self._trip(place, at)
        function, subject = place
        others = {known for known, of in self._until if of == subject and known != EVERY_CALL}
        if function != EVERY_CALL and len(others) >= _MAX_HUNG_CALLS:
            self._trip((EVERY_CALL, subject), at)

    def _trip(self, place: tuple[str, str], at: float) -> None:
        wait = min(2 * self._until[place][1], _LONGEST) if place in self._until else _FIRST
        self._until[place] = (at + wait, wait)

    def calls_to_skip(self, at: float) -> frozenset[tuple[str, str]]:
        """Return the calls to skip now."""
        return frozenset(place for place, (until, _) in self._until.items() if at < until)
