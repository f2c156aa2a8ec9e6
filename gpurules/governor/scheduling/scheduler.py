"""The transfer scheduler: decides which part moves next. Pure: time is an argument, and nothing waits here."""

from collections import deque
from collections.abc import Callable
from math import inf

from gpurules.governor.errors import DeadlinePassed, GovernorError, LeaseLapsed, QueueFull, TransferCancelled
from gpurules.governor.requirements import Requirements
from gpurules.governor.scheduling.entry import Counts, Limits, SlotRequest, StateChange, TransferEntry, TransferState
from gpurules.governor.scheduling.lane import Lane
from gpurules.governor.scheduling.rates import SharedRates
from gpurules.governor.scheduling.ready_queue import ReadyQueue
from gpurules.governor.scheduling.slots import Slots
from gpurules.governor.scheduling.timers import Timers

MAX_CHANGES = 10_000


class Scheduler:
    """Schedules transfers and their parts. Not thread-safe: its owner holds a lock.

    Calls take effect immediately, except that parts are only admitted by ``advance``, which returns the parts that were
    answered; ``due`` says when it is to be called again if nothing else happens.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.max_delay = 300.0
        self.entries: dict[str, TransferEntry] = {}
        self.slots = Slots(self.limits.slots)
        self.rates = SharedRates()
        self.counts = Counts()
        self.changes: deque[StateChange] = deque(maxlen=MAX_CHANGES)
        self.on_end: Callable[[TransferEntry], object] = lambda entry: None
        self.ready = ReadyQueue(self.limits.age_rate)
        self._timers = Timers()
        self._answered: list[SlotRequest] = []
        self._numbered = self._waiting_transfers = 0

    # transfers

    def submit(self, entry: TransferEntry, now: float) -> None:
        """Register a transfer.

        Raises:
            QueueFull: the queue is full.
        """
        if self._waiting_transfers >= self.limits.queue:
            self.counts.refused += 1
            raise QueueFull(f"{self.limits.queue} transfers are waiting; try again later, or raise Limits.queue")
        self.entries[entry.id] = entry
        self.slots.add(entry.priority)
        self._waiting_transfers += 1
        self.counts.submitted += 1
        self.changes.append(StateChange(entry.transfer, None, entry.state, now))
        self._timers.set(entry, entry.deadline)
        self.renew(entry, now)
        self._timers.set(entry, entry.lease_ends)
        entry.lease_timer = entry.lease_ends

    def take(self, entry: TransferEntry, requirements: Requirements, now: float) -> None:
        """Update the requirements for a transfer."""
        if entry.state.is_final:
            return
        before, entry.requirements, entry.decided_at = entry.priority, requirements, now
        for rule, rate in requirements.bandwidth:
            self.rates.set(f"rule:{rule}", rate, now)
        entry.holds.take(requirements.holds, now)
        if entry.priority != before:
            self.slots.move(before, entry.priority)
            for request in entry.waiting:
                if self.ready.remove(request):
                    self.ready.add(request)
        self._place(entry, now)

    def end(self, entry: TransferEntry, state: TransferState, now: float, error: GovernorError | None = None) -> bool:
        """End a transfer, and return whether it had not ended before; moving parts may finish."""
        if entry.state.is_final:
            return False
        if self.entries.get(entry.id) is not entry:  # it belongs to the parent, which counts it
            entry.state = state
            return False
        entry.error = error
        self._transition(entry, state, now)
        self.counts.held_seconds += entry.holds.held_seconds(now)
        self._waiting_transfers -= not entry.has_begun
        del self.entries[entry.id]
        self.slots.remove(entry.priority)
        self.on_end(entry)
        for request in entry.waiting:
            self.ready.remove(request)
            request.error = error or TransferCancelled(f"the transfer {entry.id!r} has ended")
            self._answered.append(request)
        entry.waiting.clear()
        self.counts.count_end(state)
        return True

    def cancel(self, entry: TransferEntry, now: float) -> bool:
        """Cancel a transfer in any state, and return whether it had not ended before."""
        error = TransferCancelled(f"the transfer {entry.id!r} was cancelled")
        return self.end(entry, TransferState.CANCELLED, now, error)

    def stage(self, entry: TransferEntry, is_staged: bool, now: float) -> None:
        """Record that a transfer now moves through a staging area, or no longer does."""
        entry.is_staged = is_staged
        self._place(entry, now)

    def renew(self, entry: TransferEntry, now: float) -> None:
        """Renew a transfer's lease."""
        if entry.lease_seconds is not None:
            entry.lease_ends = now + entry.lease_seconds

    # parts

    def ask(self, entry: TransferEntry, size: float, now: float) -> SlotRequest:
        """Request a slot for a part of *size* bytes; ``SlotRequest.wake`` belongs to the waiting caller."""
        request = self._request(entry, size, now)
        if request.error is None:
            self._enqueue(request)
        return request

    def enter(self, entry: TransferEntry, size: float, now: float, lane: Lane | None = None) -> SlotRequest:
        """Request a slot, and admit the part immediately if the queue is empty and no timer is due.

        A part that is not admitted is queued as by ``ask``.
        """
        request = self._request(entry, size, now)
        request.lane = lane
        if request.error is None and not self._try_grant(request, now):
            self._enqueue(request)
        return request

    def _request(self, entry: TransferEntry, size: float, now: float) -> SlotRequest:
        if not entry.state.is_final and self.entries.get(entry.id) is not entry:  # in a fork, the parent's continues
            self.entries[entry.id], entry.waiting, entry.moving = entry, [], 0
            self.slots.add(entry.priority)
            self._waiting_transfers += not entry.has_begun
        self._numbered += 1
        request = SlotRequest(entry, size, order=self._numbered, ready_at=now)
        self.renew(entry, now)
        if entry.state.is_final:
            request.error = entry.error or TransferCancelled(f"the transfer {entry.id!r} has ended")
        return request

    def _enqueue(self, request: SlotRequest) -> None:
        request.entry.waiting.append(request)
        if request.entry.held_until is None:
            self.ready.add(request)

    def _try_grant(self, request: SlotRequest, now: float) -> bool:
        if request.entry.held_until is not None or self.ready or self._timers.due <= now:
            return False
        self.ready.weigh(request)
        if not self._may_move(request, now):
            return False
        self._grant(request, now)
        return True

    def withdraw(self, request: SlotRequest, now: float) -> None:
        """Withdraw a request that no caller waits for anymore; a slot that it received is freed."""
        if request in self.slots.moving:
            self.finish(request, 0.0, now)
        elif request in request.entry.waiting:
            request.entry.waiting.remove(request)
            self.ready.remove(request)
            request.error = TransferCancelled("the part was withdrawn")

    def finish(self, request: SlotRequest, moved: float, now: float) -> None:
        """Free the slot of a part that has moved the given bytes."""
        if request not in self.slots.moving:
            return
        self.slots.leave(request)
        entry = request.entry
        entry.moving -= 1
        entry.bytes_moved += moved
        self.counts.bytes_moved += moved
        self.renew(entry, now)
        self.rates.charge(request, moved - request.size, now)  # bytes that were not known in advance

    # time

    def due(self) -> float:
        """Return when ``advance`` must be called even if nothing else happens; infinity if never."""
        return min(self._timers.due, self.rates.due)

    def advance(self, now: float) -> list[SlotRequest]:
        """Admit what may move, and return the parts that were answered, admitted or rejected."""
        while (entry := self._timers.ring(now)) is not None:
            self._fire_timer(entry, now)
        self.rates.due = inf
        if self.ready:
            self._admit_ready(now)
        answered = self._answered
        if answered:
            self._answered = []
        return answered

    def _admit_ready(self, now: float) -> None:
        """Give free slots to ready parts, in order."""
        position = 0
        while position < len(self.ready) and not self.slots.all.is_full:
            request = self.ready[position]
            if self._may_move(request, now):
                self.ready.remove(request)
                request.entry.waiting.remove(request)
                self._grant(request, now)
                self._answered.append(request)
            else:
                position += 1

    def _fire_timer(self, entry: TransferEntry, now: float) -> None:
        """Handle a timer of *entry*, if it still applies."""
        if entry.state.is_final:
            return
        if entry.deadline <= now:
            self.counts.past_deadline += 1
            self.end(entry, TransferState.FAILED, now, DeadlinePassed(f"the deadline of {entry.id!r} has passed"))
        elif entry.lease_ends <= now:
            self.counts.lapsed += 1
            self.end(entry, TransferState.FAILED, now, LeaseLapsed(f"the lease of {entry.id!r} was not renewed"))
        else:
            if entry.lease_timer <= now:
                self._timers.set(entry, entry.lease_ends)
                entry.lease_timer = entry.lease_ends
            self._place(entry, now)

    def _may_move(self, request: SlotRequest, now: float) -> bool:
        return self.slots.admit(request, self.ready.has_background) and self.rates.admit(request, now)

    def _grant(self, request: SlotRequest, now: float) -> None:
        entry = request.entry
        request.granted_at = now
        self.slots.enter(request)
        entry.moving += 1
        self.counts.parts += 1
        self.rates.charge(request, request.size, now)
        if not entry.has_begun:
            entry.has_begun = True
            self._waiting_transfers -= 1
            self._place(entry, now)

    # states

    def _place(self, entry: TransferEntry, now: float) -> None:
        """Update whether a transfer is held."""
        if entry.state.is_final:
            return
        was_held, until = entry.held_until is not None, entry.holds.settle(now, entry.has_begun, self.max_delay)
        if until is not None and until != entry.held_until:
            self._timers.set(entry, until)
        entry.held_until = until
        if until is not None and not was_held:
            for request in entry.waiting:
                self.ready.remove(request)
        elif until is None and was_held:
            for request in entry.waiting:
                request.ready_at = now
                self.ready.add(request)
        self._transition(entry, state_of(entry), now)

    def _transition(self, entry: TransferEntry, state: TransferState, now: float) -> None:
        if state is entry.state:
            return
        rules = entry.holds.rules(now, entry.has_begun) if state in (TransferState.HELD, TransferState.PAUSED) else ()
        self.changes.append(StateChange(entry.transfer, entry.state, state, now, rules))
        self.counts.holds += state is TransferState.HELD
        self.counts.pauses += state is TransferState.PAUSED
        entry.state = state


def state_of(entry: TransferEntry) -> TransferState:
    """Return the state of a transfer that has not ended."""
    if entry.held_until is not None:
        return TransferState.PAUSED if entry.has_begun else TransferState.HELD
    if not entry.has_begun:
        return TransferState.QUEUED
    return TransferState.STAGED if entry.is_staged else TransferState.RUNNING
