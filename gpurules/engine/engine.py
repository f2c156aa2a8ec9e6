"""The engine: takes in snapshots, remembers what rules need, and decides on transfers from any thread."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeAlias

from gpurules.actions.decision import Basis, Decision, decision_of
from gpurules.backends.facts import NO_NODE, NO_TRANSFER, NO_WORKLOAD
from gpurules.backends.specialization import Residual
from gpurules.engine.state.derived_state import DerivedState
from gpurules.engine.state.history import NODE
from gpurules.engine.state.signals import Signals, Transition
from gpurules.gc_pause import gc_paused
from gpurules.model import GPUIndex, Snapshot, Transfer, Workload
from gpurules.rules.program import BoundProgram, Program
from gpurules.rules.rule_terms import RuleTerms
from gpurules.rules.ruleset import Ruleset
from gpurules.telemetry.tracking.gpu_tracker import GpuTracker


@dataclass(frozen=True, slots=True)
class Observation:
    """What taking in a snapshot changed; ``accepted`` is False for one that was not newer than the last."""

    accepted: bool
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class SignalState:
    """Whether a signal is on, for one GPU or the node.

    Units: ``since`` in seconds since 1970.
    Missing: ``device`` is None for a signal of the node, and for a GPU that is gone (then ``owner`` identifies it).
    """

    name: str
    owner: str
    device: GPUIndex | None
    on: bool
    since: float


Current: TypeAlias = tuple[BoundProgram, Residual | None, dict[int, Basis], float, float]
"""What ``decide`` reads: what is bound, two of its parts at hand, until when they hold, and when it turns stale."""


class Engine:
    """A ruleset with memory: history, signals and timers. Thread-safe.

    ``observe`` is for the polling thread; ``decide`` may be called from any thread at any time, takes no lock, never
    raises on trouble with telemetry: without any it decides on a snapshot without GPUs, and says ``stale``.

    *clock* gives seconds since 1970; it is used for staleness only, all else goes by the snapshots' timestamps.
    """

    def __init__(self, ruleset: Ruleset, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ruleset = ruleset
        self._node: Mapping[str, object] = NO_NODE
        self._registered: Mapping[str, object] = NO_NODE
        self._provider: Callable[[], Mapping[str, object]] = lambda: NO_NODE
        self._seen = False
        self.ignored_snapshots = 0
        self._gpu_tracker = GpuTracker(ruleset.settings.forget_gpu_after, remembers_xid=False)
        with gc_paused():
            self._derived, program = _made(ruleset)
            facts, _ = self._derived.fresh_copy().observe(Snapshot(timestamp=0.0), NO_NODE, program.context)
            self._set(program.bind(facts), float("-inf"))

    def _set(self, bound: BoundProgram, stale_at: float) -> None:
        """Swap what ``decide`` reads: one attribute, so that no thread sees half of it."""
        bound.ends = lambda: self._ends(bound)
        quick_until = float("-inf") if bound.program.reads_clock else stale_at
        self._current: Current = (bound, bound.residual, bound.bases, quick_until, stale_at)

    def _ends(self, bound: BoundProgram) -> Mapping[tuple[str, str | None], float]:
        """Return when the signals end that ``keep_for`` holds on; nothing where later snapshots were taken in."""
        with self._lock:
            return self._derived.signals.ends() if self._current[0] is bound else {}

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset in force."""
        return self._ruleset

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest snapshot taken in, None before the first."""
        return self._current[0].snapshot if self._seen else None

    def observe(self, snapshot: Snapshot, node: Mapping[str, object] | None = None) -> Observation:
        """Take in a snapshot: history, windows, signals, and all that it decides for every transfer.

        A GPU that was in an earlier snapshot and is not in this one is lost, not gone: for
        ``settings.forget_gpu_after`` it stays, with its facts missing. A snapshot that is not newer than the last is
        ignored and counted.
        """
        return self._take_in(snapshot, node, is_blind=False)

    def observe_blind(self, snapshot: Snapshot, node: Mapping[str, object] | None = None) -> Observation:
        """Take in a snapshot that could not be read: signals move on, and decisions stay stale as they are."""
        return self._take_in(snapshot, node, is_blind=True)

    def _take_in(self, snapshot: Snapshot, node: Mapping[str, object] | None, is_blind: bool) -> Observation:
        with self._lock:
            bound, *_, stale_at = self._current
            if self._seen and snapshot.timestamp <= bound.timestamp:
                self.ignored_snapshots += 1
                return Observation(False)
            if node is not None:
                self._node = node
            self._registered = self._provider()
            program = bound.program
            if not is_blind:
                snapshot = self._gpu_tracker.complete(snapshot, snapshot.timestamp)
            facts, transitions = self._derived.observe(snapshot, self._node_facts(), program.context)
            if not is_blind:
                stale_at = snapshot.timestamp + self._ruleset.settings.stale_after
            self._set(program.bind(facts), stale_at)
            self._seen = True
            return Observation(True, transitions)

    def follow(self, provider: Callable[[], Mapping[str, object]]) -> None:
        """Ask *provider*, at each snapshot, what this process knows of the node by itself, such as its workloads.

        What the caller of ``observe`` says of the node stands above it.
        """
        self._provider = provider

    def refresh(self) -> None:
        """Ask the provider again: decisions follow before this returns.

        No time passes: signals, windows and timers stay as they are until the next snapshot.
        """
        with self._lock:
            before, self._registered = self._registered, self._provider()
            bound, *_, stale_at = self._current
            if any(before.get(name) != self._registered.get(name) for name in bound.program.node_fields):
                self._set(bound.with_node(self._node_facts()), stale_at)

    def _node_facts(self) -> Mapping[str, object]:
        return {**self._registered, **self._node} if self._registered else self._node

    @property
    def bound(self) -> BoundProgram:
        """The ruleset on the latest snapshot: immutable, and not changed by later snapshots."""
        return self._current[0]

    @property
    def is_neutral(self) -> bool:
        """Whether no rule matches now, whatever the transfer and the workload."""
        bound = self._current[0]
        return bound.base == 0 and bound.residual is None and not bound.program.reads_clock

    @property
    def is_stale(self) -> bool:
        """Whether decisions are stale now."""
        return self._clock() > self._current[4]

    @contextmanager
    def exclusive(self) -> Iterator[Signals]:
        """Give exclusive access to signal state for saving or restoring; observation is blocked meanwhile."""
        with self._lock:
            yield self._derived.signals

    def after_fork(self) -> None:
        """Make the engine usable in a forked child, whose parent may have been observing."""
        self._lock = threading.Lock()

    def decide(self, transfer: Transfer | None = None, workload: Workload | None = None) -> Decision:
        """Return the decision for *transfer*, or without one that of the node.

        Missing: without a transfer (or workload) its fields are missing.
        """
        current = self._current
        bound, residual, bases, quick_until, _ = current
        if transfer is None:
            transfer = NO_TRANSFER
        if workload is None:
            workload = NO_WORKLOAD
        if self._clock() > quick_until:
            return self._decide_slowly(current, transfer, workload)
        if bound.shared is not None:
            return bound.shared
        mask = bound.base if residual is None else residual(transfer, workload)
        try:
            basis = bases[mask]
        except KeyError:
            basis = bound.basis(mask)
        decision = Decision()
        decision._basis, decision._transfer, decision._workload = basis, transfer, workload
        return decision

    def _decide_slowly(self, current: Current, transfer: Transfer, workload: Workload) -> Decision:
        """Decide on telemetry that is stale, or by rules that read how old it is."""
        (bound, *_, stale_at), now = current, self._clock()
        if bound.program.reads_clock:
            return self._aged(bound, now).decide_straight(transfer, workload, now > stale_at)
        return bound.decide(transfer, workload, now > stale_at)

    def decide_many(self, transfers: Iterable[Transfer], workload: Workload | None = None) -> list[Decision]:
        """Return the decision for each of *transfers*, in order: all on one snapshot, and the clock is read once.

        Missing: without a workload its fields are missing.
        """
        current = self._current
        bound, residual, bases, quick_until, _ = current
        context = NO_WORKLOAD if workload is None else workload
        if self._clock() > quick_until:
            return [self._decide_slowly(current, transfer, context) for transfer in transfers]
        found: list[Decision] = []
        for transfer in transfers:
            mask = bound.base if residual is None else residual(transfer, context)
            try:
                basis = bases[mask]
            except KeyError:
                basis = bound.basis(mask)
            decision = Decision()
            decision._basis, decision._transfer, decision._workload = basis, transfer, context
            found.append(decision)
        return found

    def decide_nothing(self) -> Decision:
        """Return the decision that no rule matched, on the latest snapshot."""
        bound, *_, stale_at = self._current
        return decision_of(bound.basis(0, self._clock() > stale_at), NO_TRANSFER, NO_WORKLOAD)

    @staticmethod
    def _aged(bound: BoundProgram, now: float) -> BoundProgram:
        """Return *bound* with the age that its snapshot has *now*, nothing decided ahead."""
        context = replace(bound.context, telemetry_age=max(0.0, now - bound.timestamp))
        aged = BoundProgram(bound.program, bound.snapshot, bound.node, context)
        aged.rows, aged.node_row = bound.rows, bound.node_row
        return aged

    def signals(self) -> tuple[SignalState, ...]:
        """Return the state of every signal: of each GPU that is or was there, or of the node."""
        with self._lock:
            gpus = {gpu.identity: gpu.index for gpu in self._current[0].snapshot.gpus}
            found = []
            for signal in self._derived.signals.ordered:
                states = self._derived.signals.states[signal.name]
                for owner in dict.fromkeys([*(gpus if signal.per_gpu else [NODE]), *states]):
                    state = states.get(owner)
                    on, since = (state.on, state.since) if state else (False, 0.0)
                    found.append(SignalState(signal.name, owner, gpus.get(owner), on, since))
            return tuple(found)

    def replace(self, ruleset: Ruleset) -> None:
        """Put *ruleset* in force; signals whose definition is the same keep their state."""
        present = self._current[0].program
        with gc_paused():
            derived, program = _made(ruleset, present)
            program.prepare(present)
        with self._lock:
            derived.adopt(self._derived)
            self._registered = self._provider()
            before, *_, stale_at = self._current
            facts, _ = derived.restate(before.snapshot, self._node_facts(), program.context)
            bound = program.bind(facts)
            self._derived, self._ruleset = derived, ruleset
            self._gpu_tracker.drop_after = ruleset.settings.forget_gpu_after
            self._set(bound, stale_at)

    def shift(self, seconds: float) -> None:
        """Move all remembered times by *seconds*: the clock that snapshots are stamped with was set."""
        with self._lock:
            bound, *_, stale_at = self._current
            self._derived.shift(seconds)
            self._gpu_tracker.shift(seconds)
            moved = replace(bound.snapshot, timestamp=bound.timestamp + seconds)
            self._set(bound.program.bind(replace(bound.facts, snapshot=moved)), stale_at + seconds)


def _made(ruleset: Ruleset, before: Program | None = None) -> tuple[DerivedState, Program]:
    """Return *ruleset* with nothing remembered; rules that are the same *before* are taken from there."""
    rule_terms = RuleTerms(ruleset, before=before.rule_terms if before else None)
    derived = DerivedState(ruleset, rule_terms)
    return derived, Program(ruleset, derived.layout, rule_terms)
