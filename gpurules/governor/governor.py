"""The governor: makes the decisions of rules real for the transfers of this process."""

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
        """Return a transfer that moves in one part, in ``with`` or ``async with``.

        Raises:
            QueueFull: as many transfers wait as may.
        """
        return Slot(self.transfer(transfer, deadline_seconds=deadline_seconds))

    def transfer(
        self, transfer: Transfer, *, deadline_seconds: float | None = None, lease_seconds: float | None = None
    ) -> Ticket:
        """Take in a transfer of many parts, and return its ticket.

        After *deadline_seconds* what has not moved of it is refused. With *lease_seconds* it lapses unless a part of it
        comes, moves or goes, or it is renewed, in that time.

        Raises:
            QueueFull: as many transfers wait as may.
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
        """Return *transfer* with a time of creation and an id that no other transfer has."""
        wanted = transfer.id or "transfer"
        name = wanted if transfer.id else f"{wanted}-{next(self._numbers)}"
        while name in self._scheduler.entries:
            name = f"{wanted}-{next(self._numbers)}"
        created = self._wall() if transfer.created is None else transfer.created
        return replace(transfer, id=name, created=created)

    def cancel(self, transfer_id: str) -> bool:
        """Cancel a transfer, in any state, and return whether there was one."""
        with self._gate.change() as now:
            entry = self._scheduler.entries.get(transfer_id)
            return entry is not None and self._scheduler.cancel(entry, now)

    def _forget(self, entry: TransferEntry) -> None:
        self.decider.schedule.remove(entry.id)

    # decisions

    def refresh(self) -> None:
        """Decide again on every transfer; done at each poll of the coordinator, and while any transfer waits.

        News that comes while another thread is at it makes that thread go round once more.
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
        """Set how fast transfers move together, live: ``all`` of them, or those of a class (``background``).

        Units: bytes/second; None takes the limit away.

        Raises:
            ValueError: the rate is not above 0.
        """
        with self._gate.change() as now:
            self._scheduler.rates.set(name, rate, now)

    def register_workload(self, workload: Workload, lease_seconds: float | None = None) -> None:
        """Add or renew a workload; with a lease it lapses unless it is registered again in time."""
        self.decider.register_workload(workload, lease_seconds)

    def count_uncarried(self, client: str, target: str) -> None:
        """Count an order of a rule that a storage client could not carry out; the status and the metrics show it."""
        self.decider.schedule.count_uncarried(client, target)

    def count_fault(self, fault: str) -> None:
        """Count something that went wrong with a transfer and was dealt with; the status and the metrics show it."""
        self.decider.schedule.count_fault(fault)

    @property
    def limits(self) -> Limits:
        """What it keeps to, rules aside."""
        return self._scheduler.limits

    @property
    def schedule(self) -> Schedule:
        """The workloads and pending transfers, the coordinator's own where there is one."""
        return self.decider.schedule

    # what there is to see

    def status(self) -> GovernorStatus:
        """Return all that there is to show."""
        with self._gate.change() as now:
            return status_of(self._scheduler, now, self.decider.schedule)

    def on_change(self, callback: Callable[[StateChange], None]) -> Callable[[], None]:
        """Call *callback* with each change of a transfer's state, in some thread, and return what ends that."""
        self._gate.callbacks.append(callback)
        return lambda: self._gate.callbacks.remove(callback) if callback in self._gate.callbacks else None

    # life

    def stop(self, timeout: float | None = None) -> None:
        """Stop following the coordinator; the requirements for transfers are looked up as they move."""
        self._unsubscribe()
        shutdown.remove(self)

    def after_fork(self) -> None:
        """Make do in a forked child: the transfers are the parent's."""
        fresh = Scheduler(self._scheduler.limits)
        fresh.counts, fresh.on_end = self._scheduler.counts, self._forget
        self._gate.after_fork(fresh)
        self._refreshing = threading.Lock()
