"""Lanes: a limited number of places that parts share."""

from dataclasses import dataclass
from math import inf


@dataclass(slots=True, eq=False)
class Lane:
    """Parts that share a limited number of places: the slots of a governor, the threads of a client.

    One place is reserved for the lowest class while it has any part.
    """

    size: float = inf
    moving: int = 0
    background: int = 0

    @property
    def is_full(self) -> bool:
        """Whether every place is taken."""
        return self.moving >= self.size

    def admits(self, is_background: bool, has_background: bool) -> bool:
        """Return whether a part gets a place; *has_background*: a part of the lowest class is ready."""
        left = self.size - self.moving
        if left > 1 or left <= 0:
            return left > 0  # one place is always left
        if is_background or self.size == 1:
            return True
        is_kept = has_background or self.background > 0
        return not is_kept or self.moving - self.background < self.size - 1

    def enter(self, is_background: bool) -> None:
        """Give a part a place."""
        self.moving += 1
        self.background += is_background

    def leave(self, is_background: bool) -> None:
        """Release the place of a part."""
        self.moving -= 1
        self.background -= is_background
