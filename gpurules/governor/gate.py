"""Shares the scheduler between threads and tasks (leader/follower): one lock; waiters sleep until something is due."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from math import inf
from types import TracebackType

from gpurules.errors import GpurulesError
from gpurules.governor.scheduling.entry import SlotRequest, StateChange, TransferEntry
from gpurules.governor.scheduling.lane import Lane
from gpurules.governor.scheduling.scheduler import Scheduler
from gpurules.logs import logger
from gpurules.plugins import contain

_LOGGER = logger("gpurules.governor")
POLL_SECONDS = 1.0
"""Polling interval of a follower; the leader among the waiting requests sleeps until the next deadline."""


class _Changing:
    """The context manager of ``Gate.change``; a generator would be three times slower, and opening a file uses six."""

    __slots__ = ("_gate", "_now")

    def __init__(self, gate: "Gate") -> None:
        self._gate = gate

    def __enter__(self) -> float:
        self._now = self._gate.begin()
        return self._now

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.settle(self._now)


class Gate:
    """Admits parts as the scheduler decides. It has no thread: one of the waiters, the leader, keeps the time.

    *refresh* re-decides every transfer; it is called each ``Limits.refresh_seconds`` while a part waits.
    """

    def __init__(self, scheduler: Scheduler, clock: Callable[[], float], refresh: Callable[[], None]) -> None:
        self.scheduler = scheduler
        self.clock = clock
        self.callbacks: list[Callable[[StateChange], None]] = []
        self.refreshed_at = -inf
        self._refresh = refresh
        # _lock guards the scheduler and the fields below. _notify_lock keeps reports in order; it is never waited for,
        # and never taken under _lock, so that a callback may call the gate.
        self._lock = threading.Lock()
        self._notify_lock = threading.Lock()
        # Invariant: if any request waits, one of them is the leader, and it wakes when the next timer is due. A leader
        # that leaves wakes its successor, which then sets its own deadline.
        self._waiting: dict[SlotRequest, None] = {}
        self._leader: SlotRequest | None = None
        self._leader_until = inf

    def change(self) -> AbstractContextManager[float]:
        """Hold the lock during a change at the given time; then admit what may move."""
        return _Changing(self)

    def begin(self) -> float:
        """Take the lock, and return the time; ``change`` calls this."""
        self._lock.acquire()
        return self.clock()

    def settle(self, now: float) -> None:
        """Admit what may move, and release the lock; ``change`` calls this."""
        try:
            answered = self._advance(now)
        finally:
            self._lock.release()
        self._notify(answered)

    # every part calls these two, so they avoid a context manager

    def ask(self, entry: TransferEntry, size: float, lane: Lane | None = None) -> SlotRequest:
        """Request a slot for a part of *size* bytes, with a place in *lane*, and admit what may move."""
        with self._lock:
            now = self.clock()
            request = self.scheduler.enter(entry, size, now, lane)
            answered = [] if request.granted_at is not None else self._advance(now)
        if answered or self.callbacks:
            self._notify(answered)
        return request

    def finish(self, request: SlotRequest, moved: float) -> None:
        """Free the slot of a part that has moved the given bytes, and admit what may move."""
        with self._lock:
            now = self.clock()
            self.scheduler.finish(request, moved, now)
            answered = self._advance(now)
        if answered or self.callbacks:
            self._notify(answered)

    def count_part(self, entry: TransferEntry, moved: float) -> None:
        """Count a part of a transfer that bypassed the scheduler."""
        with self._lock:
            entry.bytes_moved += moved
            counts = self.scheduler.counts
            counts.parts, counts.bytes_moved = counts.parts + 1, counts.bytes_moved + moved

    def count_passed(self, transfers: int, moved: float, failed: int, is_stale: bool) -> None:
        """Count one-part transfers that bypassed the scheduler."""
        with self._lock:
            self.scheduler.counts.count_passed(transfers, moved, failed, is_stale)

    def _advance(self, now: float) -> list[SlotRequest]:
        """Admit what may move, and return the waiters to wake."""
        answered = self.scheduler.advance(now)
        if self._leader is not None and self.scheduler.due() < self._leader_until:
            return [*answered, self._leader]
        return answered

    def _notify(self, answered: Iterable[SlotRequest]) -> None:
        """Wake waiters and report changes, outside of the lock."""
        self._wake(answered)
        if self.callbacks:
            self._report()

    @staticmethod
    def _wake(requests: Iterable[SlotRequest]) -> None:
        for request in requests:
            try:
                request.wake()
            except RuntimeError:
                continue  # the waiter's event loop is closed

    def _report(self) -> None:
        """Report the changes in order, outside of the lock; if another thread is already reporting, it reports all."""
        changes = self.scheduler.changes
        while self.callbacks and changes and self._notify_lock.acquire(blocking=False):
            try:
                self._report_changes()
            finally:
                self._notify_lock.release()

    def _report_changes(self) -> None:
        while True:
            try:
                change = self.scheduler.changes.popleft()
            except IndexError:
                return
            for callback in list(self.callbacks):
                try:
                    contain(callback, "a callback")(change)
                except GpurulesError:  # a callback is foreign code
                    _LOGGER.exception("a callback failed")

    def wait(self, request: SlotRequest) -> None:
        """Block this thread until *request* is admitted; most are admitted immediately.

        Raises:
            GovernorError: it was rejected.
        """
        if request.granted_at is not None:
            return
        event = threading.Event()
        request.wake = event.set  # an earlier answer is seen below, under the lock
        with self._withdrawn_on_error(request):
            while (seconds := self._seconds_to_sleep(request, event.clear)) is not None:
                event.wait(seconds)

    async def wait_async(self, request: SlotRequest) -> None:
        """Wait asynchronously until *request* is admitted; most are admitted immediately.

        Raises:
            GovernorError: it was rejected.
        """
        if request.granted_at is not None:
            return
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        request.wake = lambda: loop.call_soon_threadsafe(event.set)
        with self._withdrawn_on_error(request):
            while (seconds := self._seconds_to_sleep(request, event.clear)) is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), seconds)

    @contextmanager
    def _withdrawn_on_error(self, request: SlotRequest) -> Iterator[None]:
        """Withdraw *request* if its caller stops waiting: rejected, interrupted or canceled."""
        try:
            yield
        except BaseException:
            with self.change() as now:
                self.scheduler.withdraw(request, now)
                successor = self._leave(request)
            self._wake(() if successor is None else (successor,))
            raise

    def _seconds_to_sleep(self, request: SlotRequest, clear: Callable[[], object]) -> float | None:
        """Return how long *request* may sleep; None once it is admitted; *clear* resets its wake-up event."""
        clear()  # before the lock: a later answer wakes it again, an earlier one is seen below
        if request is self._leader and self.clock() - self.refreshed_at >= self.scheduler.limits.refresh_seconds:
            self._refresh()
        successor: SlotRequest | None = None
        with self._lock:
            now = self.clock()
            answered = self.scheduler.advance(now)
            if request.is_answered:
                successor = self._leave(request)
            seconds = None if request.is_answered else self._stay(request, now)
        self._wake(answered if successor is None else [*answered, successor])
        self._report()
        if request.error is not None:
            raise type(request.error)(*request.error.args)
        return seconds

    def _stay(self, request: SlotRequest, now: float) -> float:
        """Record that *request* waits; the first one becomes the leader."""
        self._waiting[request] = None
        if self._leader is None:
            self._leader = request
        if request is not self._leader:
            return POLL_SECONDS
        refresh = self.refreshed_at + self.scheduler.limits.refresh_seconds
        self._leader_until = min(self.scheduler.due(), max(refresh, now))
        return max(0.0, self._leader_until - now)

    def _leave(self, request: SlotRequest) -> SlotRequest | None:
        """Record that *request* no longer waits, and return the new leader."""
        self._waiting.pop(request, None)
        if request is not self._leader:
            return None
        self._leader, self._leader_until = next(iter(self._waiting), None), inf
        return self._leader

    def after_fork(self, scheduler: Scheduler) -> None:
        """Start from scratch with *scheduler* in a forked child, whose parent may have held the lock."""
        self.scheduler = scheduler
        self._lock, self._notify_lock = threading.Lock(), threading.Lock()
        self._waiting.clear()
        self._leader, self._leader_until = None, inf
