"""One poll: read a snapshot, take it in, find which rules started, changed or stopped, and run their effects."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gpurules.actions import is_effect
from gpurules.actions.decision import RuleAction
from gpurules.backends.facts import NO_NODE
from gpurules.engine.effects.dispatcher import Dispatcher
from gpurules.engine.effects.events import (
    Notice,
    contextual_rules,
    count_missing,
    events_of,
    feeds_read,
    fields_read,
    matching_rules,
    outcomes,
)
from gpurules.engine.effects.metrics import HistoryState, Metrics, RuleCounts
from gpurules.engine.effects.repeats import due_repeats, repeated_rules
from gpurules.engine.engine import Engine
from gpurules.engine.polling.registered_facts import RegisteredFacts
from gpurules.engine.polling.source_worker import SourceWorker
from gpurules.engine.polling.state_store import StateStore, dump
from gpurules.engine.state.episodes import Edge, Episodes
from gpurules.engine.state.signals import Transition
from gpurules.engine.workloads import Schedule
from gpurules.fields import Field
from gpurules.language.terms import ir
from gpurules.model import Snapshot, Transfer, Workload
from gpurules.rules import Ruleset
from gpurules.rules.rule import Rule
from gpurules.telemetry import EndOfTelemetry, FiniteSource, Source, TelemetryError
from gpurules.telemetry.sources.wall_clock import WallClockSource

STEP_SECONDS = 2.0
"""The clock was set where it went on by so much more, or less, between two polls than time did."""
SHOWN = ("gpu_memory", "gpu_utilization", "gpu_temperature", "gpu_power", "gpu_status")
"""The fields that the status shows, and that are sampled whether or not a rule reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorOptions:
    """How a coordinator runs.

    Units: seconds. ``jitter`` is a share of the interval.
    Missing: ``poll_interval`` None: the ruleset's; ``read_timeout`` (how long a poll waits for the source) None: the
    interval; ``state_path`` None: nothing is kept over a restart. ``reload_timeout``: how long the files of the ruleset
    may take to be read before that is reported. ``allowed_programs`` are those that rules may run, by absolute path.
    """

    poll_interval: float | None = None
    jitter: float = 0.1
    read_timeout: float | None = None
    state_path: str | Path | None = None
    state_max_age: float = 600.0
    dry_run: bool = False
    watch_files: bool = True
    reload_timeout: float = 10.0
    stop_timeout: float = 5.0
    allowed_programs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PollReport:
    """What one poll brought: the observation, and the rules that started to match, changed their GPUs, or stopped.

    Missing: ``snapshot`` None: nothing could be read, and ``error`` says why. ``ended``: the source is at its end.
    """

    snapshot: Snapshot | None
    transitions: tuple[Transition, ...] = ()
    edges: tuple[Edge, ...] = ()
    error: str | None = None
    ended: bool = False
    failure: TelemetryError | None = None


@dataclass(frozen=True, slots=True)
class Clocks:
    """What time it is, and a monotonic clock."""

    wall: Callable[[], float]
    steady: Callable[[], float]

    def adapt(self, source: Source) -> Source:
        """Return *source* on the wall clock: a recording or simulation brings a time of its own."""
        if self.wall is time.time and isinstance(source, FiniteSource):
            return WallClockSource(source, self.wall, self.steady)
        return source


@dataclass(frozen=True, slots=True)
class _Known:
    """What is found out once about a ruleset."""

    ruleset: Ruleset
    rules: dict[str, Rule]
    contextual: frozenset[str]
    fields: tuple[Field, ...]
    feeds: tuple[Field, ...]
    read_by: dict[str, frozenset[str]]
    repeated: frozenset[str]


def _known(ruleset: Ruleset) -> _Known:
    fields = tuple(field for field in fields_read(ruleset) if field.is_per_gpu)
    rules = {rule.name: rule for rule in ruleset.rules}
    read_by = {name: _read_by(rule, ruleset) for name, rule in rules.items()}
    return _Known(
        ruleset, rules, contextual_rules(ruleset), fields, feeds_read(ruleset), read_by, repeated_rules(ruleset)
    )


def _read_by(rule: Rule, ruleset: Ruleset) -> frozenset[str]:
    """Return the fields that a rule reads, those of the signals in its condition too."""
    named = [ruleset.signals[part.name] for part in ir.walk(rule.term) if isinstance(part, ir.Signal)]
    return frozenset(f.name for term in (rule.term, *(s.condition for s in named)) for f in ir.fields(term))


