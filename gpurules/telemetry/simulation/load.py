"""The load of a simulated GPU: jobs, one after the other, each in phases.

Only addition, multiplication and comparison are used, so the same seed gives the same numbers on every machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class LoadPhase:
    """A phase of a job, with its target values.

    Units: *memory*, *utilization* and *busy* in percent, *seconds* as named, rates in bytes/second.
    """

    name: str
    seconds: float
    memory: float
    utilization: float
    busy: float
    rx: float
    tx: float
    processes: int


GB = 10**9


def phases(rng: Random) -> Iterator[LoadPhase]:
    """Yield the phases of an endless sequence of jobs."""
    while True:
        base = 62 + 20 * rng.random()
        yield LoadPhase("idle", 60 + 240 * rng.random(), 1, 1, 0, 0.002 * GB, 0.001 * GB, 0)
        yield LoadPhase("load", 40 + 60 * rng.random(), base, 8, 4, (6 + 8 * rng.random()) * GB, 0.1 * GB, 1)
        for _ in range(2 + rng.randrange(3)):
            peak = min(97.0, base + 8 + 20 * rng.random())
            yield LoadPhase("train", 120 + 180 * rng.random(), base + 4, 97, 45, 0.8 * GB, 0.2 * GB, 2)
            yield LoadPhase("swell", 40 + 80 * rng.random(), peak, 99, 55, 1.2 * GB, 0.2 * GB, 2)
            yield LoadPhase("checkpoint", 20 + 30 * rng.random(), base, 12, 6, 0.1 * GB, (3 + 4 * rng.random()) * GB, 2)
        yield LoadPhase("evaluate", 60 + 60 * rng.random(), base - 20, 60, 25, 0.5 * GB, 0.1 * GB, 1)


class Load:
    """The job that runs on one GPU, simulated step by step."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.restart()

    def restart(self) -> None:
        """Start over, as after a reset of the GPU."""
        self._phases = phases(self._rng)
        self.phase = next(self._phases)
        self._left = self.phase.seconds

    def advance(self, seconds: float) -> LoadPhase:
        """Advance by *seconds*, and return the current phase."""
        self._left -= seconds
        while self._left <= 0:
            self.phase = next(self._phases)
            self._left += self.phase.seconds
        return self.phase
