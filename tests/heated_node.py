"""A governor on a GPU whose temperature the test sets."""

import itertools

from gpurules import GPU, Engine, Snapshot, loads
from gpurules.governor import Governor, GovernorStatus, Limits


class HeatedNode:
    """A governor of *rules* on one GPU, at 40 degrees at first."""

    def __init__(self, rules: str, slots: int) -> None:
        self._times = itertools.count(1.0)
        self.engine = Engine(loads(rules), clock=lambda: 0.0)
        self.governor = Governor(self.engine, Limits(slots=slots))
        self.heat(40)

    def heat(self, temperature: float | None) -> None:
        """Set the temperature; None: it is missing."""
        gpu = GPU(index=0, temperature=temperature)
        self.engine.observe(Snapshot(timestamp=next(self._times), gpus=(gpu,)))
        self.governor.refresh()

    @property
    def status(self) -> GovernorStatus:
        """The status of the governor."""
        return self.governor.status()
