"""The coordinator: polls a source, keeps the engine current, runs effects, and answers from any thread.

Lock order: ``_turn`` (one poll at a time), then ``_lock`` (the state of the poller), then the locks of the engine and
the dispatcher. Telemetry is read without ``_lock``, and callbacks are called with none of them held.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from gpurules.actions.decision import Decision
from gpurules.engine.effects.metrics import HistoryState, Metrics
from gpurules.engine.engine import Engine
from gpurules.engine.polling import state_store
from gpurules.engine.polling.poller import Clocks, CoordinatorOptions, Poller, PollReport
from gpurules.engine.polling.reloader import Reloader
from gpurules.engine.status import Status, current_proposal
from gpurules.engine.threads import shutdown
from gpurules.engine.threads.loop import Loop
from gpurules.errors import GpurulesError
from gpurules.logs import logger
from gpurules.model import GPU, Transfer, Workload
from gpurules.plugins import contain
from gpurules.rules import Ruleset, load
from gpurules.telemetry import EndOfTelemetry, Source, TelemetryError

_LOGGER = logger("gpurules.coordinator")
SAVE_EVERY = 12
"""The state is written at each change, and after this number of polls without one, so that it is known to be fresh."""
STUCK_SECONDS = 30.0


class Coordinator:
    """Rules over live telemetry, as a context manager.

    *source* is a source or how to open one (``nvml``, ``auto``, ``replay:FILE``, ``synthetic:gpus=4``). ``decide``
    and all registration may be called from any thread; polling goes on in a thread of its own. *steady* is a clock
    that cannot be set: it shows when *clock* was set.

    >>> with Coordinator("gpurules:default", source="synthetic:gpus=2,seconds=60") as coordinator:
    ...     coordinator.decide(Transfer(id="t", path="/m/a.pt")).paused
    False
    """

    def __init__(
        self,
        ruleset: Ruleset | str | Path,
        source: Source | str = "nvml",
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] | None = None,
        options: CoordinatorOptions | None = None,
    ) -> None:
        self.options = options or CoordinatorOptions()
        loaded = ruleset if isinstance(ruleset, Ruleset) else load(ruleset)
        self._clocks = Clocks(clock, steady or (time.monotonic if clock is time.time else clock))
        self.engine = Engine(loaded, clock=clock)
        self._poller = Poller(self.engine, source, self.options, self._clocks)
        self.schedule = self._poller.schedule
        self._reloader = Reloader(self.engine, self._poller.metrics, clock, self.options.reload_timeout)
        self._state_store = state_store.StateStore(self.options.state_path, self.options.state_max_age)
        self._turn, self._lock = threading.Lock(), threading.RLock()
        self._loop = Loop(self._poll, lambda: self._poller.interval, self.options.jitter)
        self._reload_asked = False
        self.proposal: Mapping[str, object] | None = None
        self.history: HistoryState | None = None
        self._callbacks: list[Callable[[PollReport], None]] = []
        shutdown.add(self)

    # life

    def start(self) -> Self:
        """Go on polling in the background."""
        self._loop.start()
        return self

    def stop(self, timeout: float | None = None) -> None:
        """Stop polling and effects within *timeout* seconds, from any state; safe to call twice.

        A source or handler that hangs is left behind, in threads that do not keep the process alive.
        """
        deadline = time.monotonic() + (self.options.stop_timeout if timeout is None else timeout)
        is_first = not self._loop.is_stopping
        self._loop.stop()
        self._poller.reading.interrupt()
        self._loop.join((deadline - time.monotonic()) / 2)
        if is_first and self._poller.metrics.polls:
            self._save((deadline - time.monotonic()) / 2)
        self._poller.reading.close(max(0.0, (deadline - time.monotonic()) / 2))
        self._poller.effects.close(max(0.0, deadline - time.monotonic()))
        shutdown.remove(self)

    def __enter__(self) -> Self:
        """Start, after one poll, so that the first decision has telemetry."""
        self._poll()
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether the poll loop is alive."""
        return self._loop.is_running

    # polling

    def poll(self) -> PollReport:
        """Poll the source once and act on it; this is what the loop does.

        Raises:
            EndOfTelemetry: a source that ends has ended.
        """
        if (report := self._poll()).ended:
            raise EndOfTelemetry(report.error or "the source has ended")
        return report

    def _poll(self) -> PollReport:
        with self._turn:
            if self._loop.is_stopping:
                return PollReport(None, error="the coordinator is stopped")
            self._reload_if_due()
            answer = self._poller.read()
            if self._loop.is_stopping and isinstance(answer, TelemetryError):
                return PollReport(None, error="the coordinator is stopped")
            if not self._state_store.is_restored:
                self._poller.restore(self._state_store, answer)
            with self._lock:
                report = self._poller.take(answer)
            if report.transitions or report.edges or self._poller.metrics.polls % SAVE_EVERY == 0:
                self._save()
        for callback in list(self._callbacks):
            try:
                contain(callback, "a callback")(report)
            except GpurulesError:  # a callback is foreign code
                _LOGGER.exception("a callback failed")
        return report

    def on_poll(self, callback: Callable[[PollReport], None]) -> Callable[[], None]:
        """Call *callback* after each poll, in the thread that polls, and return a function that ends that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    # asking

    def decide(self, transfer: Transfer | None = None, workload: Workload | None = None) -> Decision:
        """Return the decision for a transfer (or for the node); the workload is looked up if it is registered.

        While disabled, or where deciding fails, no directive applies to the transfer.
        """
        if not self.is_enabled:
            return self.engine.decide_nothing()
        try:
            if workload is None and transfer is not None and transfer.workload_id:
                workload = self.schedule.workload(transfer.workload_id, self._clocks.steady())
            return self.engine.decide(transfer, workload)
        except (Exception, SystemExit):  # an action may be foreign code; trouble with a rule must never stop a transfer
            self._poller.metrics.decisions_failed += 1
            if self._poller.metrics.decisions_failed == 1:
                _LOGGER.exception("a decision failed; the transfer continues as if there were no rules")
            return self.engine.decide_nothing()

    def should_reduce_prefetch(self) -> tuple[bool, float]:
        """Return whether to prefetch less, and what is left of the prefetch (1.0: all)."""
        factor = self.decide().prefetch_factor
        return factor < 1.0, factor

    def gpu_status(self) -> tuple[GPU, ...]:
        """Return the GPUs as last seen; immutable."""
        snapshot = self.engine.snapshot
        return snapshot.gpus if snapshot else ()

    def status(self) -> Status:
        """Return all that there is to show."""
        engine, decision, metrics = self.engine, self.decide(), self._poller.metrics
        return Status(
            self.is_enabled,
            self.is_running,
            engine.ruleset.name,
            engine.ruleset.version,
            self._poller.reading.name,
            engine.snapshot,
            self._poller.telemetry_age,
            decision.stale,
            engine.signals(),
            decision.rules,
            decision.prefetch_factor,
            metrics.last_source_error,
            str(self._poller.reading.form or "") or None,
            metrics.reload_error,
            self._poller.effects.stuck(STUCK_SECONDS),
            current_proposal(self.proposal, engine.ruleset.version),
            self.history,
        )

    def collect(self) -> Metrics:
        """Return the current counts, a copy."""
        with self._lock:
            return self._poller.collect(self._state_store.failures, self.history)

    @property
    def is_enabled(self) -> bool:
        """Whether the rules are enabled."""
        return not self._poller.episodes.is_muted

    def enable(self) -> None:
        """Put the rules in force."""
        self._poller.episodes.is_muted = False

    def disable(self) -> None:
        """Ask nothing of transfers and start no effect until ``enable``.

        Polling continues, so that signals are right afterwards; an effect that has started still gets its stop event.
        """
        self._poller.episodes.is_muted = True

    # workloads and transfers

    def register_workload(self, workload: Workload, lease_seconds: float | None = None) -> None:
        """Add or renew a workload; with a lease it lapses unless it is registered again in time."""
        self.schedule.register(workload, self._clocks.steady(), lease_seconds)

    def unregister_workload(self, workload_id: str) -> bool:
        """Drop a workload, and return whether there was one."""
        return self.schedule.unregister(workload_id)

    def schedule_transfer(self, transfer: Transfer) -> Decision:
        """Note a pending transfer, and return the decision for it."""
        if transfer.created is None:
            transfer = replace(transfer, created=self._clocks.wall())
        self.schedule.add(transfer)
        return self.decide(transfer)

    def complete_transfer(self, transfer_id: str) -> bool:
        """Drop a pending transfer, and return whether there was one."""
        return self.schedule.remove(transfer_id)

    # rulesets

    def reload(self, ruleset: Ruleset | str | Path | None = None) -> bool:
        """Put *ruleset* in force, or reread the file of the current one; return whether it succeeded.

        A bad file leaves the running ruleset in place; ``collect().reload_error`` says what is wrong with it.
        """
        fresh = self._reloader.prepare(ruleset)
        if fresh is None:
            return False
        with self._lock:
            self._reloader.put_in_force(fresh)
        return True

    def request_reload(self) -> None:
        """Have the poll loop reload at once; safe in a signal handler."""
        self._reload_asked = True
        self._loop.wake()

    def _reload_if_due(self) -> None:
        asked, self._reload_asked = self._reload_asked, False
        fresh = self._reloader.look(asked, self.options.watch_files)
        if fresh is not None:
            with self._lock:
                self._reloader.put_in_force(fresh)

    # state

    def _save(self, timeout: float | None = None) -> None:
        if self._state_store.is_keeping:
            with self._lock:
                data = self._poller.state()
            self._state_store.save(data, timeout)

    def after_fork(self) -> None:
        """Make do in a forked child: no thread, no source, no file; decisions go on with what was known."""
        self._turn, self._lock = threading.Lock(), threading.RLock()
        self._loop.abandon()
        self._state_store.abandon()
        self._reloader.abandon()
        self._poller.after_fork()
        self.engine.after_fork()


def on_news(coordinator: Coordinator, callback: Callable[[], None]) -> Callable[[], None]:
    """Call *callback* whenever decisions may have changed: after each poll, and when a workload comes or goes.

    It is called in the thread that brings the news. Returns a function that ends that.
    """
    ends = (
        coordinator.on_poll(lambda _: callback()),
        coordinator.schedule.follow(callback, only_workloads=True),
    )

    def end() -> None:
        for unsubscribe in ends:
            unsubscribe()

    return end
