"""The part loop: pieces of an object, each with a slot of the governor, tried again where that may help."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass

from gpurules.clients.partial import Piece
from gpurules.clients.store import TransientStoreError
from gpurules.governor import Part, Ticket

MIB = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOptions:
    """How objects are cut and moved.

    ``parts_ahead``: how many parts of one transfer move at once, before rules shrink that.

    Units: ``piece_size`` in bytes, ``backoff_seconds`` (before the first retry, doubled each time) in seconds.
    """

    piece_size: int = 8 * MIB
    parts_ahead: int = 8
    attempts: int = 5
    backoff_seconds: float = 0.1


def width(ticket: Ticket, options: PartOptions) -> int:
    """Return how many parts of a transfer may be under way now: its prefetch, as rules shrink it."""
    return max(1, round(options.parts_ahead * ticket.asked.prefetch_factor))


Move = Callable[[Part, Piece], None]


class PartLoop:
    """Moves pieces by *pool*. The caller's thread waits for slots, so one that is held takes no thread of the pool."""

    def __init__(self, pool: Executor, options: PartOptions) -> None:
        self._pool = pool
        self._options = options

    def run(self, ticket: Ticket, wanted: Iterable[Piece], move: Move) -> None:
        """Move all *wanted* pieces; after a failure no further one is begun, and those under way are waited for.

        Raises:
            StoreError: a piece could not be moved.
            GovernorError: the transfer was stopped.
        """
        under_way: set[Future[None]] = set()
        try:
            for piece in wanted:
                while len(under_way) >= width(ticket, self._options):
                    done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                part = ticket.part(piece.size)
                part.__enter__()
                under_way.add(self._submit(part, piece, move))
            for future in under_way:
                future.result()
        finally:
            wait(under_way)

    def _submit(self, part: Part, piece: Piece, move: Move) -> Future[None]:
        try:
            return self._pool.submit(self._try, part, piece, move, 0)
        except BaseException as error:
            part.__exit__(type(error), error, None)
            raise

    def move(self, ticket: Ticket, piece: Piece, move: Move) -> None:
        """Move one piece in this thread.

        Raises:
            StoreError: it could not be moved.
            GovernorError: the transfer was stopped.
        """
        self._try(ticket.part(piece.size).__enter__(), piece, move, 0)

    def _try(self, part: Part, piece: Piece, move: Move, attempt: int) -> None:
        """Move one piece, whose *part* has a slot; a further try asks for a slot anew."""
        try:
            with _giving_back(part):
                move(part, piece)
            return
        except TransientStoreError:
            if attempt + 1 >= self._options.attempts:
                raise
        self.pause(attempt)
        self._try(part.ticket.part(piece.size).__enter__(), piece, move, attempt + 1)

    def pause(self, attempt: int) -> None:
        """Wait before the next try, longer each time."""
        time.sleep(min(2.0, self._options.backoff_seconds * 2**attempt))


@contextmanager
def _giving_back(part: Part) -> Iterator[None]:
    """Give the slot of *part*, which has one, back at the end."""
    try:
        yield
    except BaseException as error:
        part.__exit__(type(error), error, error.__traceback__)
        raise
    part.__exit__(None, None, None)
