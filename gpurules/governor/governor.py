"""The governor: enforces the decisions of rules on the transfers of this process."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count

from gpurules.engine import Coordinator, Engine
from gpurules.engine.threads import shutdown
from gpurules.engine.workloads import Schedule
from gpurules.governor.bypass import Bypass
from gpurules.governor.decider import Decider
from gpurules.governor.gate import Gate
from gpurules.governor.scheduling.entry import Limits, StateChange, TransferEntry
from gpurules.governor.scheduling.scheduler import Scheduler
from gpurules.governor.status import GovernorStatus, status_of
from gpurules.governor.ticket import Slot, Ticket
from gpurules.model import Transfer, Workload


class Governor:
    """Schedules transfers as rules decide, for threads and for asyncio.

    *node* is a coordinator, whose polls reach the transfers at once, or an engine that its owner keeps current.
    A failure of the policy never stops a transfer: it is counted, and imposes nothing. *clock* is monotonic, *wall*
    gives seconds since 1970.

    >>> from gpurules.engine import Engine
    >>> from gpurules.rules import loads
    >>> governor = Governor(Engine(loads("version: 1\\nname: none\\nrules: []")))
    >>> with governor.slot(Transfer(path="/data/a.tar")):
    ...     governor.status().slots_taken
    1
    """

    def __init__(
        self,
        node: Coordinator | Engine,
        limits: Limits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        scheduler = Scheduler(limits)
        self._wall = wall
        self._gate = Gate(scheduler, clock, self.refresh)
        self.decider = Decider(node, clock, scheduler.counts)
        self.bypass = Bypass(self._gate, self.decider)
        scheduler.on_end = self._forget
        self._scheduler.max_delay = self.decider.max_delay
        self._numbers = count(1)
        self._refreshing = threading.Lock()
        self._has_news = False
        self._unsubscribe = self.decider.on_news(self.refresh)
        shutdown.add(self)

    @property
    def _scheduler(self) -> Scheduler:
        return self._gate.scheduler

    # transfers

    def slot(self, transfer: Transfer, *, deadline_seconds: float | None = None) -> Slot:
        """Return a transfer that moves in one part, for ``with`` or ``async with``.

        Raises:
            QueueFull: the queue is full.
        """
        return Slot(self.transfer(transfer, deadline_seconds=deadline_seconds))

    def transfer(
        self, transfer: Transfer, *, deadline_seconds: float | None = None, lease_seconds: float | None = None
    ) -> Ticket:
        """Register a transfer of many parts, and return its ticket.

        After *deadline_seconds* its remaining parts are rejected. With *lease_seconds* it expires unless there is
        activity on a part, or a renewal, in that time.

        Raises:
            QueueFull: the queue is full.
        """
        with self._gate.change() as now:
            named = self._named(transfer)
            deadline = float("inf") if deadline_seconds is None else now + deadline_seconds
            entry = TransferEntry(named.id or "", named, now, deadline, lease_seconds)
            self._scheduler.max_delay = self.decider.max_delay
            self._scheduler.submit(entry, now)
            self.decider.schedule.add(named)
        ticket = Ticket(self._gate, self.decider, entry)
        ticket.look(is_forced=True)
        return ticket

    def _named(self, transfer: Transfer) -> Transfer:
        """Return *transfer* with a creation time and a unique id."""
        wanted = transfer.id or "transfer"
        name = wanted if transfer.id else f"{wanted}-{next(self._numbers)}"
        while name in self._scheduler.entries:
            name = f"{wanted}-{next(self._numbers)}"
        created = self._wall() if transfer.created is None else transfer.created
        return replace(transfer, id=name, created=created)

    def cancel(self, transfer_id: str) -> bool:
        """Cancel a transfer, in any state, and return whether it existed."""
        with self._gate.change() as now:
            entry = self._scheduler.entries.get(transfer_id)
            return entry is not None and self._scheduler.cancel(entry, now)

    def _forget(self, entry: TransferEntry) -> None:
        self.decider.schedule.remove(entry.id)

    # decisions

    def refresh(self) -> None:
        """Decide again on every transfer; this happens at each poll of the coordinator, and while any transfer waits.

        If another thread is already refreshing, it repeats that once.
        """
        self._has_news = True
        while self._has_news and self._refreshing.acquire(blocking=False):
            try:
                self._has_news = False
                self._decide_again()
            finally:
                self._refreshing.release()

    def _decide_again(self) -> None:
        with self._gate.change():
            entries = list(self._scheduler.entries.values())
        decided = [(entry, self.decider.requirements(entry.transfer)) for entry in entries]
        with self._gate.change() as now:
            self._gate.refreshed_at = now
            self._scheduler.max_delay = self.decider.max_delay
            for entry, asked in decided:
                self._scheduler.take(entry, asked, now)

    def set_rate(self, name: str, rate: float | None) -> None:
        """Set the total rate of transfers: of ``all``, or of a class (``background``).

        Units: bytes/second; None removes the limit.

        Raises:
            ValueError: the rate is not above 0.
        """
        with self._gate.change() as now:
            self._scheduler.rates.set(name, rate, now)

    def register_workload(self, workload: Workload, lease_seconds: float | None = None) -> None:
        """Add or renew a workload; with a lease it expires unless it is registered again in time."""
        self.decider.register_workload(workload, lease_seconds)

    def count_uncarried(self, client: str, target: str) -> None:
        """Count a directive that a storage client could not carry out; the status and the metrics show it."""
        self.decider.schedule.count_uncarried(client, target)

    def count_fault(self, fault: str) -> None:
        """Count an error of a transfer that was handled; the status and the metrics show it."""
        self.decider.schedule.count_fault(fault)

    @property
    def limits(self) -> Limits:
        """The limits that apply independently of rules."""
        return self._scheduler.limits

    @property
    def schedule(self) -> Schedule:
        """The workloads and pending transfers: the coordinator's own, if there is one."""
        return self.decider.schedule

    # observation

    def status(self) -> GovernorStatus:
        """Return the status."""
        with self._gate.change() as now:
            return status_of(self._scheduler, now, self.decider.schedule)

    def on_change(self, callback: Callable[[StateChange], None]) -> Callable[[], None]:
        """Call *callback*, in any thread, with each change of a transfer's state; return a function that stops this."""
        self._gate.callbacks.append(callback)
        return lambda: self._gate.callbacks.remove(callback) if callback in self._gate.callbacks else None

    # life

    def stop(self, timeout: float | None = None) -> None:
        """Stop following the coordinator; requirements are then determined as transfers move."""
        self._unsubscribe()
        shutdown.remove(self)

    def after_fork(self) -> None:
        """Start over in a forked child: the transfers belong to the parent."""
        fresh = Scheduler(self._scheduler.limits)
        fresh.counts, fresh.on_end = self._scheduler.counts, self._forget
        self._gate.after_fork(fresh)
        self._refreshing = threading.Lock()
