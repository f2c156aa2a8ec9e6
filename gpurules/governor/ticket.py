"""The caller's handle on a transfer and its parts."""

import asyncio
import concurrent.futures
from dataclasses import replace
from types import TracebackType
from typing import Self

from gpurules.governor.bypass import Bypass
from gpurules.governor.decider import Decider
from gpurules.governor.errors import GovernorError
from gpurules.governor.gate import Gate
from gpurules.governor.requirements import Requirements
from gpurules.governor.scheduling.entry import SlotRequest, TransferEntry, TransferState
from gpurules.governor.scheduling.lane import Lane
from gpurules.model import Transfer

CANCELLATIONS = (asyncio.CancelledError, concurrent.futures.CancelledError)
"""Raised in a transfer that its owner has canceled."""


class Part:
    """One part of a transfer: waits for a slot on entering ``with`` or ``async with``, and holds it inside.

    Units: *size* in bytes.
    Missing: *size* 0: unknown in advance; then ``moved`` reports it; *lane* None: it is in no lane.
    """

    def __init__(self, ticket: "Ticket", size: float = 0.0, lane: Lane | None = None) -> None:
        self.ticket = ticket
        self._lane = lane
        self._size = size
        self._moved: float | None = None
        self._request: SlotRequest | None = None
        self._has_passed = False

    def report_moved(self, size: float) -> None:
        """Report how many bytes the part has moved so far; without it the part counts as its declared size.

        Raises:
            GovernorError: the transfer was stopped meanwhile, so continuing is pointless.
        """
        self.count(size)
        self.ticket.renew()
        self.ticket.check()

    def count(self, size: float) -> None:
        """Report how many bytes the part has moved in total."""
        self._moved = size

    def __enter__(self) -> Self:
        """Wait for a slot.

        Raises:
            GovernorError: the part was rejected.
        """
        if not self._passes():
            self.ticket.gate.wait(self._ask())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the slot."""
        size = self._moved if self._moved is not None else self._size if error is None else 0.0
        if self._has_passed:
            self.ticket.gate.count_part(self.ticket.entry, size)
        elif self._request is not None:
            self.ticket.gate.finish(self._request, size)

    async def __aenter__(self) -> Self:
        """Wait for a slot, asynchronously."""
        if not self._passes():
            await self.ticket.gate.wait_async(self._ask())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the slot."""
        self.__exit__(kind, error, trace)

    def _passes(self) -> bool:
        """Bypass the scheduler, if it would impose nothing on the part."""
        self._has_passed = self._lane is None and self.ticket.bypass.is_open_to_part(self.ticket.entry)
        return self._has_passed

    def _ask(self) -> SlotRequest:
        self.ticket.look()
        request = self._request = self.ticket.gate.ask(self.ticket.entry, self._size, self._lane)
        return request


class Ticket:
    """A registered transfer. Leaving ``with`` ends it: done, or failed on an exception."""

    def __init__(self, gate: Gate, decider: Decider, entry: TransferEntry) -> None:
        self.gate = gate
        self.entry = entry
        self.bypass = Bypass(gate, decider)
        self._decider = decider

    @property
    def id(self) -> str:
        """Its id in the governor."""
        return self.entry.id

    @property
    def transfer(self) -> Transfer:
        """The facts of the transfer."""
        return self.entry.transfer

    @property
    def state(self) -> TransferState:
        """Its state."""
        return self.entry.state

    @property
    def requirements(self) -> Requirements:
        """Its current requirements."""
        return self.entry.requirements

    def part(self, size: float = 0.0, lane: Lane | None = None) -> Part:
        """Return a part of the given bytes, to be moved in ``with`` or ``async with``; *lane* limits it further."""
        return Part(self, size, lane)

    def look(self, is_forced: bool = False) -> Requirements:
        """Decide again if the last decision is too old, and return the requirements."""
        entry, refresh = self.entry, self.gate.scheduler.limits.refresh_seconds
        if is_forced or self.gate.clock() - entry.decided_at >= refresh:
            asked = self._decider.requirements(entry.transfer)
            with self.gate.change() as now:
                self.gate.scheduler.take(entry, asked, now)
        return entry.requirements

    def know(self, **facts: object) -> Requirements:
        """Record new facts of the transfer (``size=...``), and return its new requirements."""
        with self.gate.change():
            self.entry.transfer = replace(self.entry.transfer, **facts)  # type: ignore[arg-type]
            if not self.entry.state.is_final:
                self._decider.schedule.add(self.entry.transfer)
        return self.look(is_forced=self._decider.reads(facts))

    def stage(self, is_staged: bool = True) -> None:
        """Record that it now moves through a staging area, or no longer does."""
        with self.gate.change() as now:
            self.gate.scheduler.stage(self.entry, is_staged, now)

    def renew(self) -> None:
        """Renew its lease."""
        if self.entry.lease_seconds is not None:
            with self.gate.change() as now:
                self.gate.scheduler.renew(self.entry, now)

    def count_fault(self, fault: str) -> None:
        """Count an error that was handled; the status and the metrics show it."""
        self._decider.schedule.count_fault(fault)

    def check(self) -> None:
        """Raise if it was stopped.

        Raises:
            GovernorError: it was cancelled, or its deadline or lease has passed.
        """
        error = self.entry.error
        if error is not None:
            raise type(error)(*error.args)

    def cancel(self) -> bool:
        """Cancel it, in any state, and return whether it had not ended before."""
        with self.gate.change() as now:
            return self.gate.scheduler.cancel(self.entry, now)

    def end(self, error: BaseException | None = None) -> None:
        """End it: done, or failed with *error*; canceling a task cancels its transfer."""
        if isinstance(error, CANCELLATIONS):
            self.cancel()
            return
        reason = None if error is None else GovernorError(f"the transfer {self.id!r} failed: {error}")
        state = TransferState.DONE if error is None else TransferState.FAILED
        with self.gate.change() as now:
            self.gate.scheduler.end(self.entry, state, now, reason)

    def __enter__(self) -> Self:
        """Return the ticket."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the transfer."""
        self.end(error)

    async def __aenter__(self) -> Self:
        """Return the ticket."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the transfer."""
        self.end(error)


class Slot:
    """A one-part transfer: holds a slot inside ``with`` or ``async with``, and ends with it."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self._part = ticket.part(ticket.transfer.size or 0.0)

    def __enter__(self) -> Part:
        """Wait for a slot.

        Raises:
            GovernorError: the transfer was rejected.
        """
        try:
            return self._part.__enter__()
        except BaseException as error:
            self.ticket.end(error)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the slot, and end the transfer."""
        self._part.__exit__(kind, error, trace)
        self.ticket.end(error)

    async def __aenter__(self) -> Part:
        """Wait for a slot, asynchronously."""
        try:
            return await self._part.__aenter__()
        except BaseException as error:
            self.ticket.end(error)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the slot, and end the transfer."""
        self.__exit__(kind, error, trace)
