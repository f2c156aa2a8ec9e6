"""The parts that are ready to move, by priority with aging."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import TypeAlias

from gpurules.governor.scheduling.entry import SlotRequest, TransferClass

_Item: TypeAlias = tuple[float, int, SlotRequest]


class ReadyQueue:
    """Parts by the static key ``ready_at - priority / age_rate``, the smallest first; ties in order of request.

    All waiting parts age at the same rate, so waiting never changes their order, and nothing is re-sorted: a key
    changes only with the priority, or by a hold.
    """

    def __init__(self, age_rate: float) -> None:
        self._age_rate = age_rate
        self._items: list[_Item] = []
        self._background = 0

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[SlotRequest]:
        return (request for _, _, request in self._items)

    def __getitem__(self, position: int) -> SlotRequest:
        return self._items[position][2]

    @property
    def has_background(self) -> bool:
        """Whether a part of the lowest class is ready."""
        return self._background > 0

    def weigh(self, request: SlotRequest) -> None:
        """Set the key and class of *request* by the current priority of its transfer."""
        priority = request.entry.priority
        request.key = request.ready_at - priority / self._age_rate
        request.rank = TransferClass.of(priority)

    def add(self, request: SlotRequest) -> None:
        """Insert *request* by the current priority of its transfer."""
        self.weigh(request)
        self._background += request.rank is TransferClass.BACKGROUND
        insort(self._items, (request.key, request.order, request))

    def remove(self, request: SlotRequest) -> bool:
        """Remove *request*, and return whether it was queued."""
        at = bisect_left(self._items, (request.key, request.order))
        if at == len(self._items) or self._items[at][2] is not request:
            return False
        del self._items[at]
        self._background -= request.rank is TransferClass.BACKGROUND
        return True
