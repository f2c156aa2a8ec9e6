"""Read-ahead that follows the rules while a file is open, as a cache of fsspec."""

import os
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread

from fsspec.caching import BaseCache, register_cache  # type: ignore[import-untyped]

KEPT = 2
"""How many of the latest blocks are kept besides those ahead, for readers that seek back and forth."""


def none_ahead() -> int:
    """Return 0: fetch nothing ahead."""
    return 0


class PrefetchCache(BaseCache):  # type: ignore[misc]
    """The latest blocks of a file, and for a sequential reader the next ones: *ahead* is called at each new block.

    After a seek, nothing is fetched ahead until the reader continues from there. A block that could not be fetched is
    requested again at the next read.

    Units: *blocksize* and *size* in bytes.
    """

    name = "gpurules"
    hit_count: int
    miss_count: int

    def __init__(
        self,
        blocksize: int,
        fetcher: Callable[[int, int], bytes],
        size: int,
        ahead: Callable[[], int] = none_ahead,
    ) -> None:
        super().__init__(blocksize, fetcher, size)
        self._ahead = ahead
        self._blocks: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._latest = -1
        self._furthest = 0
        self._process = os.getpid()

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        """Return the bytes from *start* to before *stop*; fsspec calls this."""
        start, stop = start or 0, self.size if stop is None else min(stop, self.size)
        if start >= stop:
            return b""
        if self._process != os.getpid():  # pending fetches belong to the parent
            self._blocks, self._latest, self._process = OrderedDict(), -1, os.getpid()
        size, found = self.blocksize, []
        for number in range(start // size, (stop - 1) // size + 1):
            block, offset = self._block(number), number * size
            found.append(block[max(0, start - offset) : stop - offset])
        return found[0] if len(found) == 1 else b"".join(found)

    def _block(self, number: int) -> bytes:
        if number != self._latest:
            self._arrive(number)
        block = self._blocks[number]
        try:
            return block.result()
        except BaseException:
            self._blocks.pop(number, None)
            self._latest = -1
            raise

    def _arrive(self, number: int) -> None:
        """Start to fetch block *number* and those ahead of it, and drop the oldest ones."""
        ahead = self._ahead() if number == self._latest + 1 else 0
        if number in self._blocks:
            self.hit_count += 1
        else:
            self.miss_count += 1
        self._furthest = max(self._furthest, ahead)
        for wanted in range(number, min(number + ahead, (self.size - 1) // self.blocksize) + 1):
            if wanted not in self._blocks:
                self._blocks[wanted] = self._begin(wanted, is_ahead=ahead > 0)
        self._blocks.move_to_end(number)
        self._drop(number)
        self._latest, self.nblocks = number, len(self._blocks)

    def _drop(self, number: int) -> None:
        """Drop the oldest blocks that are not ahead of *number*: prefetched blocks are kept until they are read."""
        others = [block for block in self._blocks if not number <= block <= number + self._furthest]
        for block in others[: max(0, len(others) - KEPT)]:
            del self._blocks[block]

    def _begin(self, number: int, is_ahead: bool) -> "Future[bytes]":
        """Fetch a block: in a thread if others follow, in this thread if it is the only one."""
        block: Future[bytes] = Future()
        start = number * self.blocksize
        stop = min(start + self.blocksize, self.size)
        self.total_requested_bytes += stop - start
        if is_ahead:
            # a daemon thread: the rules may hold it for long
            Thread(target=self._fill, args=(block, start, stop), daemon=True, name="gpurules-prefetch").start()
        else:
            self._fill(block, start, stop)
        return block

    def _fill(self, block: "Future[bytes]", start: int, stop: int) -> None:
        try:
            block.set_result(self.fetcher(start, stop))
        except BaseException as error:
            block.set_exception(error)

    def __getstate__(self) -> dict[str, object]:
        """Return the state without the blocks."""
        return {**self.__dict__, "_blocks": OrderedDict(), "_latest": -1}


register_cache(PrefetchCache, clobber=True)
