"""Evaluates one node: in the kernel where it supports the rule, in the engine otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.columnar import Mask
from gpurules.history.backtest.statistics.compared import Parting, add_differences
from gpurules.history.backtest.statistics.episodes import EpisodeRecorder
from gpurules.history.backtest.statistics.profile import Profile, add_frame, compared_fields
from gpurules.history.backtest.statistics.samples import Slices
from gpurules.history.backtest.statistics.tally import RuleTally
from gpurules.history.backtest.statistics.timeline import OwnerTimelines
from gpurules.history.backtest.statistics.value_counts import ValueCounts
from gpurules.history.backtest.task import NodeTask, wanted_columns
from gpurules.history.frames.frame import Frame
from gpurules.history.kernel.clock import Clock
from gpurules.history.kernel.kernel import Kernel
from gpurules.history.kernel.outcome import KernelOutcome, Rows, match_rules
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.kernel.replay import Replayer
from gpurules.history.store.format.findings import Findings
from gpurules.rules import Ruleset

GAP_INTERVALS = 3.0
"""A step between snapshots longer than this number of usual ones is a gap."""
LABEL = "label:"
"""What the name of a label begins with where shares are counted by it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The options of an evaluation.

    ``engine`` is ``kernel``, or ``replay`` for all by the engine itself; ``by`` is what shares are counted by.
    Units: ``bucket_seconds`` is the width of a stretch in a picture.
    Missing: ``bucket_seconds`` None: there is no report, so nothing is kept for its pictures.
    """

    plans: tuple[KernelPlan, ...]
    engine: str = "kernel"
    by: frozenset[str] = frozenset()
    bucket_seconds: float | None = None

    @property
    def label(self) -> str | None:
        """The label of snapshots that shares are counted by."""
        return next((name.removeprefix(LABEL) for name in self.by if name.startswith(LABEL)), None)

    @property
    def rulesets(self) -> list[Ruleset]:
        """The rulesets of the plans."""
        return [plan.ruleset for plan in self.plans]


@dataclass(slots=True)
class Extent:
    """The extent of the recording of one node.

    Units: ``first`` and ``last`` in seconds since 1970; ``hours`` without gaps.
    """

    snapshots: int = 0
    samples: int = 0
    gpus: set[str] = field(default_factory=set)
    first: float = float("inf")
    last: float = float("-inf")
    gaps: int = 0
    hours: float = 0.0
    _steps: ValueCounts = field(default_factory=ValueCounts)

    def add(self, frame: Frame) -> None:
        """Add a frame."""
        times = frame.times
        self.snapshots += len(times)
        self.samples += len(frame.owner)
        self.gpus.update(frame.owners)
        self._steps.add(np.diff(times if self.last == float("-inf") else np.append(self.last, times)))
        self.first = min(self.first, float(times[0]))
        self.last = max(self.last, float(times[-1]))

    def close(self) -> None:
        """Compute gaps and hours."""
        usual, (steps, counts) = self._steps.quantile(0.5), self._steps.values()
        self._steps = ValueCounts()
        if usual is not None:
            limit = GAP_INTERVALS * usual
            is_gap = steps > limit
            self.gaps = int(counts[is_gap].sum())
            self.hours = (self.last - self.first - float(((steps - limit) * counts)[is_gap].sum())) / 3600


@dataclass(slots=True)
class Judged:
    """The results of one ruleset on one node: tallies of rules and signals, and what the kernel refused, and why."""

    rules: dict[str, RuleTally] = field(default_factory=dict)
    signals: dict[str, RuleTally] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class NodeResult:
    """What came of one node, for each ruleset that was asked about; ``number`` is that of its task."""

    node: str
    number: int = 0
    extent: Extent = field(default_factory=Extent)
    judged: list[Judged] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    partings: list[Parting] = field(default_factory=list)
    profiles: dict[str, Profile] = field(default_factory=dict)


@dataclass(slots=True)
class _Counter:
    """Counts the outcomes of one ruleset; with *only*, of those rules and signals."""

    plan: KernelPlan
    ask: Ask
    judged: Judged = field(default_factory=Judged)
    episodes: dict[tuple[str, str], EpisodeRecorder] = field(default_factory=dict)
    _per_gpu: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note which rules are evaluated for each GPU."""
        self._per_gpu = {rule.name: rule.per_gpu and rule.gpus != "workload" for rule in self.plan.rules}

    def add(self, outcome: KernelOutcome, slices: Slices, only: frozenset[str] | None = None) -> dict[str, Mask]:
        """Count a frame, and return where each rule matches."""
        rules = [rule for rule in self.plan.rules if rule.name in outcome.rules]
        masks = match_rules(rules, outcome.rules, outcome.rows.groups)
        for rule in rules:
            name = rule.name
            if only is None or name in only:
                tally = self.judged.rules.get(name) or self._tally(self.judged.rules, name, self._per_gpu[name])
                samples = slices.samples(outcome.rows, tally.per_gpu)
                runs = outcome.rows.runs(masks[name], tally.per_gpu)
                tally.add(runs, outcome.rules[name], samples)
                self._episodes("rule", name).add_runs(runs, samples)
                if name in outcome.causes:
                    tally.causes.update(outcome.causes[name])
        self._add_signals(outcome, slices, only)
        return masks

    def _tally(self, tallies: dict[str, RuleTally], name: str, per_gpu: bool) -> RuleTally:
        timeline = None if self.ask.bucket_seconds is None else OwnerTimelines()
        return tallies.setdefault(name, RuleTally(name, per_gpu, self.ask.by, timeline=timeline))

    def begin(self, time: float, only: frozenset[str] | None = None) -> None:
        """Discard the counts of what was before *time*, but for what is on then; with *only*, of those names."""
        for tallies in (self.judged.rules, self.judged.signals):
            for name in [name for name in tallies if only is None or name in only]:
                del tallies[name]
        for (_, name), recorder in self.episodes.items():
            if only is None or name in only:
                recorder.restart(time)

    def in_snapshots(self, masks: Mapping[str, Mask], rows: Rows) -> dict[str, Mask]:
        """Return in which snapshots each rule matches, given where it does."""
        return {n: rows.groups.counts(mask) > 0 if self._per_gpu[n] else mask for n, mask in masks.items()}

    def _add_signals(self, outcome: KernelOutcome, slices: Slices, only: frozenset[str] | None) -> None:
        for signal in self.plan.signals:
            name = signal.name
            if name not in outcome.on or signal.rule is not None or (only is not None and name not in only):
                continue
            tally = self.judged.signals.get(name) or self._tally(self.judged.signals, name, signal.per_gpu)
            runs = outcome.rows.runs(outcome.on[name], signal.per_gpu)
            tally.add(runs, outcome.signals[name], slices.samples(outcome.rows, signal.per_gpu))
            tally.causes.update(outcome.causes.get(name, {}))
            if name in outcome.changes:
                changes, owners = outcome.changes[name]
                times = outcome.rows.times[changes.snapshot]
                self._episodes("signal", name).add_changes(owners, changes.owner, times, changes.on)

    def _episodes(self, kind: str, name: str) -> EpisodeRecorder:
        found = self.episodes.get((kind, name))
        return self.episodes.setdefault((kind, name), EpisodeRecorder()) if found is None else found

    def close(self, node: str, extent: Extent) -> None:
        """Finish the counts."""
        hours_of_snapshot = extent.hours / extent.snapshots if extent.snapshots else 0.0
        for kind, tallies in (("rule", self.judged.rules), ("signal", self.judged.signals)):
            for name, tally in tallies.items():
                episodes = self._episodes(kind, name)
                episodes.finish(extent.last)
                tally.close(node, episodes, hours_of_snapshot * tally.samples)


