"""Slot limits, in total and per lane, and yielding between priorities."""

from collections import Counter
from collections.abc import Collection
from math import inf

from gpurules.governor.scheduling.entry import SlotRequest, TransferClass
from gpurules.governor.scheduling.lane import Lane

YIELD_SLOTS = 16
"""Without a limit, this number of parts moves before those of lower priority wait for others."""


class Slots:
    """The slots of a governor.

    Without a *limit* there is a slot for every part, so that transfers that no rule affects never wait. Only if
    priorities differ, parts below the highest wait while ``YIELD_SLOTS`` parts move; one of them may always move.

    Missing: *limit* None: unlimited.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.all = Lane(inf if limit is None else limit)
        self.moving: set[SlotRequest] = set()
        self.priorities: Counter[float] = Counter()

    def add(self, priority: float) -> None:
        """Add a transfer of *priority*."""
        self.priorities[priority] += 1

    def move(self, before: float, after: float) -> None:
        """Record that the priority of a transfer has changed."""
        self.remove(before)
        self.add(after)

    def remove(self, priority: float) -> None:
        """Remove a transfer of *priority*."""
        self.priorities[priority] -= 1
        if self.priorities[priority] <= 0:
            del self.priorities[priority]

    def are_alike_for(self, priority: float) -> bool:
        """Return whether there is a slot for every part and every transfer has *priority*; takes no lock."""
        known = self.priorities
        return self.limit is None and (not known or (len(known) == 1 and priority in known))

    def admit(self, request: SlotRequest, has_background: bool) -> bool:
        """Return whether *request* may have a slot, and a place in its lane."""
        is_background = request.rank is TransferClass.BACKGROUND
        if not self.all.admits(is_background, has_background):
            return False
        if request.lane is not None and not request.lane.admits(is_background, has_background):
            return False
        return (self.limit is not None or not self._yields(request)) and is_below_caps(request, self.moving)

    def _yields(self, request: SlotRequest) -> bool:
        if len(self.priorities) < 2 or len(self.moving) < YIELD_SLOTS:
            return False
        highest = max(self.priorities)
        return request.entry.priority < highest and any(other.entry.priority < highest for other in self.moving)

    def enter(self, request: SlotRequest) -> None:
        """Give *request* a slot."""
        self.moving.add(request)
        is_background = request.rank is TransferClass.BACKGROUND
        self.all.enter(is_background)
        if request.lane is not None:
            request.lane.enter(is_background)

    def leave(self, request: SlotRequest) -> None:
        """Release the slot of *request*."""
        self.moving.discard(request)
        is_background = request.rank is TransferClass.BACKGROUND
        self.all.leave(is_background)
        if request.lane is not None:
            request.lane.leave(is_background)


def is_below_caps(request: SlotRequest, moving: Collection[SlotRequest]) -> bool:
    """Whether the concurrency limits of the rules on the transfer allow one more part."""
    caps = request.entry.requirements.concurrency
    return not caps or all(
        sum(any(name == rule for name, _ in other.entry.requirements.concurrency) for other in moving) < cap
        for rule, cap in caps
    )
