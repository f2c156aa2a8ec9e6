"""The byte rates that transfers share: of all, of a class, or of the transfers that a rule matches."""

from collections.abc import Mapping
from math import inf
from types import MappingProxyType

from gpurules.governor.scheduling.entry import SlotRequest
from gpurules.governor.scheduling.pacer import Pacer


class SharedRates:
    """Token buckets by name: ``all``, a class (``background``), or ``rule:NAME``. A part pays into each of its own.

    Units: bytes/second.
    """

    def __init__(self) -> None:
        self._buckets: dict[str, Pacer] = {}
        self.due = inf

    @property
    def rates(self) -> Mapping[str, float]:
        """Every rate by the name of its bucket."""
        return MappingProxyType({name: bucket.rate for name, bucket in self._buckets.items()})

    @property
    def has_shared(self) -> bool:
        """Whether any rate also applies to transfers that no rule matches: of all, or of a class."""
        return bool(self._buckets) and any(not name.startswith("rule:") for name in tuple(self._buckets))

    def set(self, name: str, rate: float | None, now: float) -> None:
        """Set a rate; None removes the limit.

        Raises:
            ValueError: the rate is not above 0.
        """
        bucket = self._buckets.get(name)
        if rate is None:
            self._buckets.pop(name, None)
        elif bucket is None:
            self._buckets[name] = Pacer(rate)
        elif bucket.rate != rate:
            bucket.set_rate(rate, now)

    def _of(self, request: SlotRequest) -> list[Pacer]:
        if not self._buckets:
            return []
        names = ["all", request.rank.value, *(f"rule:{rule}" for rule, _ in request.entry.requirements.bandwidth)]
        return [self._buckets[name] for name in names if name in self._buckets]

    def admit(self, request: SlotRequest, now: float) -> bool:
        """Return whether the buckets of *request* are free of debt; otherwise ``due`` is no later than that time."""
        if not self._buckets:
            return True
        at = max((bucket.ready_at for bucket in self._of(request)), default=-inf)
        if at > now:
            self.due = min(self.due, at)
        return at <= now

    def charge(self, request: SlotRequest, size: float, now: float) -> None:
        """Charge the buckets of *request* for *size* bytes."""
        for bucket in self._of(request):
            bucket.charge(size, now)