def judge(task: NodeTask, ask: Ask) -> NodeResult:
    """Return what the rulesets did over what is recorded of one node."""
    result = NodeResult(task.name, task.number)
    counters = [_Counter(plan, ask) for plan in ask.plans]
    if ask.engine == "replay":
        _replay(task, ask, (result, counters, [None] * len(counters)))
    else:
        _run_kernel(task, ask, result, counters)
        refused = [_to_replay(counter) for counter in counters]
        if any(refused):
            _replay(task, ask, (NodeResult(task.name), counters, refused))
    result.extent.close()
    for counter in counters:
        counter.close(task.name, result.extent)
        result.judged.append(counter.judged)
    return result


def _run_kernel(task: NodeTask, ask: Ask, result: NodeResult, counters: Sequence[_Counter]) -> None:
    kernels = [Kernel(plan, with_causes=True) for plan in ask.plans]
    fields = {} if ask.bucket_seconds is None else compared_fields(ask.plans)
    about = wanted_columns(ask.plans, ask.label), result.findings, ask.rulesets
    for frame in task.earlier_frames(*about):
        slices = _slices(frame, ask)
        for counter, kernel in zip(counters, kernels, strict=True):
            counter.add(kernel.advance(frame), slices)
    for frame in task.frames(*about):
        if not result.extent.snapshots:
            for counter in counters:
                counter.begin(float(frame.times[0]))
        result.extent.add(frame)
        slices = _slices(frame, ask)
        if slices.bucket is not None:
            add_frame(result.profiles, fields, frame, slices.bucket)
        outcomes = [kernel.advance(frame) for kernel in kernels]
        masks = [counter.add(outcome, slices) for counter, outcome in zip(counters, outcomes, strict=True)]
        if len(outcomes) == 2:
            both = [c.in_snapshots(m, o.rows) for c, m, o in zip(counters, masks, outcomes, strict=True)]
            _part(result, frame, (both[0], both[1]))
    for counter, kernel in zip(counters, kernels, strict=True):
        counter.judged.refused = kernel.refused


