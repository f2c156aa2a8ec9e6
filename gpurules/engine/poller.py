"""One poll: read a snapshot, take it in, find which rules started or stopped, and run their effects."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gpurules.actions import is_effect
from gpurules.engine.effects import Dispatcher
from gpurules.engine.engine import Engine
from gpurules.engine.episodes import Edge, Episodes
from gpurules.engine.events import event_of, matching_rules, outcomes
from gpurules.engine.metrics import Metrics, RuleCounts
from gpurules.engine.signals import Transition
from gpurules.engine.workloads import Schedule
from gpurules.language import ir
from gpurules.model import GPU, Snapshot, Transfer
from gpurules.telemetry import EndOfTelemetry, Source, TelemetryError, open_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a coordinator runs.

    Units: seconds.
    Missing: ``poll_interval`` None: the ruleset's; ``state_path`` None: nothing is kept over a restart.
    """

    poll_interval: float | None = None
    jitter: float = 0.1
    state_path: str | Path | None = None
    state_max_age: float = 600.0
    dry_run: bool = False
    watch_files: bool = True
    stop_timeout: float = 5.0
    lost_after: float = 300.0


@dataclass(frozen=True, slots=True)
class PollReport:
    """What one poll brought: the observation, and the rules that started or stopped to match."""

    snapshot: Snapshot | None
    transitions: tuple[Transition, ...] = ()
    edges: tuple[Edge, ...] = ()
    error: str | None = None


class Poller:
    """Polls a source for an engine. Not for several threads: its owner holds a lock."""

    def __init__(
        self, engine: Engine, source: Source | str, options: Options, clock: Callable[[], float], dry_run: bool = False
    ) -> None:
        self.engine = engine
        self.options = options
        self.schedule = Schedule()
        self.effects = Dispatcher(dry_run)
        self.metrics = Metrics()
        self.episodes = Episodes()
        self._clock = clock
        self._spec = source
        self._source: Source | None = None if isinstance(source, str) else source
        self._blind_since: float | None = None

    @property
    def source_name(self) -> str:
        """The name of the source, or how it will be opened."""
        return self._source.name if self._source else str(self._spec)

    def close(self) -> None:
        """Close the source."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def abandon(self) -> None:
        """Forget the source without closing it: in a forked child it is the parent's."""
        self._source = None

    def poll(self) -> PollReport:
        """Read once and act on it.

        Raises:
            EndOfTelemetry: a source that ends has ended.
        """
        began = time.monotonic()
        snapshot, error = self._read()
        if snapshot is None:
            self.metrics.missed_polls += 1
            self.metrics.coordination_misses += 1
            self.metrics.last_source_error = error
            report = self._blind(self._clock(), error)
        else:
            self.metrics.last_source_error, self._blind_since = None, None
            report = self._observe(snapshot)
        self._count(time.monotonic() - began, snapshot)
        return report

    def _read(self) -> tuple[Snapshot | None, str | None]:
        try:
            if self._source is None:
                self._source = open_source(self._spec) if isinstance(self._spec, str) else self._spec
            return self._source.read(), None
        except EndOfTelemetry:
            raise
        except TelemetryError as error:
            return None, str(error)
        except Exception as error:  # a source is a plug-in, and may raise anything
            return None, f"{type(error).__name__}: {error}"

    def _observe(self, snapshot: Snapshot) -> PollReport:
        observed = self.engine.observe(snapshot, self.schedule.node(snapshot.timestamp))
        if not observed.accepted:
            self.metrics.ignored_snapshots += 1
            return PollReport(snapshot)
        self.metrics.last_gpu_update = snapshot.timestamp
        return PollReport(snapshot, observed.transitions, self._edges(snapshot.timestamp))

    def _blind(self, now: float, error: str | None) -> PollReport:
        """Nothing could be read: once telemetry is stale, the engine is told that every field is missing."""
        last = self.engine.snapshot
        if last is None or now - last.timestamp < self.engine.ruleset.settings.stale_after:
            return PollReport(None, error=error)
        if self._blind_since is None:
            self._blind_since = now
        kept = last.gpus if now - self._blind_since < self.options.lost_after else ()
        gpus = tuple(
            GPU(
                index=g.index, uuid=g.uuid, name=g.name, vendor=g.vendor, mig=g.mig, status="unavailable", healthy=False
            )
            for g in kept
        )
        blind = replace(last, timestamp=now, gpus=gpus, problems=(error or "no telemetry",))
        observed = self.engine.observe_blind(blind, self.schedule.node(now))
        edges = self._edges(now) if observed.accepted else ()
        return PollReport(None, observed.transitions, edges, error)

    def _edges(self, now: float) -> tuple[Edge, ...]:
        """Return the rules that started or stopped, for the node and for each pending transfer; run their effects."""
        ruleset = self.engine.ruleset
        rules = {rule.name: rule for rule in ruleset.rules}
        edges = self.episodes.step(now, None, matching_rules(self.engine, None, None), rules)
        pending = {t.id: t for t in self.schedule.pending() if t.id}
        for gone in {k[1] for k in self.episodes.running if k[1] is not None and k[1] not in pending}:
            self.episodes.forget(gone)
        if any(f.scope in ("transfer", "workload") for r in ruleset.rules for f in ir.fields(r.term)):
            for name, transfer in pending.items():
                workload = self.schedule.workload(transfer.workload_id)
                found = matching_rules(self.engine, transfer, workload)
                edges += self.episodes.step(now, name, found, rules)
        for edge in edges:
            self._act(edge, pending.get(edge.transfer_id) if edge.transfer_id else None)
        return tuple(edges)

    def _act(self, edge: Edge, transfer: Transfer | None) -> None:
        counts = self.metrics.rules.setdefault(edge.rule.name, RuleCounts())
        if edge.is_start:
            counts.starts += 1
            self.metrics.coordination_events += 1
            read = {f.name for f in ir.fields(self._own_term(edge))}
            self.metrics.memory_pressure_events += any(name.startswith("gpu_memory") for name in read)
            self.metrics.temperature_limit_events += any("temperature" in name for name in read)
        if edge.suppressed:
            return
        for ordered in edge.rule.actions:
            if is_effect(ordered.action):
                event = event_of(self.engine, edge, ordered, transfer)
                if event is not None:
                    self.effects.submit(ordered.action, event)

    def _own_term(self, edge: Edge) -> ir.Term:
        """Return the condition of the rule, that of the signals it reads put in place."""
        signals = self.engine.ruleset.signals
        named = [part.name for part in ir.walk(edge.rule.term) if isinstance(part, ir.Signal)]
        parts = (edge.rule.term, *[signals[name].condition for name in named])
        return ir.And(parts)

    def _count(self, seconds: float, snapshot: Snapshot | None) -> None:
        metrics = self.metrics
        metrics.polls += 1
        metrics.poll_seconds = seconds
        metrics.poll_seconds_total += seconds
        metrics.pending_transfers = len(self.schedule.pending())
        metrics.active_workloads = len(self.schedule.workloads(self._clock()))
        if snapshot is not None:
            metrics.total_gpus = snapshot.gpu_count
            outcomes(self.engine, metrics)
