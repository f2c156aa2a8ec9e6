"""The part loop: moves the pieces of an object, each in a slot of the governor, and retries transient failures."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args

from gpurules.backoff import exponential_wait
from gpurules.clients.objects.store import TooSlow, TransientStoreError
from gpurules.clients.pieces.progress import SILENT, Progress
from gpurules.clients.pieces.resumable_file import Piece
from gpurules.governor import Lane, Part, Ticket

MIB = 1024**2
THREADS = 16
MOST_WAIT_SECONDS = 2.0
"""Between two tries of a piece."""
Verify = Literal["auto", "require", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOptions:
    """Options for splitting and moving objects.

    ``parts_ahead``: the number of parts of one transfer in flight, which rules may reduce; ``threads``: the number of
    parts in flight of all transfers of a client. ``verify``: whether a download is compared with a checksum of the
    store: ``auto``, if the store has one that can be computed here (others are counted); ``require``, with an error if
    it has none; ``off``, never. ``durable``: a download is synced to disk before it is published. A connection of
    ``S3`` slower than ``min_bytes_per_second`` for ``slow_seconds`` is cut, and its piece is retried; 0 disables this.

    Units: ``piece_size`` in bytes, ``backoff_seconds`` (before the first retry, doubled each time) and ``slow_seconds``
    in seconds, ``min_bytes_per_second`` in bytes per second of waiting.
    Missing: ``threads`` None: the number of the governor's slots, 16 if it has no limit.

    Raises:
        ValueError: an option is below 1, ``min_bytes_per_second`` below 0, ``slow_seconds`` not above it, or ``verify``
            is not one of the three.
    """

    piece_size: int = 8 * MIB
    parts_ahead: int = 8
    attempts: int = 5
    backoff_seconds: float = 0.1
    threads: int | None = None
    min_bytes_per_second: float = 1024.0
    slow_seconds: float = 60.0
    verify: Verify = "auto"
    durable: bool = False

    def __post_init__(self) -> None:
        """Reject options that would block all transfers."""
        for name in ("piece_size", "parts_ahead", "attempts", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name!r} must be at least 1, not {value!r}")
        if not 0 <= self.min_bytes_per_second < math.inf:
            raise ValueError(f"'min_bytes_per_second' must be at least 0, not {self.min_bytes_per_second!r}")
        if not 0 < self.slow_seconds < math.inf:
            raise ValueError(f"'slow_seconds' must be above 0, not {self.slow_seconds!r}")
        if self.verify not in get_args(Verify):
            raise ValueError(f"'verify' must be one of {', '.join(get_args(Verify))}, not {self.verify!r}")

    def pool_size(self, slots: int | None) -> int:
        """Return the number of threads of a client for a governor with *slots*."""
        return self.threads or slots or THREADS


def width(ticket: Ticket, options: PartOptions) -> int:
    """Return how many parts of a transfer may be in flight now: its prefetch depth, as reduced by rules."""
    return max(1, round(options.parts_ahead * ticket.requirements.prefetch_factor))


Move = Callable[[Part, Piece], None]

_IS_MOVING: ContextVar[bool] = ContextVar("is_moving", default=False)


@contextmanager
def moving() -> Iterator[None]:
    """Mark the current context as holding a slot, so that hooks in the underlying client do not acquire another."""
    token = _IS_MOVING.set(True)
    try:
        yield
    finally:
        _IS_MOVING.reset(token)


def is_moving() -> bool:
    """Return whether the caller holds a slot."""
    return _IS_MOVING.get()


def count_retry(ticket: Ticket, error: BaseException | None) -> None:
    """Count a retried part, and the reason if its connection was too slow."""
    ticket.count_fault("part_retried")
    if isinstance(error, TooSlow):
        ticket.count_fault("part_too_slow")


class PartLoop:
    """Moves pieces in *pool*. Only the caller's thread waits for slots: each busy thread of the pool holds a slot.

    So a held transfer occupies no thread that others need, and no part with a slot waits for a thread that waits for a
    slot. Moved pieces are reported to *progress*. *lane* has a place for each thread of the pool.
    """

    def __init__(
        self, pool: Executor, options: PartOptions, progress: Progress = SILENT, lane: Lane | None = None
    ) -> None:
        self._pool = pool
        self._lane = lane
        self._options = options
        self.progress = progress

    def telling(self, progress: Progress) -> "PartLoop":
        """Return this loop for one transfer, which reports to *progress*."""
        return PartLoop(self._pool, self._options, progress, self._lane)

    def run(self, ticket: Ticket, wanted: Iterable[Piece], move: Move) -> None:
        """Move all *wanted* pieces; after a failure start no others, and wait for those in flight.

        The next piece is requested when there is a place for it.

                Raises:
                    StoreError: a piece could not be moved.
                    GovernorError: the transfer was stopped.
        """
        fresh, again = iter(wanted), deque[tuple[Piece, int]]()
        has_more = True
        under_way: dict[Future[None], tuple[Piece, int]] = {}
        try:
            while has_more or again or under_way:
                if (again or has_more) and len(under_way) < width(ticket, self._options):
                    following = again.popleft() if again else next(((piece, 0) for piece in fresh), None)
                    if following is None:
                        has_more = False
                        continue
                    piece, attempt = following
                    part = ticket.part(piece.size, self._lane).__enter__()
                    under_way[self._submit(part, piece, move)] = piece, attempt
                    continue
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    piece, attempt = under_way.pop(future)
                    if self._is_to_be_tried_again(future, attempt):
                        count_retry(ticket, future.exception())
                        self.pause(attempt)
                        again.appendleft((piece, attempt + 1))
        finally:
            wait(under_way)

    def _submit(self, part: Part, piece: Piece, move: Move) -> Future[None]:
        try:
            return self._pool.submit(_moved, part, piece, move)
        except BaseException as error:
            part.__exit__(type(error), error, None)
            raise

    def _is_to_be_tried_again(self, future: Future[None], attempt: int) -> bool:
        error = future.exception()
        if error is None:
            return False
        if not isinstance(error, TransientStoreError) or attempt + 1 >= self._options.attempts:
            raise error
        return True

    def move(self, ticket: Ticket, piece: Piece, move: Move) -> None:
        """Move one piece in this thread.

        Raises:
            StoreError: it could not be moved.
            GovernorError: the transfer was stopped.
        """
        for attempt in range(self._options.attempts):
            try:
                with ticket.part(piece.size) as part, moving():
                    move(part, piece)
                return
            except TransientStoreError as error:
                if attempt + 1 >= self._options.attempts:
                    raise
                count_retry(ticket, error)
            self.pause(attempt)

    def pause(self, attempt: int) -> None:
        """Wait before the next attempt, with increasing backoff."""
        time.sleep(exponential_wait(attempt + 1, self._options.backoff_seconds, MOST_WAIT_SECONDS))


def _moved(part: Part, piece: Piece, move: Move) -> None:
    """Move one piece, whose *part* holds a slot, and release the slot."""
    try:
        with moving():
            move(part, piece)
    except BaseException as error:
        part.__exit__(type(error), error, error.__traceback__)
        raise
    part.__exit__(None, None, None)
