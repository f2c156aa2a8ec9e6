"""The coordinator: polls a source, keeps the engine current, runs effects, and answers from any thread."""

import atexit
import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from gpurules.actions.decision import Decision
from gpurules.engine import memory
from gpurules.engine.effects import Dispatcher
from gpurules.engine.engine import Engine
from gpurules.engine.metrics import Metrics
from gpurules.engine.poller import Options, Poller, PollReport
from gpurules.engine.status import Status
from gpurules.engine.watching import FileWatch
from gpurules.model import GPU, Transfer, Workload
from gpurules.rules import Ruleset, RulesetError, load, loads
from gpurules.telemetry import EndOfTelemetry, Source

_LOGGER = logging.getLogger("gpurules.coordinator")
_NEUTRAL = "version: 1\nname: disabled\nrules: []\n"


class Coordinator:
    """Rules over live telemetry, as a context manager.

    *source* is a source or how to open one (``nvml``, ``auto``, ``replay:FILE``, ``synthetic:gpus=4``). ``decide``
    and all registration may be called from any thread; polling goes on in a thread of its own.

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
        options: Options | None = None,
    ) -> None:
        self.options = options or Options()
        loaded = ruleset if isinstance(ruleset, Ruleset) else load(ruleset)
        self._clock = clock
        self.engine = Engine(loaded, clock=clock)
        self._neutral = Engine(loads(_NEUTRAL), clock=clock)
        self._poller = Poller(self.engine, source, self.options, clock, self.options.dry_run)
        self.schedule = self._poller.schedule
        self._watch = FileWatch(loaded.files)
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._enabled = True
        self._reload_asked = False
        self._callbacks: list[Callable[[PollReport], None]] = []
        self._random = random.Random(os.getpid())
        self._restore()
        _ALIVE.add(self)

    # life

    def start(self) -> Self:
        """Poll once, so that the first decision has telemetry, then go on in the background."""
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="gpurules-coordinator", daemon=True)
                self._thread.start()
        return self

    def stop(self, timeout: float | None = None) -> None:
        """Stop polling and effects within *timeout* seconds, from any state; safe to call twice."""
        deadline = time.monotonic() + (self.options.stop_timeout if timeout is None else timeout)
        self._stopping.set()
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(0.0, (deadline - time.monotonic()) / 2))
        self._save()
        self._poller.effects.close(max(0.0, deadline - time.monotonic()))
        if thread is None or not thread.is_alive():
            self._poller.close()
        _ALIVE.discard(self)

    def __enter__(self) -> Self:
        """Start, after one poll."""
        self.poll()
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether the poll loop is alive."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self.poll()
            except EndOfTelemetry:
                return
            except Exception:  # the loop outlives whatever a source or a callback does
                _LOGGER.exception("a poll failed")
            interval = self.options.poll_interval or self.engine.ruleset.settings.poll_interval
            spread = 1 + self.options.jitter * (self._random.random() - 0.5)
            self._wake.wait(max(0.0, interval * spread - (time.monotonic() - began)))
            self._wake.clear()

    # polling

    def poll(self) -> PollReport:
        """Poll the source once and act on it; also called by the loop.

        Raises:
            EndOfTelemetry: a source that ends has ended.
        """
        if self._stopping.is_set():
            return PollReport(None, error="the coordinator is stopped")
        self._reload_if_changed()
        with self._lock:
            report = self._poller.poll()
        self._save_if(report)
        for callback in list(self._callbacks):
            self._call_back(callback, report)
        return report

    def _call_back(self, callback: Callable[[PollReport], None], report: PollReport) -> None:
        try:
            callback(report)
        except Exception:  # a callback is somebody else's code
            _LOGGER.exception("a callback failed")

    def on_poll(self, callback: Callable[[PollReport], None]) -> Callable[[], None]:
        """Call *callback* after each poll, and return a function that ends that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    # asking

    def decide(self, transfer: Transfer | None = None, workload: Workload | None = None) -> Decision:
        """Return the decision for a transfer (or for the node); the workload is looked up if it is registered.

        While disabled it is neutral.
        """
        if workload is None and transfer is not None:
            workload = self.schedule.workload(transfer.workload_id)
        return (self.engine if self._enabled else self._neutral).decide(transfer, workload)

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
        engine, decision = self.engine, self.decide()
        snapshot = engine.snapshot
        return Status(
            self._enabled,
            self.is_running,
            engine.ruleset.name,
            engine.ruleset.version,
            self._poller.source_name,
            snapshot,
            None if snapshot is None else max(0.0, self._clock() - snapshot.timestamp),
            decision.stale,
            engine.signals(),
            decision.rules,
            decision.prefetch_factor,
            self._poller.metrics.last_source_error,
            self._poller.metrics.reload_error,
            self._poller.effects.stuck(30.0),
        )

    def collect(self) -> Metrics:
        """Return the counts of this moment, a copy."""
        with self._lock:
            effects = {name: asdict(counts) for name, counts in list(self._poller.effects.counts.items())}
            rules = {name: replace(counts) for name, counts in self._poller.metrics.rules.items()}
            return replace(
                self._poller.metrics,
                rules=rules,
                unknown_fields=dict(self._poller.metrics.unknown_fields),
                effects=effects,
            )

    @property
    def is_enabled(self) -> bool:
        """Whether rules are in force."""
        return self._enabled

    def enable(self) -> None:
        """Put the rules in force."""
        self._enabled = True

    def disable(self) -> None:
        """Decide nothing until ``enable``; polling goes on, so that signals are right when it comes."""
        self._enabled = False

    # workloads and transfers

    def register_workload(self, workload: Workload, lease_seconds: float | None = None) -> None:
        """Add or renew a workload; with a lease it lapses unless it is registered again in time."""
        self.schedule.register(workload, self._clock(), lease_seconds)

    def unregister_workload(self, workload_id: str) -> bool:
        """Drop a workload, and return whether there was one."""
        return self.schedule.unregister(workload_id)

    def schedule_transfer(self, transfer: Transfer) -> Decision:
        """Note a pending transfer, and return the decision for it."""
        if transfer.created is None:
            transfer = replace(transfer, created=self._clock())
        self.schedule.add(transfer)
        return self.decide(transfer)

    def complete_transfer(self, transfer_id: str) -> bool:
        """Drop a pending transfer, and return whether there was one."""
        return self.schedule.remove(transfer_id)

    # rulesets

    def reload(self, ruleset: Ruleset | str | Path | None = None) -> bool:
        """Put *ruleset* in force, or the file of the present one read anew; return whether it went well.

        A bad file leaves the running ruleset in place; ``metrics.reload_error`` says what is wrong with it.
        """
        present = self.engine.ruleset
        try:
            wanted = ruleset if ruleset is not None else present.path
            if wanted is None:
                raise ValueError("the ruleset was not read from a file")
            fresh = wanted if isinstance(wanted, Ruleset) else load(wanted)
        except (RulesetError, ValueError) as error:
            self._poller.metrics.reload_failures += 1
            self._poller.metrics.reload_error = str(error)
            _LOGGER.error("the ruleset is left as it was, the new one is wrong: %s", error)
            return False
        with self._lock:
            self.engine.replace(fresh)
            self._watch.follow(fresh.files)
            self._poller.metrics.reloads += 1
            self._poller.metrics.reload_error = None
            self._poller.metrics.reloaded_at = self._clock()
        _LOGGER.info("ruleset %s %s is in force", fresh.name, fresh.version)
        return True

    def request_reload(self) -> None:
        """Have the poll loop reload; safe in a signal handler."""
        self._reload_asked = True
        self._wake.set()

    def _reload_if_changed(self) -> None:
        asked, self._reload_asked = self._reload_asked, False
        changed = self.options.watch_files and self._watch.has_changed()
        if (asked or changed) and self.engine.ruleset.path is not None:
            self.reload()

    # state

    def _restore(self) -> None:
        path = self.options.state_path
        data = memory.read(Path(path), self._clock(), self.options.state_max_age) if path else None
        if data is not None:
            rules = {rule.name: rule for rule in self.engine.ruleset.rules}
            with self.engine.exclusive() as signals:
                memory.restore(data, signals, self._poller.episodes, rules)

    def _save_if(self, report: PollReport) -> None:
        if report.transitions or report.edges or self._poller.metrics.polls % 12 == 0:
            self._save()

    def _save(self) -> None:
        path = self.options.state_path
        if path is None:
            return
        with self._lock, self.engine.exclusive() as signals:
            data = memory.dump(signals, self._poller.episodes, self._clock())
        try:
            memory.save(Path(path), data)
        except OSError as error:
            self._poller.metrics.state_failures += 1
            if self._poller.metrics.state_failures == 1:
                _LOGGER.warning("the state can not be written to %s: %s", path, error)

    def _after_fork(self) -> None:
        """In a forked child: no thread, no source; decisions go on with what was known."""
        self._thread = None
        self._poller.abandon()
        self._lock = threading.RLock()
        self._stopping.set()
        self.engine.after_fork()
        self._poller.effects = Dispatcher(dry_run=True)


_ALIVE: "weakref.WeakSet[Coordinator]" = weakref.WeakSet()


def _stop_all() -> None:
    for coordinator in list(_ALIVE):
        coordinator.stop(1.0)


def _fork_all() -> None:
    for coordinator in list(_ALIVE):
        coordinator._after_fork()


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)
