"""The parts that are ready to move, in their order."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import TypeAlias

from gpurules.governor.scheduling.entry import SlotRequest, TransferClass

_Item: TypeAlias = tuple[float, int, SlotRequest]


class ReadyQueue:
    """Parts by the static key ``ready_at - priority / age_rate``, the smallest first; of equals, who asked first.

    Each waiting part grows in weight at the same rate, so their order never changes by waiting, and nothing is sorted
    again: a key changes only with the priority, or by a hold.
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
        """Give *request* its key and its class, by the priority that its transfer has now."""
        priority = request.entry.priority
        request.key = request.ready_at - priority / self._age_rate
        request.rank = TransferClass.of(priority)

    def add(self, request: SlotRequest) -> None:
        """Put *request* at its place, by the priority that its transfer has now."""
        self.weigh(request)
        self._background += request.rank is TransferClass.BACKGROUND
        insort(self._items, (request.key, request.order, request))

    def remove(self, request: SlotRequest) -> bool:
        """Take *request* out, and return whether it was there."""
        at = bisect_left(self._items, (request.key, request.order))
        if at == len(self._items) or self._items[at][2] is not request:
            return False
        del self._items[at]
        self._background -= request.rank is TransferClass.BACKGROUND
        return True
