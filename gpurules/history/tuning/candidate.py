"""Evaluates candidates: all of them over one frame, before the next frame is read.

What candidates have in common is computed once: the columns of the frame, the windows, and equal conditions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gpurules.backends.columnar import Columnar, Truths
from gpurules.engine.state.signals import signals_read
from gpurules.fields import Field
from gpurules.history.frames.completion import CompleteFrame
from gpurules.history.kernel.kernel import Grids
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.kernel.signals import Stepper
from gpurules.history.kernel.table import FrameTable
from gpurules.history.kernel.windows import Tails, keep_of
from gpurules.history.tuning.trial import PrecedingSamples, Score, Scores, TuningEvent, is_left_out
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import lower
from gpurules.rules import Ruleset
from gpurules.rules.rule import Signal

MOST_TERMS = 128
"""The number of different conditions whose values are kept for a frame; beyond, they are computed again."""


def only_signals(ruleset: Ruleset, signals: Sequence[str]) -> Ruleset:
    """Return a ruleset with *signals* and those that they read, without rules."""
    wanted, stack = dict[str, None](), list(signals)
    while stack:
        name = stack.pop()
        if name in ruleset.signals and name not in wanted:
            wanted[name] = None
            stack += signals_read(ruleset.signals[name])
    kept: Mapping[str, object] = {name: one for name, one in ruleset.signals.items() if name in wanted}
    return replace(ruleset, rules=(), signals=kept, mentioned={})  # type: ignore[arg-type]


@dataclass(slots=True)
class _LoweredSignal:
    signal: Signal
    condition: ir.Term
    until: ir.Term | None
    reads_signals: bool


class Candidate:
    """One candidate: the signals of its ruleset that goals name, with those that they read, and their scores."""

    def __init__(self, ruleset: Ruleset, signals: Sequence[str]) -> None:
        """Start with no state and no scores."""
        self.plan = KernelPlan.of(only_signals(ruleset, signals))
        self.scores: Scores = {(name, left): Score() for name in signals for left in (False, True)}
        self._signals = [_lowered(signal) for signal in self.plan.signals]
        self._scored = frozenset(signals)
        self._stepper = Stepper(self.plan.ruleset.settings)

    def start_node(self) -> None:
        """Forget the states of the node before."""
        self._stepper = Stepper(self.plan.ruleset.settings)

    def finish_node(self) -> None:
        """Add the episodes of the node."""
        for score in self.scores.values():
            score.finish_node()

    def score(self, frame: "SharedFrame") -> None:
        """Step the signals over *frame*, and add to their scores.

        Raises:
            UnsupportedError: only the engine can evaluate a signal.
        """
        own: tuple[FrameTable, Columnar] | None = None
        grids = Grids(frame.table.frame, self._stepper)
        signals: dict[str, np.ndarray] = {}
        for one in self._signals:
            signal = one.signal
            if one.reads_signals and own is None:
                table = replace(frame.table, signals=signals)
                own = table, Columnar(table)
            columnar = frame.columnar_of(one.condition) if own is None or not one.reads_signals else own[1]
            truths = columnar.truths(one.condition, signal.per_gpu)
            until = None if one.until is None else columnar.truths(one.until, signal.per_gpu)
            grid = grids.of(signal)
            spread, ending = (
                None if t is None else Truths(grid.spread(t.true), grid.spread(t.false)) for t in (truths, until)
            )
            assert spread is not None
            on, changes = self._stepper.step(signal, grid, spread, ending)
            mask = signals[signal.name] = grid.gather(on)
            if signal.name in self._scored:
                score = self.scores[signal.name, frame.is_left_out]
                score.episodes.add_changes(grid.owners, changes.owner, grid.times[changes.snapshot], changes.on)
                score.episodes.finish(float(grid.times[-1]))
                frame.add_to(score, mask, signal.per_gpu)


def _lowered(signal: Signal) -> _LoweredSignal:
    terms = [lower(term) for term in (signal.condition, signal.until) if term is not None]
    reads_signals = any(isinstance(part, ir.Signal) for term in terms for part in ir.walk(term))
    return _LoweredSignal(signal, terms[0], terms[1] if len(terms) > 1 else None, reads_signals)


@dataclass
class SharedFrame:
    """One frame for all candidates.

    Units: ``lead`` in seconds.
    """

    table: FrameTable
    events: Sequence[TuningEvent]
    lead: float
    _terms: set[ir.Term] = field(default_factory=set)
    _preceding: dict[bool, PrecedingSamples] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start with nothing computed."""
        self._columnar = Columnar(self.table)
        self.is_left_out = is_left_out(self.table.frame)

    def columnar_of(self, term: ir.Term) -> Columnar:
        """Return the evaluator of conditions that do not read signals; it remembers the values of some of them."""
        self._terms.add(term)
        if len(self._terms) > MOST_TERMS:
            self._terms = {term}
            self._columnar = Columnar(self.table)
        return self._columnar

    def add_to(self, score: Score, mask: np.ndarray, per_gpu: bool) -> None:
        """Add the samples, hours and events of the frame to *score*."""
        frame, times = self.table.frame, self.table.frame.frame.times
        score.samples += len(mask)
        score.on += int(np.count_nonzero(mask))
        score.hours += float(times[-1] - times[0]) / 3600 * (len(frame.owners) if per_gpu else 1)
        if per_gpu not in self._preceding:
            self._preceding[per_gpu] = PrecedingSamples.of(self.events, frame, per_gpu, self.lead)
        preceding = self._preceding[per_gpu]
        score.events += preceding.events
        score.missed += preceding.count_missed(mask)


class NodeFrames:
    """The frames of one node, shared by *candidates*, with what their windows need of earlier frames."""

    def __init__(self, candidates: Sequence[Candidate], lead: float) -> None:
        """Start with no samples."""
        windows = [window for one in candidates for window in one.plan.windows.values()]
        self._tails = Tails(keep_of(windows))
        self._watched: dict[str, Field] = {w.field.name: w.field for w in windows if w.operand is None}
        self._context, self._lead = candidates[0].plan.context, lead

    def share(self, frame: CompleteFrame, events: Sequence[TuningEvent]) -> "Iterator[SharedFrame]":
        """Yield the frame for all candidates; after that, remember its samples for later windows.

        Raises:
            UnsupportedError: a sample cannot be represented.
        """
        table = FrameTable(frame, self._context, self._tails)
        yield SharedFrame(table, events, self._lead)
        now = float(frame.frame.times[-1])
        for name, wanted in self._watched.items():
            for owner, samples in table.samples(wanted).items():
                self._tails.remember(owner, name, samples, now)
