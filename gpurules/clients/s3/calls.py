"""Hooks in users' own S3 clients (boto3, aiobotocore): each call waits for the governor before it is sent.

The hooks use botocore's public events. A call from a part that already holds a slot, such as one of the part loop, does
not request a second one.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any
from weakref import ref

from gpurules.clients.client import GOVERNED, Capability
from gpurules.clients.detection import Detection
from gpurules.clients.pieces.part_loop import is_moving
from gpurules.governor import Governor, Part, QueueFull, Ticket
from gpurules.model import Transfer

OPERATIONS = {"GetObject": "read", "PutObject": "write", "UploadPart": "write"}
"""The calls that move data over the wire; other calls go through as they are."""
QUEUE_LOOK_SECONDS = 0.05
_OURS = "gpurules"


class Tickets:
    """Issues tickets for the transfers of a client named *name*, and counts the directives that it cannot carry out."""

    def __init__(self, name: str, governor: Governor, capabilities: frozenset[Capability] = GOVERNED) -> None:
        self.name = name
        self.governor = governor
        self.capabilities = capabilities
        self._lost: SimpleQueue[tuple[Ticket, Part]] = SimpleQueue()
        self._detection = Detection(governor.decider.engine)

    def ticket(self, transfer: Transfer) -> Ticket:
        """Return the ticket of a transfer.

        Raises:
            QueueFull: the queue is full.
        """
        self.end_lost()
        ticket = self.governor.transfer(self._detection.complete(transfer))
        self.report(ticket.requirements.targets - self.capabilities)
        return ticket

    def report(self, targets: frozenset[str]) -> None:
        """Count directives that could not be carried out."""
        for target in targets:
            self.governor.count_uncarried(self.name, target)

    def lose(self, ticket: Ticket, part: Part) -> None:
        """Record an abandoned call; the garbage collector may call this while the governor's lock is held."""
        self._lost.put((ticket, part))

    def end_lost(self) -> None:
        """Release the slots of abandoned calls, and cancel their transfers."""
        try:
            while True:
                ticket, part = self._lost.get_nowait()
                part.count(0.0)
                part.__exit__(None, None, None)
                ticket.cancel()
        except Empty:
            pass


@dataclass(slots=True, weakref_slot=True)
class _Call:
    """A pending call; one that botocore silently drops ends with its task, or with its context."""

    tickets: Tickets
    ticket: Ticket
    part: Part
    has_ended: bool = False
    forget: Callable[[], object] = lambda: None
    soon: Callable[[Callable[[], object]], object] = lambda _: None

    def watch(self, task: "asyncio.Task[Any]") -> None:
        """End with *task*, without a reference from the task to the call."""
        this = ref(self)

        def give_up(_: "asyncio.Task[Any]") -> None:
            call = this()
            if call is not None:
                call.end(0.0, asyncio.CancelledError())

        task.add_done_callback(give_up)
        self.forget = lambda: task.remove_done_callback(give_up)
        self.soon = task.get_loop().call_soon_threadsafe

    def end(self, moved: float | None, error: BaseException | None) -> None:
        if not self.has_ended:
            self.has_ended = True
            self.forget()
            if moved is not None:
                self.part.count(moved)
            self.part.__exit__(None if error is None else type(error), error, None)
            self.ticket.end(error)

    def __del__(self) -> None:
        if not self.has_ended:
            self.tickets.lose(self.ticket, self.part)
            with suppress(RuntimeError):  # the loop is closed, and no task waits in it
                self.soon(self.tickets.end_lost)


class CallHooks:
    """The handlers for the events of one kind of client, sync or async."""

    def __init__(self, tickets: Tickets, is_async: bool) -> None:
        self._tickets = tickets
        self._handlers: tuple[tuple[str, Callable[..., Any]], ...] = tuple(
            (f"{event}.s3.{operation}", handler)
            for operation in OPERATIONS
            for event, handler in (
                ("before-parameter-build", self._describe),
                ("before-call", self._wait_async if is_async else self._wait),
                ("after-call", self._end),
                ("after-call-error", self._fail),
            )
        )

    def attach(self, client: Any) -> None:
        """Make the calls of *client* wait; repeated calls have no effect."""
        events = client.meta.events
        for event, handler in self._handlers:
            # the first handler sees bodies as given, the second runs last before sending
            register = events.register_first if handler == self._describe else events.register_last
            register(event, handler, unique_id=f"{_OURS}-{id(self)}-{event}")

    def detach(self, client: Any) -> None:
        """Stop making the calls of *client* wait."""
        for event, handler in self._handlers:
            client.meta.events.unregister(event, handler, unique_id=f"{_OURS}-{id(self)}-{event}")

    def _describe(self, params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        """Record the parameters of the call, which are only known here."""
        body = params.get("Body")
        size = float(len(body)) if isinstance(body, bytes | bytearray) else None
        path = f"s3://{params.get('Bucket')}/{params.get('Key')}"
        context[f"{_OURS}-transfer"] = Transfer(path=path, operation=OPERATIONS[model.name], size=size)

    def _wait(self, context: dict[str, Any], **_: Any) -> None:
        """Wait, in the thread of the call."""
        while (asked := self._asked(context)) is not None:
            try:
                ticket = self._tickets.ticket(asked)
            except QueueFull:
                time.sleep(QUEUE_LOOK_SECONDS)
                continue
            part = ticket.part(asked.size or 0)
            try:
                part.__enter__()
            except BaseException as error:
                ticket.end(error)
                raise
            context[_OURS] = _Call(self._tickets, ticket, part)
            return

    async def _wait_async(self, context: dict[str, Any], **_: Any) -> None:
        """Wait, in the task of the call, without blocking the loop."""
        while (asked := self._asked(context)) is not None:
            try:
                ticket = self._tickets.ticket(asked)
            except QueueFull:
                await asyncio.sleep(QUEUE_LOOK_SECONDS)
                continue
            part = ticket.part(asked.size or 0)
            try:
                await part.__aenter__()
            except BaseException as error:
                ticket.end(error)
                raise
            call = context[_OURS] = _Call(self._tickets, ticket, part)
            task = asyncio.current_task()
            if task is not None:
                call.watch(task)
            return

    @staticmethod
    def _asked(context: Mapping[str, Any]) -> Transfer | None:
        """Return what a call moves; None if it already has a slot."""
        transfer = context.get(f"{_OURS}-transfer")
        return transfer if isinstance(transfer, Transfer) and not is_moving() else None

    def _end(self, context: dict[str, Any], parsed: Mapping[str, Any], **_: Any) -> None:
        call = context.pop(_OURS, None)
        if isinstance(call, _Call):
            status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 200)
            refused = RuntimeError(f"the store returned {status}") if status >= 300 else None
            call.end(parsed.get("ContentLength") if refused is None else 0.0, refused)

    def _fail(self, context: dict[str, Any], exception: BaseException, **_: Any) -> None:
        call = context.pop(_OURS, None)
        if isinstance(call, _Call):
            call.end(0.0, exception)
