"""Evaluates candidate rulesets on a recording that is loaded once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.columnar import Column
from gpurules.history.backtest.episodes import NODE, EpisodeRecorder
from gpurules.history.frames.completion import CompleteFrame, FrameCompletion
from gpurules.history.frames.frame import Frame
from gpurules.history.kernel.kernel import Kernel
from gpurules.history.kernel.plan import KernelPlan
from gpurules.model import Kind
from gpurules.rules import Ruleset
from gpurules.telemetry.tracking.gpu_tracker import GpuTracker

DAY = 86_400.0
EVERY = 4
"""One day in this many is left out of the search, and used to see whether what was found holds."""


class HeldFrame(CompleteFrame):
    """A complete frame that caches its columns."""

    def column(self, attribute: str, kind: Kind) -> Column:
        """Return an attribute of the GPUs."""
        kept: dict[str, Column] = self.__dict__.setdefault("_kept", {})
        if attribute not in kept:
            kept[attribute] = super().column(attribute, kind)
        return kept[attribute]


@dataclass(frozen=True, slots=True)
class TuningEvent:
    """An event that a signal must precede: the GPU (or the node) and the time.

    Units: seconds since 1970.
    """

    owner: str
    time: float


@dataclass(slots=True)
class Recorded:
    """The recording of one node, loaded for the search; *events* are those of each frame.

    ``hours`` are those of snapshots, by whether the frame's day is left out.
    """

    node: str
    frames: list[HeldFrame] = field(default_factory=list)
    events: list[list[TuningEvent]] = field(default_factory=list)

    @classmethod
    def of(cls, node: str, frames: Iterable[Frame], forget_after: float) -> "Recorded":
        """Return the recording, completed with lost GPUs."""
        completion, found = FrameCompletion(GpuTracker(forget_after, remembers_xid=False)), cls(node)
        for frame in frames:
            one = completion.complete(frame)
            found.frames.append(HeldFrame(one.frame, one.groups, one.owners, one.owner, one.source, one.ghosts))
        return found

    def find_events(self, plan: KernelPlan, signal: str) -> None:
        """Record where the condition of *signal* in *plan* becomes TRUE."""
        kernel = Kernel(plan)
        for frame in self.frames:
            changes = kernel.judge(frame).transitions
            self.events.append([TuningEvent(c.owner, c.timestamp) for c in changes if c.on and c.signal == signal])


def is_left_out(frame: CompleteFrame) -> bool:
    """Return whether a frame is of a day that is held out from the search."""
    return int(frame.frame.times[0] // DAY) % EVERY == EVERY - 1


@dataclass(slots=True)
class Score:
    """The counts of one signal over some days."""

    samples: int = 0
    on: int = 0
    hours: float = 0.0
    events: int = 0
    missed: int = 0
    episodes: EpisodeRecorder = field(default_factory=EpisodeRecorder)

    @property
    def on_share(self) -> float | None:
        """The share of samples on which it was on."""
        return self.on / self.samples if self.samples else None

    def measure(self, name: str) -> float | None:
        """Return a measure by its name; missing if there is nothing to measure."""
        lengths = self.episodes.lengths
        match name:
            case "on_share":
                return self.on_share
            case "episodes":
                return len(lengths)
            case "flaps":
                return self.episodes.flaps
            case "flaps_per_hour":
                return self.episodes.flaps / self.hours if self.hours else None
            case "missed":
                return self.missed
            case "median_seconds":
                return lengths.quantile(0.5)
            case "p95_seconds":
                return lengths.quantile(0.95)
            case "max_seconds":
                return lengths.greatest
            case _:
                return None


Scores = dict[tuple[str, bool], Score]
"""By signal, and whether the days were left out of the search."""


def try_out(ruleset: Ruleset, signals: Sequence[str], recorded: Sequence[Recorded], lead: float) -> Scores | None:
    """Return the scores of *signals* of a ruleset; None if only the engine can evaluate it."""
    plan = KernelPlan.of(_only(ruleset, signals))
    scores: Scores = {(name, left): Score() for name in signals for left in (False, True)}
    for node in recorded:
        kernel = Kernel(plan)
        for place, frame in enumerate(node.frames):
            outcome = kernel.judge(frame)
            if any(name in kernel.refused for name in signals):
                return None
            events = node.events[place] if node.events else []
            for name in signals:
                score = scores[name, is_left_out(frame)]
                mask = outcome.on[name]
                score.samples += len(mask)
                score.on += int(np.count_nonzero(mask))
                per_gpu = len(frame.owners) if ruleset.signals[name].per_gpu else 1
                score.hours += _hours(frame) * per_gpu
                changes = [change for change in outcome.transitions if change.signal == name]
                score.episodes.add_transitions(changes)
                score.episodes.finish(float(frame.frame.times[-1]))
                _count_missed(score, events, (mask, ruleset.signals[name].per_gpu, lead), frame)
    return scores


def _only(ruleset: Ruleset, signals: Sequence[str]) -> Ruleset:
    """Return a ruleset with *signals* and those that they read, without rules."""
    from dataclasses import replace

    from gpurules.engine.state.signals import signals_read

    wanted, stack = dict[str, None](), list(signals)
    while stack:
        name = stack.pop()
        if name in ruleset.signals and name not in wanted:
            wanted[name] = None
            stack += signals_read(ruleset.signals[name])
    kept: Mapping[str, object] = {name: one for name, one in ruleset.signals.items() if name in wanted}
    return replace(ruleset, rules=(), signals=kept, mentioned={})  # type: ignore[arg-type]


def _hours(frame: CompleteFrame) -> float:
    times = frame.frame.times
    return float(times[-1] - times[0]) / 3600 if len(times) > 1 else 0.0


def _count_missed(
    score: Score, events: Sequence[TuningEvent], what: tuple[np.ndarray, bool, float], frame: HeldFrame
) -> None:
    """Count the events that a signal did not precede by *lead*; those too early in a frame are not counted."""
    mask, per_gpu, lead = what
    times = frame.frame.times
    for event in events:
        place = int(np.searchsorted(times, event.time - lead, "right")) - 1
        if place < 0:
            continue
        score.events += 1
        if not per_gpu or event.owner == NODE:
            at = frame.groups.snapshot == place if per_gpu else slice(place, place + 1)
            score.missed += not bool(np.any(mask[at]))
            continue
        here = [n for n, owner in enumerate(frame.owners) if owner == event.owner]
        rows = (frame.owner == here[0]) & (frame.groups.snapshot == place) if here else np.zeros(len(mask), bool)
        score.missed += not bool(np.any(mask[rows]))
