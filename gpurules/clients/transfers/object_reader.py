"""An object as a readable file: blocks on demand, and read-ahead as far as rules allow."""

import io
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from gpurules.clients.objects.store import ObjectChanged, ObjectFacts, StoredObject, TransientStoreError
from gpurules.clients.pieces.part_loop import PartLoop, PartOptions
from gpurules.clients.pieces.resumable_file import Piece
from gpurules.governor import Part, Ticket

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class ObjectReader(io.RawIOBase):
    """Reads one version of an object; closing it ends its transfer.

    The number of blocks to prefetch is determined at each miss: ``parts_ahead``, as reduced by rules.
    """

    def __init__(self, ticket: Ticket, source: StoredObject, facts: ObjectFacts, options: PartOptions) -> None:
        self._ticket = ticket
        self._source = source
        self._facts = facts
        # its own threads: blocks wait in them for slots, and a held reader must not delay another
        self._pool = ThreadPoolExecutor(max(1, options.parts_ahead), thread_name_prefix="gpurules-reader")
        self._options = options
        self._loop = PartLoop(self._pool, options)
        self._position = 0
        self._has_changed = False
        self._blocks: OrderedDict[int, Future[bytes]] = OrderedDict()

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: it is seekable."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position, and return it; nothing is fetched."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._facts.size}[whence]
        if base + offset < 0:
            raise ValueError(f"position before the start of the file: {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read at the current position, up to the end of a block.

        Raises:
            StoreError: it cannot be read, or the object has changed.
            GovernorError: the transfer was stopped.
        """
        if self._position >= self._facts.size:
            return 0
        view = memoryview(buffer).cast("B")
        number, offset = divmod(self._position, self._options.piece_size)
        data = self._block(number)[offset : offset + len(view)]
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _block(self, number: int) -> bytes:
        """Return a block; a miss also fetches the blocks after it, as far as rules allow."""
        if number not in self._blocks or not self._blocks[number].done():
            ahead = max(0, round(self._options.parts_ahead * self._ticket.look().prefetch_factor))
            last = -(-self._facts.size // self._options.piece_size) - 1
            for wanted in range(number, min(number + ahead, last) + 1):
                if wanted not in self._blocks:
                    self._blocks[wanted] = self._pool.submit(self._fetch, wanted)
            while len(self._blocks) > ahead + 2:
                oldest = next(iter(self._blocks))
                if oldest == number:
                    break
                self._blocks.pop(oldest).cancel()
        try:
            return self._blocks[number].result()
        except BaseException as error:
            self._blocks.pop(number, None)  # the next attempt requests it again
            if isinstance(error, ObjectChanged) and not self._has_changed:
                self._has_changed = True
                self._ticket.count_fault("object_changed")
            raise

    def _fetch(self, number: int) -> bytes:
        size = self._options.piece_size
        fetched: list[bytes] = []

        def move(part: Part, piece: Piece) -> None:
            fetched.clear()
            with closing(self._source.read(piece.start, piece.size, self._facts.etag).chunks) as chunks:
                for chunk in chunks:
                    fetched.append(chunk)
                    part.report_moved(sum(map(len, fetched)))
            if sum(map(len, fetched)) != piece.size:
                raise TransientStoreError(f"{self._source.url}: the connection ended in the middle of a block")

        piece = Piece(number * size, min(size, self._facts.size - number * size))
        self._loop.move(self._ticket, piece, move)
        return b"".join(fetched)

    def close(self) -> None:
        """End the transfer."""
        if not self.closed:
            for block in self._blocks.values():
                block.cancel()
            self._blocks.clear()
            self._ticket.end()
            self._pool.shutdown(wait=False)
        super().close()
