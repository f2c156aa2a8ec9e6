"""Replays telemetry and transfers through an engine, and reports events."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from gpurules.actions.decision import Decision
from gpurules.actions.targets import TARGETS
from gpurules.cli.run.gpu_changes import GPUChange, GPUChanges
from gpurules.cli.run.unseen_fields import UnseenFields
from gpurules.engine import Engine, Transition
from gpurules.engine.recordings import RELATIVE_SECONDS
from gpurules.model import Snapshot, Transfer, Workload
from gpurules.rules.ruleset import Ruleset

FLAP_SECONDS = 60
"""A signal that turns on again within this time after it turned off has flapped."""


@dataclass(frozen=True, slots=True)
class NodeChange:
    """The directives for every transfer have changed."""

    timestamp: float
    before: Decision | None
    after: Decision


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision was made on a transfer."""

    timestamp: float
    transfer: Transfer
    workload: Workload | None
    decision: Decision


Event: TypeAlias = Transition | NodeChange | Decided | GPUChange
Pair: TypeAlias = tuple[Transfer, Workload | None]


@dataclass(slots=True)
class Tally:
    """The totals of a playback.

    Units: ``first`` and ``last`` in seconds since 1970, ``delays`` in seconds."""

    snapshots: int = 0
    ignored: int = 0
    first: float = 0.0
    last: float = 0.0
    transfers: int = 0
    delays: list[float] = field(default_factory=list)
    paused: int = 0
    boosted: int = 0
    staged: int = 0
    limited: int = 0
    untouched: int = 0
    after_the_end: int = 0
    transitions: int = 0
    flaps: int = 0


class Playback:
    """One playback of a recording; it provides the engine's clock."""

    def __init__(self, ruleset: Ruleset, transfers: Iterable[Pair] = ()) -> None:
        self.tally = Tally()
        self.snapshot: Snapshot | None = None
        self._now = 0.0
        self._gpu_changes = GPUChanges(ruleset)
        self._unseen = UnseenFields(ruleset)
        self._engine = Engine(ruleset, clock=lambda: self._now)
        self._waiting = list(transfers)
        self._node: Decision | None = None
        self._jobs: list[tuple[Workload, float, float]] = []
        self._off_since: dict[tuple[str, str], float] = {}

    def play(self, snapshots: Iterable[Snapshot]) -> Iterator[Event]:
        """Replay *snapshots* and yield the events, in order of time."""
        for snapshot in snapshots:
            if self.snapshot is None:
                self._start(snapshot)
            else:
                yield from self._decide_until(snapshot.timestamp)
            self._now = max(self._now, snapshot.timestamp)
            seen = self._engine.observe(snapshot, node=self._facts(snapshot.timestamp))
            self.tally.snapshots += 1
            self.tally.ignored += not seen.accepted
            before = self.snapshot
            self.snapshot = snapshot if seen.accepted or before is None else before
            self.tally.last = self._now
            if before is not None and seen.accepted:
                yield from self._gpu_changes.between(before, snapshot)
            self._unseen.look(self._engine.bound.facts, snapshot)
            self._count_transitions(seen.transitions)
            yield from seen.transitions
            yield from self._node_change()
        if self.snapshot is not None:
            yield from self._decide_until(self._now + FLAP_SECONDS)
        self.tally.after_the_end = len(self._waiting)

    @property
    def fields_missing(self) -> tuple[str, ...]:
        """A line for each field that rules read and no snapshot has."""
        return tuple(self._unseen.lines()) if self.tally.snapshots else ()

    def _start(self, first: Snapshot) -> None:
        """Sort the transfers by start, on the clock of the recording."""
        self._now = self.tally.first = first.timestamp
        created = [transfer.created for transfer, _ in self._waiting if transfer.created is not None]
        if created and max(created) < RELATIVE_SECONDS <= first.timestamp:
            self._waiting = [(_shifted(transfer, first.timestamp), workload) for transfer, workload in self._waiting]
        self._waiting.sort(key=lambda pair: pair[0].created or first.timestamp)
        self._jobs = _jobs(self._waiting)

    def _facts(self, timestamp: float) -> dict[str, object]:
        """Return the workload facts of a node: each workload runs from its first to its last transfer."""
        active = [workload for workload, start, end in self._jobs if start <= timestamp <= end]
        return {
            "active_workloads": len(active),
            "active_training": any(workload.type == "training" for workload in active),
            "active_inference": any(workload.type == "inference" for workload in active),
        }

    def _decide_until(self, timestamp: float) -> Iterator[Decided]:
        done = 0
        for transfer, workload in self._waiting:
            created = transfer.created if transfer.created is not None else self._now
            if created >= timestamp:
                break
            self._now = max(self._now, created)
            decision = self._engine.decide(transfer, workload=workload)
            self._count(decision)
            done += 1
            yield Decided(self._now, transfer, workload, decision)
        del self._waiting[:done]

    def _count(self, decision: Decision) -> None:
        tally = self.tally
        tally.transfers += 1
        if decision.delay > 0:
            tally.delays.append(decision.delay)
        tally.paused += decision.paused
        tally.boosted += decision.priority_boost != 0
        tally.staged += decision.stage is not None
        tally.limited += decision.max_bandwidth is not None or decision.max_concurrency is not None
        tally.untouched += not is_touched(decision)

    def _count_transitions(self, transitions: Iterable[Transition]) -> None:
        for change in transitions:
            self.tally.transitions += 1
            key = (change.signal, change.owner)
            if not change.on:
                self._off_since[key] = change.timestamp
            elif change.timestamp - self._off_since.get(key, float("-inf")) < FLAP_SECONDS:
                self.tally.flaps += 1

    def _node_change(self) -> Iterator[NodeChange]:
        decision = self._engine.decide()
        before, self._node = self._node, decision
        if node_directives(decision) != node_directives(before):
            yield NodeChange(self._now, before, decision)


def is_touched(decision: Decision) -> bool:
    """Return whether the decision has directives for this particular transfer."""
    return any(decision.value(name) != target.neutral for name, target in TARGETS.items() if target.of_transfer)


Directives: TypeAlias = Mapping[str, Any]
"""The value of each target that holds for every transfer alike, by its name."""


def node_directives(decision: Decision | None) -> Directives:
    """Return the directives of a decision for every transfer; for None, those without rules."""
    return {
        name: target.neutral if decision is None else decision.value(name)
        for name, target in TARGETS.items()
        if target.of_node
    }


def _shifted(transfer: Transfer, start: float) -> Transfer:
    return replace(transfer, created=None if transfer.created is None else transfer.created + start)


def _jobs(transfers: Sequence[Pair]) -> list[tuple[Workload, float, float]]:
    """Return each workload with the time of its first and last transfer."""
    jobs: dict[object, tuple[Workload, float, float]] = {}
    for transfer, workload in transfers:
        if workload is not None:
            at = transfer.created or 0.0
            key = workload.id or id(workload)
            first = jobs.get(key, (workload, at, at))[1]
            jobs[key] = (workload, min(first, at), at)
    return list(jobs.values())
