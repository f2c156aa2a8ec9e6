"""The kernel: evaluates a ruleset over the frames of one node, in order of time."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.columnar import Columnar, Mask, Truths, is_missing
from gpurules.engine.state.history import NODE
from gpurules.fields import Field
from gpurules.history.frames.completion import CompleteFrame, FrameCompletion
from gpurules.history.frames.frame import Frame
from gpurules.history.kernel.outcome import KernelOutcome, Rows
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.kernel.signals import Grid, Stepper
from gpurules.history.kernel.table import FrameTable
from gpurules.history.kernel.windows import Tails, keep_of
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import lower
from gpurules.rules import Rule
from gpurules.rules.rule import Signal
from gpurules.telemetry.tracking.gpu_tracker import GpuTracker

MOST_CELLS = 64
"""A grid of all GPUs at all snapshots may have this many cells per row; beyond, the engine is asked."""


@dataclass
class Kernel:
    """A ruleset over the frames of one node; it carries the state of windows, signals and GPUs from frame to frame.

    ``refused`` collects the rules and signals that only the engine can evaluate, and why.
    """

    plan: KernelPlan
    refused: dict[str, str] = field(default_factory=dict)
    with_causes: bool = False

    def __post_init__(self) -> None:
        """Start with no state."""
        settings = self.plan.ruleset.settings
        self._completion = FrameCompletion(GpuTracker(settings.forget_gpu_after, remembers_xid=False))
        self._tails = Tails(keep_of([*self.plan.windows.values()]))
        self._stepper = Stepper(settings)
        self._lowered: dict[int, ir.Term] = {}

    def advance(self, frame: Frame) -> KernelOutcome:
        """Return the outcomes of the rules and signals in *frame*, which is later than the one before."""
        return self.judge(self._completion.complete(frame))

    def judge(self, completed: CompleteFrame) -> KernelOutcome:
        """Return the outcomes in a frame that has been completed with lost GPUs."""
        rows = Rows(completed.frame.times, completed.groups, completed.owners, completed.owner)
        table = FrameTable(completed, self.plan.context, self._tails)
        columnar, outcome = Columnar(table), KernelOutcome(rows, refused=self.refused)
        grids = Grids(completed, self._stepper)
        for signal in self.plan.signals:
            self._attempt(signal.name, lambda s=signal: self._step(s, columnar, table, (grids, outcome)))  # type: ignore[misc]
        for rule in self.plan.rules:
            self._attempt(rule.name, lambda r=rule: self._judge(r, columnar, table, outcome))  # type: ignore[misc]
        self._remember(table)
        return outcome

    def _attempt(self, name: str, work: Callable[[], None]) -> None:
        if name in self.refused:
            return
        try:
            work()
        except UnsupportedError as error:
            self.refused[name] = str(error)

    def _low(self, term: ir.Term) -> ir.Term:
        found = self._lowered.get(id(term))
        if found is None:
            found = self._lowered[id(term)] = lower(term)
        return found

    def _step(self, signal: Signal, columnar: Columnar, table: FrameTable, to: tuple["Grids", KernelOutcome]) -> None:
        grids, outcome = to
        truths = columnar.truths(self._low(signal.condition), signal.per_gpu)
        until = None if signal.until is None else columnar.truths(self._low(signal.until), signal.per_gpu)
        grid = grids.of(signal)
        spread = Truths(grid.spread(truths.true), grid.spread(truths.false))
        ending = None if until is None else Truths(grid.spread(until.true), grid.spread(until.false))
        on, changes = self._stepper.step(signal, grid, spread, ending)
        table.signals[signal.name] = outcome.on[signal.name] = grid.gather(on)
        outcome.signals[signal.name] = truths
        outcome.changes[signal.name] = changes, grid.owners
        self._note_causes(signal.name, signal.condition, (truths, signal.per_gpu), (table, outcome))

    def _judge(self, rule: Rule, columnar: Columnar, table: FrameTable, outcome: KernelOutcome) -> None:
        if rule.gpus == "workload":
            if not rule.per_gpu and any(isinstance(term, ir.Aggregate) for term in ir.walk(rule.term)):
                raise UnsupportedError("it counts over the GPUs of a workload, but there is none")
            if rule.per_gpu:
                count = table.groups.count
                outcome.rules[rule.name] = Truths(np.zeros(count, bool), np.ones(count, bool))
                return
        truths = columnar.truths(self._low(rule.term), rule.per_gpu)
        outcome.rules[rule.name] = truths
        self._note_causes(rule.name, rule.term, (truths, rule.per_gpu), (table, outcome))

    def _note_causes(
        self, name: str, term: ir.Term, what: tuple[Truths, bool], to: tuple[FrameTable, KernelOutcome]
    ) -> None:
        """Count, where a condition is UNKNOWN, which of the fields that it reads are missing."""
        if not self.with_causes:
            return
        (truths, per_gpu), (table, outcome) = what, to
        unknown = is_missing(truths)
        if not unknown.any():
            return
        for wanted in sorted(ir.fields(term), key=lambda f: f.name):
            missing = _missing_rows(table, wanted, per_gpu)
            count = 0 if missing is None else int(np.count_nonzero(missing & unknown))
            if count:
                outcome.causes.setdefault(name, {})[wanted.name] = count

    def _remember(self, table: FrameTable) -> None:
        watched: dict[str, Field] = {w.field.name: w.field for w in self.plan.windows.values() if w.operand is None}
        for name, wanted in watched.items():
            try:
                found = table.samples(wanted)
            except UnsupportedError as error:
                self._refuse_windows(name, str(error))
                continue
            now = float(table.frame.frame.times[-1])
            for owner, samples in found.items():
                self._tails.remember(owner, name, samples, now)

    def _refuse_windows(self, name: str, why: str) -> None:
        """Refuse every rule and signal with a window over a field that has samples which cannot be represented."""
        for owner, term in self.plan.terms():
            if any(window.field.name == name for window in ir.windows(term)):
                self.refused.setdefault(owner, why)


def _missing_rows(table: FrameTable, wanted: Field, per_gpu: bool) -> Mask | None:
    missing = is_missing(table.read(wanted))
    if wanted.is_per_gpu and not per_gpu:
        return table.groups.counts(missing) > 0
    if per_gpu and not wanted.is_per_gpu:
        return missing if missing.ndim == 0 else missing[table.groups.snapshot]
    return missing


class Grids:
    """The grids of one frame: that of the node, and that of all GPUs, which is built on first use."""

    def __init__(self, frame: CompleteFrame, stepper: Stepper) -> None:
        self._frame, self._stepper = frame, stepper
        self._of_node = Grid((NODE,), frame.frame.times, None)
        self._of_gpus: Grid | None = None

    def of(self, signal: Signal) -> Grid:
        """Return the grid of the owners of *signal*."""
        if not signal.per_gpu:
            return self._of_node
        if self._of_gpus is None:
            self._of_gpus = self._made()
        return self._of_gpus

    def _made(self) -> Grid:
        frame, times = self._frame, self._frame.frame.times
        gone = [owner for owner in self._stepper.owners if owner != NODE and owner not in set(frame.owners)]
        owners, rows = [*frame.owners, *gone], len(frame.owner)
        if not gone and rows == len(owners) * len(times):
            return Grid(owners, times, None)
        if len(owners) * len(times) > max(1 << 20, MOST_CELLS * rows):
            raise UnsupportedError("GPUs come and go so often that a table of all of them would be mostly empty")
        return Grid(owners, times, frame.owner * len(times) + frame.groups.snapshot)
