"""Calls of S3 clients that users own, boto3's and aiobotocore's: each waits for the governor before it is made.

The hooks stand on botocore's events, which are public. A call that comes from a part that has a slot already, as those
of the part loop do, asks for no second one.
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
    """Gives the transfers of a client named *name* their tickets, and counts what the client cannot do of it."""

    def __init__(self, name: str, governor: Governor, capabilities: frozenset[Capability] = GOVERNED) -> None:
        self.name = name
        self.governor = governor
        self.capabilities = capabilities
        self._lost: SimpleQueue[tuple[Ticket, Part]] = SimpleQueue()
        self._detection = Detection(governor.decider.engine)

    def ticket(self, transfer: Transfer) -> Ticket:
        """Return the ticket of a transfer.

        Raises:
            QueueFull: as many transfers wait as may.
        """
        self.end_lost()
        ticket = self.governor.transfer(self._detection.complete(transfer))
        self.report(ticket.requirements.targets - self.capabilities)
        return ticket

    def report(self, targets: frozenset[str]) -> None:
        """Count orders that could not be carried out."""
        for target in targets:
            self.governor.count_uncarried(self.name, target)

    def lose(self, ticket: Ticket, part: Part) -> None:
        """Take back what a call has that was given up; found out where the governor's lock may be held."""
        self._lost.put((ticket, part))

    def end_lost(self) -> None:
        """Give the slots of calls back that were given up, and cancel their transfers."""
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
    """A call under way; one that botocore drops without a word ends with its task, or else with its context."""

    tickets: Tickets
    ticket: Ticket
    part: Part
    has_ended: bool = False
    forget: Callable[[], object] = lambda: None
    soon: Callable[[Callable[[], object]], object] = lambda _: None

    def watch(self, task: "asyncio.Task[Any]") -> None:
        """End with *task*, which is not to keep the call."""
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
    """What is registered for the events of one kind of client, sync or not."""

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
        """Have the calls of *client* wait; once, however often it is asked for."""
        events = client.meta.events
        for event, handler in self._handlers:
            # the handler sees bodies as they were given, and runs last before the wire
            register = events.register_first if handler == self._describe else events.register_last
            register(event, handler, unique_id=f"{_OURS}-{id(self)}-{event}")

    def detach(self, client: Any) -> None:
        """Have the calls of *client* wait no longer."""
        for event, handler in self._handlers:
            client.meta.events.unregister(event, handler, unique_id=f"{_OURS}-{id(self)}-{event}")

    def _describe(self, params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        """Keep what the call is about, which is only known here."""
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
        """Wait, in the task of the call; the loop goes on."""
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
        """Return what a call moves; None where that has a slot already."""
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
