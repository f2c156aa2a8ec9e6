"""A byte rate that can be changed at any time."""


class Pacer:
    """Leaky bucket: bytes at a steady *rate*, paid afterwards. Without debt a part may start, whatever its size.

    No credit accumulates while idle, so in any time interval no more than ``rate * seconds`` and one part
    starts. Time is an argument.

    Units: bytes, bytes/second, seconds.

    >>> bucket = Pacer(100)
    >>> bucket.charge(50, now=0), bucket.ready_at
    (None, 0.5)
    >>> bucket.set_rate(25, now=0.25)
    >>> bucket.ready_at
    1.25

    Raises:
        ValueError: the rate is not above 0.
    """

    def __init__(self, rate: float) -> None:
        self.rate = _positive(rate)
        self.ready_at = float("-inf")

    def charge(self, size: float, now: float) -> None:
        """Take *size* bytes, going into debt if necessary."""
        self.ready_at = max(self.ready_at, now) + max(0.0, size) / self.rate

    def set_rate(self, rate: float, now: float) -> None:
        """Change the rate; existing debt is paid at the new rate.

        Raises:
            ValueError: the rate is not above 0.
        """
        before, self.rate = self.rate, _positive(rate)
        if self.ready_at > now:
            self.ready_at = now + (self.ready_at - now) * before / rate


def _positive(rate: float) -> float:
    if not 0 < rate < float("inf"):
        raise ValueError(
            f"a rate must be a number of bytes/second above 0, not {rate!r}; to stop transfers, pause them"
        )
    return rate
