"""Governs the transfers of a user's own s3transfer TransferManager: their order and their pace.

``executor_cls`` determines the order: a request waits for its slot as a task, not in a thread, so that a held transfer
blocks no other. The subscriber gets a ticket for each transfer, reports its progress, and ends it. Only public names of
s3transfer are used.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from gpurules.clients.pieces.part_loop import moving
from gpurules.clients.s3.calls import Tickets
from gpurules.governor import GovernorError, Lane, Part, Ticket
from gpurules.model import Transfer

MOVING = frozenset({
    "GetObjectTask", "ImmediatelyWriteIOGetObjectTask", "PutObjectTask", "UploadPartTask",
    "CopyObjectTask", "CopyPartTask",
})  # fmt: skip
"""The tasks of s3transfer that move data, and so need a slot."""
WAITING = frozenset({
    "CreateMultipartUploadTask", "CompleteMultipartUploadTask", "CopyCompleteMultipartUploadTask",
})  # fmt: skip
"""Those that wait for others of their transfer in their thread: they never take one that a part needs."""
MAX_WAITING = 1024


@dataclass(slots=True)
class _Underway:
    """A transfer of the manager."""

    ticket: Ticket
    future: Any

    def learn_size(self) -> None:
        """Report the size to the rules, once s3transfer has determined it."""
        size = self.future.meta.size
        if self.ticket.transfer.size is None and size is not None:
            self.ticket.know(size=size)


class Transfers:
    """The transfers of one TransferManager: ``TransferManager(client, executor_cls=transfers.executor)``.

    Without the executor a subscriber still holds and paces transfers, but blocks the threads of the manager.
    """

    def __init__(self, tickets: Tickets, part_size: int | None = None) -> None:
        self._tickets = tickets
        self._part_size = part_size
        self._underway: dict[int, _Underway] = {}
        self._here = threading.local()

    def executor(self, max_workers: int) -> "GovernedExecutor":
        """Return the executor of the manager's tasks; a callable in place of a class, as s3transfer expects."""
        return GovernedExecutor(self, max_workers)

    def subscriber(self, transfer: Transfer | None = None, operation: str | None = None) -> "GovernedSubscriber":
        """Return a subscriber for one transfer; *transfer* gives rules more facts than its key does."""
        return GovernedSubscriber(self, transfer or Transfer(), operation)

    # called by the subscriber

    def begin(self, future: Any, transfer: Transfer) -> None:
        """Register a transfer; never waits, since that would block s3transfer's queue.

        Raises:
            QueueFull: the queue is full.
        """
        if type(future).__module__.startswith("s3transfer.crt"):  # no hook sees its parts
            with self._tickets.governor.transfer(transfer) as ticket:
                self._tickets.report(ticket.requirements.targets)
            return
        ticket = self._tickets.ticket(transfer)
        self._underway[future.meta.transfer_id] = _Underway(ticket, future)

    def progress(self, future: Any, count: int) -> None:
        """Account for moved bytes; waits for a slot unless the task in this thread holds one.

        Raises:
            GovernorError: the transfer was stopped.
        """
        underway = self._underway.get(future.meta.transfer_id)
        if underway is None:
            return
        part: Part | None = getattr(self._here, "part", None)
        if part is not None:
            self._here.moved = max(0, self._here.moved + count)
            part.report_moved(self._here.moved)
        elif count > 0:
            underway.learn_size()
            with underway.ticket.part(count):
                pass

    def end(self, future: Any) -> None:
        """End a transfer."""
        underway = self._underway.pop(future.meta.transfer_id, None)
        if underway is None:
            return
        from s3transfer.exceptions import CancelledError  # type: ignore[import-untyped]

        try:
            future.result()
        except CancelledError:
            underway.ticket.cancel()
        except BaseException as error:
            underway.ticket.end(error)
        else:
            underway.ticket.end()

    # called by the executor

    def of(self, task: Any) -> _Underway | None:
        """Return the transfer whose data a task moves; None for any other task."""
        return self._underway.get(task.transfer_id) if type(task).__name__ in MOVING else None

    def size_of_part(self, underway: _Underway) -> float:
        """Return the number of bytes that a task of a transfer moves; 0 if unknown."""
        size = underway.ticket.transfer.size
        return 0.0 if self._part_size is None or size is None else float(min(size, self._part_size))

    def run(self, part: Part, task: Callable[..., object], arguments: tuple[Any, ...]) -> object:
        """Run a task that has a slot."""
        self._here.part, self._here.moved = part, 0
        try:
            with moving():
                return task(*arguments)
        finally:
            self._here.part = None


