"""Calls that hung are not made again for a while, so that one of them does not take all else with it."""

from dataclasses import dataclass, field

from gpurules.telemetry.live.request import EVERY_CALL

_FIRST, _LONGEST = 300.0, 3600.0
_ENOUGH = 2
"""After so many calls of one subject that hung, it is asked nothing at all."""


@dataclass(slots=True)
class HungCalls:
    """Calls that hung, each with when it may be made again, and for how long it is left out then.

    Units: seconds of a clock that never goes back.

    >>> hung = HungCalls()
    >>> hung.add(("power", "GPU-1"), at=0.0)
    >>> sorted(hung.skipped(at=299.0)), sorted(hung.skipped(at=300.0))
    ([('power', 'GPU-1')], [])
    """

    _until: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def add(self, place: tuple[str, str], at: float) -> None:
        """Note that a call hung; each time that it does, it is left out for twice as long."""
        self._leave_out(place, at)
        function, subject = place
        others = {known for known, of in self._until if of == subject and known != EVERY_CALL}
        if function != EVERY_CALL and len(others) >= _ENOUGH:
            self._leave_out((EVERY_CALL, subject), at)

    def _leave_out(self, place: tuple[str, str], at: float) -> None:
        wait = min(2 * self._until[place][1], _LONGEST) if place in self._until else _FIRST
        self._until[place] = (at + wait, wait)

    def skipped(self, at: float) -> frozenset[tuple[str, str]]:
        """Return what is not to be asked now."""
        return frozenset(place for place, (until, _) in self._until.items() if at < until)