def _part(result: NodeResult, frame: Frame, masks: tuple[dict[str, Mask], dict[str, Mask]]) -> None:
    known = {parting.rule: parting for parting in result.partings}
    add_differences(known, result.node, frame.times, masks)
    result.partings = [*known.values()]


def _to_replay(counter: _Counter) -> frozenset[str]:
    """Return the rules and signals that only the engine can evaluate, and discard their counts so far.

    If a rule stops others, its outcome affects all of them, so the engine evaluates all.
    """
    refused = set(counter.judged.refused)
    if refused and any(rule.stop for rule in counter.plan.rules):
        refused |= {rule.name for rule in counter.plan.rules}
    for name in refused:
        counter.judged.rules.pop(name, None)
        counter.judged.signals.pop(name, None)
        for kind in ("rule", "signal"):
            counter.episodes.pop((kind, name), None)
    return frozenset(refused)


def _replay(
    task: NodeTask, ask: Ask, to: tuple[NodeResult, Sequence[_Counter], Sequence[frozenset[str] | None]]
) -> None:
    result, counters, only = to
    asked = [(c, names, Replayer(c.plan)) for c, names in zip(counters, only, strict=True) if names is None or names]
    for frame in task.earlier_frames(None, result.findings, ask.rulesets):
        slices = _slices(frame, ask)
        for counter, names, replayer in asked:
            counter.add(replayer.advance(frame), slices, names)
    for frame in task.frames(None, result.findings, ask.rulesets):
        if not result.extent.snapshots:
            for counter, names, _ in asked:
                counter.begin(float(frame.times[0]), names)
        result.extent.add(frame)
        slices = _slices(frame, ask)
        for counter, names, replayer in asked:
            counter.add(replayer.advance(frame), slices, names)


def _slices(frame: Frame, ask: Ask) -> Slices:
    zone = ask.plans[0].context.zone
    clock = Clock(frame.times, zone)
    hours = np.where(np.isnan(clock.hour), -1000, clock.hour).astype(np.intp)
    hour = np.maximum(clock.weekday.codes * 24 + hours, -1)
    width = ask.bucket_seconds
    bucket = None if width is None else np.floor(frame.times / width).astype(np.intp)
    label = None
    if ask.label is not None:
        label = ["missing" if value is None else str(value) for value in frame.of_node(ask.label, True)]
    return Slices(hour, bucket, label)