class GovernedExecutor:
    """Runs tasks of s3transfer in up to *max_workers* threads; data tasks once the governor admits them."""

    def __init__(self, transfers: Transfers, max_workers: int) -> None:
        self._transfers = transfers
        self._pool = ThreadPoolExecutor(max_workers, thread_name_prefix="gpurules-s3transfer")
        self._lane = Lane(max_workers)
        self._waiting = ThreadPoolExecutor(MAX_WAITING, thread_name_prefix="gpurules-s3transfer-waiting")
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._keeper: threading.Thread | None = None
        self._under_way: set[Future[object]] = set()

    def submit(self, task: Callable[..., object], *arguments: Any) -> "Future[object]":
        """Run *task* in its turn."""
        underway = self._transfers.of(task)
        if underway is not None:
            return self._soon(self._governed(underway, task, arguments))
        pool = self._waiting if type(task).__name__ in WAITING else self._pool
        return pool.submit(task, *arguments)

    def _soon(self, coroutine: Coroutine[Any, Any, object]) -> "Future[object]":
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._keeper = threading.Thread(target=self._loop.run_forever, name="gpurules-s3transfer", daemon=True)
                self._keeper.start()
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    async def _governed(self, underway: _Underway, task: Callable[..., object], arguments: tuple[Any, ...]) -> object:
        loop, transfers = asyncio.get_running_loop(), self._transfers
        try:
            underway.learn_size()
            async with underway.ticket.part(transfers.size_of_part(underway), self._lane) as part:
                return await loop.run_in_executor(self._pool, transfers.run, part, task, arguments)
        except GovernorError:
            underway.future.cancel()
            return await loop.run_in_executor(self._pool, task, *arguments)  # it detects its cancellation

    def shutdown(self, wait: bool = True) -> None:
        """End the threads, when all tasks are done."""
        for future in list(self._under_way) if wait else ():
            future.exception()
        for pool in (self._pool, self._waiting):
            pool.shutdown(wait)
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None and self._keeper is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._keeper.join()
            loop.close()


class GovernedSubscriber:
    """Receives s3transfer's events of one transfer."""

    def __init__(self, transfers: Transfers, transfer: Transfer, operation: str | None) -> None:
        self._transfers = transfers
        self._known = transfer
        self._operation = operation

    def on_queued(self, future: Any, **_: Any) -> None:
        """Get the ticket of the transfer."""
        self._transfers.begin(future, describe_call(self._known, future.meta.call_args, self._operation))

    def on_progress(self, future: Any, bytes_transferred: int, **_: Any) -> None:
        """Report progress."""
        self._transfers.progress(future, bytes_transferred)

    def on_done(self, future: Any, **_: Any) -> None:
        """End the transfer."""
        self._transfers.end(future)


def describe_call(known: Transfer, arguments: Any, operation: str | None) -> Transfer:
    """Return the facts for rules about a transfer with these call arguments."""
    from dataclasses import replace

    size, source = known.size, getattr(arguments, "fileobj", None)
    if size is None and operation == "write" and isinstance(source, str | PathLike):
        path = Path(fspath(source))
        size = float(path.stat().st_size) if path.is_file() else None
    url = f"s3://{arguments.bucket}/{arguments.key}"
    return replace(known, path=known.path or url, operation=known.operation or operation, size=size)
