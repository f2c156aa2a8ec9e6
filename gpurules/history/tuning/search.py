"""The search: evaluates every candidate, keeps the Pareto front, and checks whether the data supports a choice."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gpurules.history.tuning.goals import Goal
from gpurules.history.tuning.knobs import Draft, Knob
from gpurules.history.tuning.trial import Recorded, Score, Scores, try_out
from gpurules.model.reading import sum_in_order

LEAST_EVENTS = 5
"""Fewer events than this on the days that are searched, or a third on those left out, support nothing."""
LEAST_EPISODES = 10
CHANCE = 0.01
"""A signal that would precede all events by chance more often than this has not been shown to precede them."""
DRIFT = 4.0
"""Shares on the days searched and left out that differ by more than this are not of one kind of days."""


@dataclass(slots=True)
class Trial:
    """One candidate: its values, its measures, and whether it meets the goals on both kinds of days."""

    values: Mapping[str, float]
    scores: Scores
    meets: bool = False
    holds: bool = False

    def objectives(self, goals: Sequence[Goal]) -> tuple[float, ...]:
        """Return the measure of each goal on the searched days; less is better."""
        return tuple(goal.badness(self.scores[goal.signal, False]) for goal in goals)


@dataclass(slots=True)
class Found:
    """The result of the search. ``front`` is the Pareto front over the goals; ``reasons`` say why nothing is proposed.

    Missing: ``proposal`` None: nothing is.
    """

    trials: list[Trial] = field(default_factory=list)
    front: list[Trial] = field(default_factory=list)
    proposal: Trial | None = None
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def present(self) -> Trial:
        """What the ruleset does as it is."""
        return self.trials[0]


Watch = Callable[[Iterable[Mapping[str, float]]], Iterable[Mapping[str, float]]]


def find_proposal(
    draft: Draft, knobs: Sequence[Knob], goals: Sequence[Goal], tries: Iterable[Mapping[str, float]],
    recorded: tuple[Sequence[Recorded], float],
) -> Found:  # fmt: skip
    """Return the result of the search over *tries*; the first are the present values."""
    nodes, lead = recorded
    signals = list(dict.fromkeys(goal.signal for goal in goals))
    found = Found()
    for values in tries:
        scores = try_out(draft.ruleset(values), signals, nodes, lead)
        if scores is None:
            found.reasons.append("only the engine can evaluate these signals, which takes too long to search")
            return found
        trial = Trial(values, scores)
        trial.meets = all(goal.is_met(scores[goal.signal, False]) for goal in goals)
        trial.holds = trial.meets and all(goal.is_met(scores[goal.signal, True]) for goal in goals)
        found.trials.append(trial)
    found.front = _front([trial for trial in found.trials if trial.meets], goals)
    _propose(found, knobs, goals)
    return found


def _front(trials: Sequence[Trial], goals: Sequence[Goal]) -> list[Trial]:
    """Return the trials on the Pareto front; of equal ones, the first."""
    seen: dict[tuple[float, ...], Trial] = {}
    for trial in trials:
        seen.setdefault(trial.objectives(goals), trial)
    return [
        trial for mine, trial in sorted(seen.items(), key=lambda pair: pair[0])
        if not any(_beats(other, mine) for other in seen)
    ]  # fmt: skip


def _beats(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def _propose(found: Found, knobs: Sequence[Knob], goals: Sequence[Goal]) -> None:
    found.reasons += _unsupported(found.present.scores, goals)
    holding = [trial for trial in found.trials if trial.holds]
    if not any(trial.meets for trial in found.trials):
        found.reasons.append("no candidate meets the goals")
    elif not holding:
        found.reasons.append("what meets the goals on the days that were searched does not on those left out")
    if found.present.holds:
        found.notes.append("the ruleset meets the goals as it is")
    scales = {knob.name: max(abs(knob.value), 1.0) for knob in knobs}

    def change(trial: Trial) -> float:
        return sum_in_order(abs(trial.values[knob.name] - knob.value) / scales[knob.name] for knob in knobs)

    candidates = sorted(holding, key=lambda trial: (change(trial), trial.objectives(goals)))
    chosen = next((trial for trial in candidates if not _by_chance(trial, goals)), None)
    if chosen is None and holding:
        found.reasons.append("what meets the goals is on so often that it would precede the events by chance")
    if not found.reasons:
        found.proposal = chosen


def _unsupported(scores: Scores, goals: Sequence[Goal]) -> list[str]:
    """Return why the data is insufficient for any candidate."""
    reasons: list[str] = []
    for signal in dict.fromkeys(goal.signal for goal in goals):
        inside, outside = scores[signal, False], scores[signal, True]
        if not inside.samples or not outside.samples:
            reasons.append("fewer than four days are recorded, so none can be left out to see whether it holds")
            continue
        if any(goal.measure == "missed" for goal in goals if goal.signal == signal):
            if inside.events < LEAST_EVENTS or outside.events < max(1, LEAST_EVENTS // 3):
                reasons.append(
                    f"only {inside.events} + {outside.events} events are recorded, {LEAST_EVENTS} + 1 are needed"
                )
        elif len(inside.episodes.lengths) < LEAST_EPISODES:
            reasons.append(f"{signal} has only {len(inside.episodes.lengths)} episodes; {LEAST_EPISODES} are needed")
        if _has_drifted(inside, outside):
            reasons.append(f"{signal} is on {DRIFT:g} times as often on one kind of days as on the other: they drift")
    return reasons


def _has_drifted(inside: Score, outside: Score) -> bool:
    a, b = inside.on_share or 0.0, outside.on_share or 0.0
    enough = min(len(inside.episodes.lengths), len(outside.episodes.lengths)) >= LEAST_EPISODES
    return enough and max(a, b) > DRIFT * min(a, b)


def _by_chance(trial: Trial, goals: Sequence[Goal]) -> bool:
    """Return whether a signal may precede its events by chance, because it is on most of the time."""
    for goal in goals:
        if goal.measure != "missed":
            continue
        events = sum(trial.scores[goal.signal, left].events for left in (False, True))
        hits = events - sum(trial.scores[goal.signal, left].missed for left in (False, True))
        share = max(trial.scores[goal.signal, left].on_share or 0.0 for left in (False, True))
        if share**hits > CHANCE:
            return True
    return False
