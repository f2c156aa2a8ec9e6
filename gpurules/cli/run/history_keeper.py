"""Records what an agent observes in a store; an error in the store never stops the agent."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gpurules.cli.extras import need_history
from gpurules.cli.terminal.output import note, pluralize
from gpurules.engine import Coordinator
from gpurules.engine.effects.metrics import HistoryState
from gpurules.engine.inspection import steady_clock
from gpurules.engine.polling.poller import PollReport
from gpurules.model import Snapshot

if TYPE_CHECKING:
    from gpurules.history.store.storage import Storage

_PATIENCE = 10.0
"""How long the end of the agent waits for the store to be tidied, in seconds."""


@contextmanager
def kept_in(place: str | None, coordinator: Coordinator, days: int | None = None) -> Iterator[None]:
    """Record snapshots, signal transitions, transfers and decisions in the store at *place* (None: not at all).

    With the first snapshot of a day, the files of earlier days are merged, and days before the latest *days* are
    removed (None: none is).

    Raises:
        UnavailableError: the extra for writing a store is not installed.
    """
    if place is None:
        yield
        return
    need_history()
    keeper = _Keeper(place, days, coordinator)
    coordinator.on_poll(keeper.take)
    try:
        yield
    finally:
        keeper.close()


class _Keeper:
    """Writes the result of each poll; an error is reported once."""

    def __init__(self, place: str, days: int | None, coordinator: Coordinator) -> None:
        from gpurules.history.store.storage import Storage
        from gpurules.history.store.writer import StoreWriter

        self._place, storage = place, Storage(place)
        self._writer = StoreWriter(storage, complain=self._wait)
        self._tidier = StoreTidier(storage, days, self._complain)
        self._coordinator = coordinator
        self._decided: tuple[tuple[str, ...], str] | None = None
        self._transfers: frozenset[str | None] = frozenset()
        self._trouble: list[str] = []
        self._lost = 0
        self._is_waiting = False
        self._error: str | None = None
        self._show()

    def _show(self) -> None:
        """Update what the agent shows of its history."""
        lost, unwritten = self._writer.lost, self._writer.unwritten
        if not unwritten:
            self._error = None
        self._coordinator.history = HistoryState(self._place, unwritten, lost, self._error)

    def _wait(self, error: Exception) -> None:
        """Report once that rows wait to be written, until they are, and how many had to be dropped."""
        if not self._is_waiting:
            note(f"the history at {self._place} cannot be written: {error}; it is kept in memory and retried")
        self._is_waiting, self._error = True, str(error)
        self._say_lost()

    def _say_lost(self) -> None:
        if (lost := self._writer.lost) > self._lost * 2 or (lost and not self._lost):
            self._lost = lost
            note(f"the history at {self._place} lost {pluralize(lost, 'snapshot')}, for which there was no more memory")

    def _note_recovery(self) -> None:
        if self._is_waiting and not self._writer.unwritten:
            self._is_waiting = False
            lost = f"; {pluralize(self._writer.lost, 'snapshot')} lost" if self._writer.lost else ""
            note(f"the history at {self._place} is written again{lost}")

    def _complain(self, problem: object) -> None:
        if str(problem) not in self._trouble:
            self._trouble.append(str(problem))
            note(f"the history at {self._place} is not kept: {problem}")

    def take(self, report: PollReport) -> None:
        """Add the result of a poll."""
        try:
            if report.snapshot is not None and self._writer.add(report.snapshot):
                self._writer.add_transitions(report.snapshot, report.transitions)
                self._add_decisions(report.snapshot)
                self._note_recovery()
                self._tidier.look(report.snapshot.timestamp)
        except Exception as error:  # a full disk, a store that is gone: rules continue without a recording
            self._complain(error)
        self._show()

    def _add_decisions(self, snapshot: Snapshot) -> None:
        """Add the decision for the node if it changed, and new transfers with their decisions."""
        decision = self._coordinator.decide()
        if self._decided != (decided := (decision.rules, decision.ruleset_version)):
            self._decided = decided
            self._writer.add_decision(snapshot, decision)
        pending = {transfer.id: transfer for transfer in self._coordinator.schedule.pending()}
        for name, transfer in pending.items():
            if name not in self._transfers:
                workload = self._coordinator.schedule.workload(transfer.workload_id, steady_clock(self._coordinator)())
                self._writer.add_transfer(snapshot, transfer, workload)
                self._writer.add_decision(snapshot, self._coordinator.decide(transfer), transfer)
        self._transfers = frozenset(pending)

    def close(self) -> None:
        """Write what is left."""
        try:
            self._writer.flush()
        except Exception as error:  # as above
            self._complain(error)
        self._note_recovery()
        if lost := self._writer.lost + self._writer.unwritten:
            note(f"the history at {self._place} lacks {pluralize(lost, 'snapshot')} that could not be written")
        self._show()
        self._tidier.close()


class StoreTidier:
    """Merges the files of a store once a day and removes expired days, in a thread of its own."""

    def __init__(self, storage: "Storage", days: int | None, complain: Callable[[object], None]) -> None:
        self._storage, self._days, self._complain = storage, days, complain
        self._date = ""
        self._thread: threading.Thread | None = None

    def look(self, time: float) -> None:
        """Start if *time* is in a new day."""
        from gpurules.history.store.storage import date_of

        date = date_of(time)
        if date == self._date or (self._thread is not None and self._thread.is_alive()):
            return
        self._date = date
        self._thread = threading.Thread(target=self._tidy, name="gpurules-history", daemon=True)
        self._thread.start()

    def _tidy(self) -> None:
        from gpurules.history.store.format.findings import Findings
        from gpurules.history.store.maintenance import Retention, compact, retain

        try:
            if self._days is not None:
                retain(self._storage, Retention(self._days))
            findings = Findings()
            for _ in compact(self._storage, findings):
                pass
            for text in findings.texts:
                self._complain(text)
        except Exception as error:  # a store that is gone: the next day tries again
            self._complain(error)

    def close(self) -> None:
        """Wait briefly until it is done."""
        if self._thread is not None:
            self._thread.join(_PATIENCE)
