"""How long to wait before the next try."""

from dataclasses import dataclass


def exponential_wait(failures: int, first: float, most: float) -> float:
    """Return how long to wait after *failures* in a row: *first*, twice that, and so on up to *most*.

    Units: seconds.
    Missing: 0 failures: no wait.

    >>> [exponential_wait(failures, first=0.5, most=3.0) for failures in range(5)]
    [0.0, 0.5, 1.0, 2.0, 3.0]
    """
    return min(most, first * 2.0 ** min(failures - 1, 60)) if failures > 0 else 0.0


@dataclass(slots=True)
class Backoff:
    """Waits longer after each failure in a row: ``first``, twice that, and so on up to ``most``.

    With ``is_eager`` the first failure after a success may be followed by a try at once.

    Units: seconds, of a clock that never goes back.

    >>> backoff = Backoff(first=1.0, most=3.0)
    >>> waits = []
    >>> for _ in range(3):
    ...     backoff.fail(at=100.0)
    ...     waits.append(backoff.remaining(at=100.0))
    >>> waits
    [1.0, 2.0, 3.0]
    """

    first: float = 1.0
    most: float = 60.0
    is_eager: bool = False
    _failures: int = 0
    _until: float = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    def fail(self, at: float) -> None:
        """Note a failure."""
        self._failures += 1
        self._until = at + exponential_wait(self._failures - int(self.is_eager), self.first, self.most)

    def succeed(self) -> None:
        """Note a success."""
        self._failures = 0

    def remaining(self, at: float) -> float:
        """Return how long to wait still."""
        return max(0.0, self._until - at) if self._failures else 0.0