class Poller:
    """Polls a source for an engine: ``read`` may take its time; ``take`` is quick, and its owner holds a lock."""

    def __init__(self, engine: Engine, source: Source | str, options: CoordinatorOptions, clocks: Clocks) -> None:
        self.engine = engine
        self.options = options
        self.reading = SourceWorker(source, clocks.adapt)
        self.schedule = Schedule()
        self._registered = RegisteredFacts(engine, self.schedule, clocks.steady)
        self.effects = Dispatcher(options.dry_run)
        self.metrics = Metrics()
        self.episodes = Episodes()
        self._clocks = clocks
        self._ruleset = _known(engine.ruleset)
        self._began_at = clocks.wall()
        self._drift = clocks.wall() - clocks.steady()
        self._blind_since: float | None = None
        self._latest: Snapshot | None = None
        self._repeated_until: float | None = None

    @property
    def interval(self) -> float:
        """How long it is from poll to poll, in seconds."""
        return self.options.poll_interval or self.engine.ruleset.settings.poll_interval

    @property
    def telemetry_age(self) -> float | None:
        """How old the latest telemetry is, in seconds; None where there was none yet."""
        seen = self.metrics.last_gpu_update
        return None if seen is None else max(0.0, self._clocks.wall() - seen)

    def read(self) -> Snapshot | TelemetryError:
        """Return what the source reports, or why it does not; waits no longer than its time-out."""
        self.reading.sample((*SHOWN, *(field.name for field in self._ruleset.fields)))
        self.reading.feed(self._ruleset.feeds)
        timeout = self.options.read_timeout
        try:
            return self.reading.read(self.interval if timeout is None else timeout)
        except TelemetryError as error:
            return error

    def take(self, answer: Snapshot | TelemetryError) -> PollReport:
        """Act on what was read."""
        began = time.perf_counter()
        if self._ruleset.ruleset is not self.engine.ruleset:
            self._ruleset = _known(self.engine.ruleset)
            self.episodes.adopt(self._ruleset.rules)
        self._follow_clock()
        if isinstance(answer, Snapshot):
            report = self._observe(answer)
        else:
            has_ended = isinstance(answer, EndOfTelemetry)
            self.metrics.missed_polls += not has_ended
            self.metrics.coordination_misses += not has_ended
            self.metrics.last_source_error = str(answer)
            report = replace(self._blind(str(answer)), ended=has_ended, failure=answer)
        self._count(time.perf_counter() - began, report.snapshot)
        return report

    def _follow_clock(self) -> None:
        """Where the clock was set since the last poll, move all that is remembered along with it."""
        wall = self._clocks.wall()
        drift = wall - self._clocks.steady()
        step, self._drift = drift - self._drift, drift
        if abs(step) < STEP_SECONDS:
            return
        self.metrics.clock_steps += 1
        self._began_at += step
        self.schedule.shift(step)
        last = self.engine.snapshot
        if last is None or abs(wall - step - last.timestamp) > max(60.0, 3 * self.interval):
            return  # the source has a time of its own
        self.engine.shift(step)
        self.episodes.shift(step)
        if self._repeated_until is not None:
            self._repeated_until += step
        if self.metrics.last_gpu_update is not None:
            self.metrics.last_gpu_update += step
        if self._blind_since is not None:
            self._blind_since += step

    def _observe(self, snapshot: Snapshot) -> PollReport:
        if snapshot is self._latest:
            return PollReport(snapshot)
        self._latest = snapshot
        observed = self.engine.observe(snapshot, NO_NODE)
        self.metrics.last_source_error = None
        if not observed.accepted:
            self.metrics.ignored_snapshots += 1
            return PollReport(snapshot)
        self._blind_since = None
        self.metrics.last_gpu_update = snapshot.timestamp
        return PollReport(snapshot, observed.transitions, self._edges(snapshot.timestamp))

    def _blind(self, error: str) -> PollReport:
        """Nothing could be read: once telemetry is stale, the engine is notified that every field is missing."""
        now, seen = self._clocks.wall(), self.metrics.last_gpu_update
        age = now - (self._began_at if seen is None else seen)
        if self._blind_since is None and age < self.engine.ruleset.settings.stale_after:
            return PollReport(None, error=error)
        if self._blind_since is None:
            self._blind_since = now
        last = self.engine.snapshot or Snapshot()
        kept = last.gpus if now - self._blind_since < self.engine.ruleset.settings.forget_gpu_after else ()
        gpus = tuple(gpu.without_readings("unavailable") for gpu in kept)
        blind = replace(last, timestamp=now, gpus=gpus, problems=(error,))
        observed = self.engine.observe_blind(blind, {"telemetry_age": max(0.0, age)})
        edges = self._edges(now) if observed.accepted else ()
        return PollReport(None, observed.transitions, edges, error)

    def _edges(self, now: float) -> tuple[Edge, ...]:
        """Return the edges of rules, for the node and for each pending transfer; run their effects."""
        known = self._ruleset
        matching = matching_rules(self.engine, None, None, known.contextual)
        edges = self.episodes.step(now, None, matching, known.rules)
        pending = {t.id: t for t in self.schedule.pending() if t.id}
        self.episodes.keep(pending)
        if known.contextual:
            for name, transfer in pending.items():
                matching = matching_rules(self.engine, transfer, self._workload(transfer), known.contextual)
                if matching or name in self.episodes.running:
                    edges += self.episodes.step(now, name, matching, known.rules)
        for edge in edges:
            self._act(edge, pending.get(edge.transfer_id) if edge.transfer_id else None)
        if known.repeated:
            for due in due_repeats(self.episodes, known.repeated, self._repeated_until, now):
                self._submit(due.notice, due.ordered, pending.get(due.transfer_id) if due.transfer_id else None)
        self._repeated_until = now
        return tuple(edges)

    def _workload(self, transfer: Transfer) -> Workload | None:
        return self.schedule.workload(transfer.workload_id, self._clocks.steady())

    def _act(self, edge: Edge, transfer: Transfer | None) -> None:
        is_start = edge.kind == "start"
        if is_start and not edge.rule.is_shadow:
            self.metrics.coordination_events += 1
            read = self._ruleset.read_by[edge.rule.name]
            self.metrics.memory_pressure_events += any(name.startswith("gpu_memory") for name in read)
            self.metrics.temperature_limit_events += any("temperature" in name for name in read)
        if is_start:
            self.metrics.rules.setdefault(edge.rule.name, RuleCounts()).starts += 1
        if edge.suppressed:
            return
        for ordered in edge.rule.actions:
            self._submit(Notice.of(edge), ordered, transfer)

    def _submit(self, notice: Notice, ordered: RuleAction, transfer: Transfer | None) -> None:
        """Queue what *notice* is for an effect."""
        if is_effect(ordered.action):
            workload = self._workload(transfer) if transfer else None
            for event in events_of(self.engine, notice, ordered, transfer, workload):
                self.effects.submit(ordered.action, replace(event, allowed_programs=self.options.allowed_programs))

    def _count(self, seconds: float, snapshot: Snapshot | None) -> None:
        metrics = self.metrics
        metrics.polls += 1
        metrics.poll_seconds = seconds
        metrics.poll_seconds_total += seconds
        if snapshot is not None:
            metrics.total_gpus = snapshot.gpu_count
        if snapshot is not None or self._blind_since is not None:
            outcomes(self.engine, metrics)
            count_missing(self.engine, self._ruleset.fields, metrics)

    def restore(self, store: StateStore, answer: Snapshot | TelemetryError) -> None:
        """Take the state over: the file belongs to the time of the telemetry, so that of the first snapshot decides.

        While nothing can be read, a state that fits the clock is taken over.
        """
        now = answer.timestamp if isinstance(answer, Snapshot) else self._clocks.wall()
        rules = {rule.name: rule for rule in self.engine.ruleset.rules}
        with self.engine.exclusive() as signals:
            store.restore(signals, self.episodes, rules, now)
        if isinstance(answer, Snapshot):
            store.settle()

    def state(self) -> dict[str, object]:
        """Return what is to outlive a restart, JSON-ready."""
        seen = self.engine.snapshot
        with self.engine.exclusive() as signals:
            return dump(signals, self.episodes, self._clocks.wall() if seen is None else seen.timestamp)

    def collect(self, state_failures: int, history: HistoryState | None) -> Metrics:
        """Return the current counts, a copy."""
        copied = self.metrics.copy()
        copied.pending_transfers = self.schedule.pending_count
        copied.active_workloads = len(self.schedule.workloads(self._clocks.steady()))
        copied.effects = self.effects.counts
        copied.state_failures = state_failures
        if history is not None:
            copied.history_unwritten, copied.history_lost = history.unwritten, history.lost
        copied.refused_transfers = self.schedule.refused_transfers
        copied.uncarried = self.schedule.uncarried
        copied.faults = self.schedule.faults
        copied.telemetry_age = self.telemetry_age
        form = self.reading.form
        copied.source_form, copied.source_form_reason = (form.name, form.why or None) if form else (None, None)
        return copied

    def after_fork(self) -> None:
        """Make do in a forked child: the source is the parent's, and effects are its business."""
        self.reading.abandon()
        self.effects = Dispatcher(dry_run=True)
        self.schedule.after_fork()
        self._registered.after_fork()
