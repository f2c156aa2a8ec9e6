"""The engine: takes in snapshots, remembers what rules need, and decides on transfers from any thread."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from gpurules.actions.decision import Decision
from gpurules.backends.facts import NO_NODE, NO_TRANSFER, NO_WORKLOAD
from gpurules.engine.derived import Derived
from gpurules.engine.history import NODE
from gpurules.engine.signals import Signals, Transition
from gpurules.model import GPUIndex, Snapshot, Transfer, Workload
from gpurules.rules.program import Bound, Program
from gpurules.rules.ruleset import Ruleset


@dataclass(frozen=True, slots=True)
class Observation:
    """What taking in a snapshot changed; ``accepted`` is False for one that was not newer than the last."""

    accepted: bool
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class SignalState:
    """Whether a signal is on, for one GPU or the node.

    Units: ``since`` in seconds since 1970.
    Missing: ``device`` is None for a signal of the node, and for a GPU that is gone (then ``owner`` tells which).
    """

    name: str
    owner: str
    device: GPUIndex | None
    on: bool
    since: float


class Engine:
    """A ruleset with memory: history, signals and timers. Thread-safe.

    ``observe`` is for the one who polls; ``decide`` may be called from any thread at any time, takes no lock, and never
    raises on trouble with telemetry: without any it decides on a snapshot without GPUs, and says ``stale``.

    *clock* tells seconds since 1970; it is used for staleness only, all else goes by the snapshots' timestamps.
    """

    def __init__(self, ruleset: Ruleset, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._derived = Derived(ruleset)
        self._ruleset = ruleset
        self._node: Mapping[str, object] = NO_NODE
        self._seen = False
        self.ignored_snapshots = 0
        program = _program(ruleset, self._derived)
        facts, _ = Derived(ruleset).observe(Snapshot(timestamp=0.0), NO_NODE, program.situation)
        self._set(program.bind(facts), float("-inf"))

    def _set(self, bound: Bound, stale_at: float) -> None:
        """Swap what ``decide`` reads: one attribute, so that no thread sees half of it."""
        self._current = (bound, stale_at, bound.program.reads_clock)

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

        A snapshot that is not newer than the last is ignored and counted.
        """
        with self._lock:
            bound = self._current[0]
            if self._seen and snapshot.timestamp <= bound.timestamp:
                self.ignored_snapshots += 1
                return Observation(False)
            if node is not None:
                self._node = node
            program = bound.program
            facts, transitions = self._derived.observe(snapshot, self._node, program.situation)
            self._set(program.bind(facts), snapshot.timestamp + self._ruleset.settings.stale_after)
            self._seen = True
            return Observation(True, transitions)

    def observe_blind(self, snapshot: Snapshot, node: Mapping[str, object] | None = None) -> Observation:
        """Take in a snapshot of which nothing could be read: signals move on, and decisions stay stale as they are."""
        stale_at = self._current[1]
        observed = self.observe(snapshot, node)
        with self._lock:
            bound, _, reads_clock = self._current
            self._current = (bound, stale_at, reads_clock)
        return observed

    @property
    def bound(self) -> Bound:
        """The ruleset on the latest snapshot: immutable, and not changed by later snapshots."""
        return self._current[0]

    @contextmanager
    def exclusive(self) -> Iterator[Signals]:
        """Give the states of the signals to one who saves or restores them; nothing is observed meanwhile."""
        with self._lock:
            yield self._derived.signals

    def after_fork(self) -> None:
        """Make the engine usable in a forked child, whose parent may have been observing."""
        self._lock = threading.Lock()

    def decide(self, transfer: Transfer | None = None, workload: Workload | None = None) -> Decision:
        """Return the decision for *transfer*, or without one that of the node.

        Missing: without a transfer (or workload) its fields are missing.
        """
        bound, stale_at, reads_clock = self._current
        transfer = NO_TRANSFER if transfer is None else transfer
        workload = NO_WORKLOAD if workload is None else workload
        now = self._clock()
        if reads_clock:
            return self._aged(bound, now).decide_straight(transfer, workload, now > stale_at)
        residual = bound.residual
        mask = bound.base if residual is None else residual(transfer, workload)
        try:
            return Decision((bound.stale_bases if now > stale_at else bound.bases)[mask], transfer, workload)
        except KeyError:
            return Decision(bound.basis(mask, now > stale_at), transfer, workload)

    def decide_nothing(self) -> Decision:
        """Return the decision that no rule matched, on the latest snapshot."""
        bound, stale_at, _ = self._current
        return Decision(bound.basis(0, self._clock() > stale_at), NO_TRANSFER, NO_WORKLOAD)

    @staticmethod
    def _aged(bound: Bound, now: float) -> Bound:
        """Return *bound* with the age that its snapshot has *now*, nothing decided ahead."""
        situation = replace(bound.situation, telemetry_age=max(0.0, now - bound.timestamp))
        aged = Bound(bound.program, bound.snapshot, bound.node, situation)
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
        derived = Derived(ruleset)
        program = _program(ruleset, derived)
        with self._lock:
            derived.adopt(self._derived)
            before, stale_at, _ = self._current
            facts, _ = derived.restate(before.snapshot, self._node, program.situation)
            bound = program.bind(facts)
            self._derived, self._ruleset = derived, ruleset
            self._set(bound, stale_at)

    def shift(self, seconds: float) -> None:
        """Move all remembered times by *seconds*: the clock that snapshots are stamped with was set."""
        with self._lock:
            bound, stale_at, _ = self._current
            self._derived.shift(seconds)
            moved = replace(bound.snapshot, timestamp=bound.timestamp + seconds)
            self._set(bound.program.bind(replace(bound.facts, snapshot=moved)), stale_at + seconds)


def _program(ruleset: Ruleset, derived: Derived) -> Program:
    identity = (ruleset.version, ruleset.file_types)
    return Program(ruleset.rules, ruleset.signals, ruleset.settings, identity, derived.layout)
