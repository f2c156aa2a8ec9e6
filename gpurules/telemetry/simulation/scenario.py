"""The parameters of a simulation."""

from dataclasses import dataclass

START = 1767225600.0
"""2026-01-01 00:00:00 UTC, a Thursday."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A node, a span of time, and its faults.

    The second GPU is badly cooled and throttles; with *faults* the third is lost for a while and returns empty, and
    single values are sometimes missing. With *mig* the last GPU is partitioned.

    Units: seconds; ``start`` since 1970.
    """

    gpus: int = 4
    seconds: float = 3600.0
    interval: float = 10.0
    seed: int = 7
    start: float = START
    host: str = "node-1"
    mig: bool = False
    faults: bool = True

    @property
    def steps(self) -> int:
        """The number of snapshots."""
        return max(1, int(self.seconds / self.interval))

    def time(self, step: int) -> float:
        """Return the time of a snapshot, computed from the start, so that errors do not accumulate."""
        return self.start + step * self.interval
