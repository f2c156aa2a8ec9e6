"""How long to wait before the next try."""

from dataclasses import dataclass


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
        eager = int(self.is_eager)
        wait = 0.0 if self._failures < eager else self.first * 2.0 ** min(self._failures - eager, 60)
        self._failures += 1
        self._until = at + min(wait, self.most)

    def succeed(self) -> None:
        """Note a success."""
        self._failures = 0

    def remaining(self, at: float) -> float:
        """Return how long to wait still."""
        return max(0.0, self._until - at) if self._failures else 0.0
