"""Turns counters into rates between polls."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field

FIRST = "a rate needs a second poll"
RESET = "the counter was reset"


@dataclass(slots=True)
class CounterRates:
    """The last value of each counter of each GPU.

    >>> rates = CounterRates()
    >>> rates.rate("GPU-1", "energy", 100, at=10.0)
    (None, 'a rate needs a second poll')
    >>> rates.rate("GPU-1", "energy", 350, at=15.0)
    (50.0, None)
    """

    _last: dict[Hashable, dict[str, tuple[float, float]]] = field(default_factory=dict)

    def rate(self, owner: Hashable, counter: str, value: float, at: float) -> tuple[float | None, str | None]:
        """Return the rate of *counter* of *owner* since the last poll, or None and the reason.

        Units: *at* in seconds of a monotonic clock; the rate is per second.
        Missing: there is no earlier value, no time has passed, or the counter went back.
        """
        counters = self._last.setdefault(owner, {})
        earlier = counters.get(counter)
        counters[counter] = (value, at)
        if earlier is None:
            return None, FIRST
        if at <= earlier[1]:
            counters[counter] = earlier
            return None, FIRST
        if value < earlier[0]:
            return None, RESET
        return (value - earlier[0]) / (at - earlier[1]), None

    def keep(self, owners: Collection[Hashable]) -> None:
        """Drop the counters of all but *owners*."""
        for owner in [known for known in self._last if known not in owners]:
            del self._last[owner]
