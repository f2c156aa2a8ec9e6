"""Evaluates one node: in the kernel where it supports the rule, in the engine otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.columnar import Mask
from gpurules.history.backtest.compared import Parting, part_moments
from gpurules.history.backtest.episodes import EpisodeRecorder
from gpurules.history.backtest.profile import Profile, add_frame, compared_fields
from gpurules.history.backtest.tally import RuleTally, Slices
from gpurules.history.backtest.task import NodeTask, wanted_columns
from gpurules.history.frames.frame import Frame
from gpurules.history.kernel.clock import Clock
from gpurules.history.kernel.kernel import Kernel
from gpurules.history.kernel.outcome import KernelOutcome, match_rules
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.kernel.replay import Replayer
from gpurules.history.store.findings import Findings
from gpurules.rules import Ruleset

GAP_INTERVALS = 3.0
"""A step between snapshots longer than this number of usual ones is a gap."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The options of an evaluation.

    ``engine`` is ``kernel``, or ``replay`` to run everything in the engine; ``label`` is a snapshot label to group
    shares by.
    Units: ``bucket_seconds`` is the width of a time bucket in a chart.
    """

    plans: tuple[KernelPlan, ...]
    engine: str = "kernel"
    label: str | None = None
    bucket_seconds: float = 3600.0
    with_profiles: bool = False

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
    _times: list[np.ndarray] = field(default_factory=list)

    def add(self, frame: Frame) -> None:
        """Add a frame."""
        self.snapshots += len(frame.times)
        self.samples += len(frame.owner)
        self.gpus.update(frame.owners)
        self.first = min(self.first, float(frame.times[0]))
        self.last = max(self.last, float(frame.times[-1]))
        self._times.append(frame.times)

    def close(self) -> None:
        """Compute gaps and hours."""
        steps = np.diff(np.concatenate(self._times)) if self._times else np.zeros(0)
        self._times = []
        if len(steps):
            usual = float(np.median(steps))
            self.gaps = int(np.count_nonzero(steps > GAP_INTERVALS * usual))
            self.hours = float(np.minimum(steps, GAP_INTERVALS * usual).sum()) / 3600


@dataclass(slots=True)
class Judged:
    """The results of one ruleset on one node: tallies of rules and signals, and what the kernel refused, and why."""

    rules: dict[str, RuleTally] = field(default_factory=dict)
    signals: dict[str, RuleTally] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class NodeResult:
    """The results of one node, for each ruleset."""

    node: str
    extent: Extent = field(default_factory=Extent)
    judged: list[Judged] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    partings: list[Parting] = field(default_factory=list)
    profiles: dict[str, Profile] = field(default_factory=dict)


@dataclass(slots=True)
class _Counter:
    """Counts the outcomes of one ruleset; with *only*, of those rules and signals."""

    plan: KernelPlan
    judged: Judged = field(default_factory=Judged)
    episodes: dict[tuple[str, str], EpisodeRecorder] = field(default_factory=dict)

    def add(self, outcome: KernelOutcome, slices: Slices, only: frozenset[str] | None = None) -> dict[str, Mask]:
        """Count a frame, and return in which snapshots each rule matches."""
        rules = [rule for rule in self.plan.rules if rule.name in outcome.rules]
        masks = match_rules(rules, outcome.rules, outcome.rows.groups)
        for rule in rules:
            if only is None or rule.name in only:
                per_gpu = rule.per_gpu and rule.gpus != "workload"
                tally = self.judged.rules.setdefault(rule.name, RuleTally(rule.name, per_gpu))
                tally.add(masks[rule.name], outcome.rules[rule.name], outcome.rows, slices)
                tally.causes.update(outcome.causes.get(rule.name, {}))
                self._episodes("rule", rule.name).add(masks[rule.name], outcome.rows, per_gpu)
        self._add_signals(outcome, slices, only)
        rows = {rule.name: rule.per_gpu and rule.gpus != "workload" for rule in rules}
        return {n: outcome.rows.groups.counts(mask) > 0 if rows[n] else mask for n, mask in masks.items()}

    def _add_signals(self, outcome: KernelOutcome, slices: Slices, only: frozenset[str] | None) -> None:
        for signal in self.plan.signals:
            name = signal.name
            if name not in outcome.on or signal.rule is not None or (only is not None and name not in only):
                continue
            tally = self.judged.signals.setdefault(name, RuleTally(name, signal.per_gpu))
            tally.add(outcome.on[name], outcome.signals[name], outcome.rows, slices)
            tally.causes.update(outcome.causes.get(name, {}))
            changes = [change for change in outcome.transitions if change.signal == name]
            self._episodes("signal", name).add_transitions(changes)

    def _episodes(self, kind: str, name: str) -> EpisodeRecorder:
        return self.episodes.setdefault((kind, name), EpisodeRecorder())

    def close(self, node: str, extent: Extent) -> None:
        """Finish the counts."""
        hours_of_snapshot = extent.hours / extent.snapshots if extent.snapshots else 0.0
        for kind, tallies in (("rule", self.judged.rules), ("signal", self.judged.signals)):
            for name, tally in tallies.items():
                episodes = self._episodes(kind, name)
                episodes.finish(extent.last)
                tally.close(node, episodes, hours_of_snapshot * tally.samples)


def judge(task: NodeTask, ask: Ask) -> NodeResult:
    """Return the results of the rulesets over the recording of one node."""
    result = NodeResult(task.name)
    counters = [_Counter(plan) for plan in ask.plans]
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
    fields = compared_fields(ask.plans) if ask.with_profiles else {}
    for frame in task.frames(wanted_columns(ask.plans, ask.label), result.findings, ask.rulesets):
        result.extent.add(frame)
        slices = _slices(frame, ask)
        add_frame(result.profiles, fields, frame, slices.bucket)
        outcomes = [kernel.advance(frame) for kernel in kernels]
        masks = [counter.add(outcome, slices) for counter, outcome in zip(counters, outcomes, strict=True)]
        if len(outcomes) == 2:
            _part(result, ask, outcomes, masks)
    for counter, kernel in zip(counters, kernels, strict=True):
        counter.judged.refused = kernel.refused


def _part(result: NodeResult, ask: Ask, outcomes: Sequence[KernelOutcome], masks: Sequence[dict[str, Mask]]) -> None:
    known = {parting.rule: parting for parting in result.partings}
    part_moments(known, result.node, outcomes[0].rows.times, (masks[0], masks[1]))
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
    for frame in task.frames(None, result.findings, ask.rulesets):
        result.extent.add(frame)
        slices = _slices(frame, ask)
        for counter, names, replayer in asked:
            counter.add(replayer.advance(frame), slices, names)


def _slices(frame: Frame, ask: Ask) -> Slices:
    zone = ask.plans[0].context.zone
    clock = Clock(frame.times, zone)
    hours = np.where(np.isnan(clock.hour), -1000, clock.hour).astype(np.intp)
    hour = np.maximum(clock.weekday.codes * 24 + hours, -1)
    bucket = np.floor(frame.times / ask.bucket_seconds).astype(np.intp)
    label = None
    if ask.label is not None:
        label = ["missing" if value is None else str(value) for value in frame.of_node(ask.label, True)]
    return Slices(hour, bucket, label)
