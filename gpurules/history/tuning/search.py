"""The search: evaluates every candidate, keeps the Pareto front, and checks whether the data supports a choice."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gpurules.backends.backend import UnsupportedError
from gpurules.history.frames.completion import CompleteFrame
from gpurules.history.tuning.candidate import Candidate, NodeFrames
from gpurules.history.tuning.goals import Goal
from gpurules.history.tuning.knobs import Draft, Knob
from gpurules.history.tuning.recordings import Recordings
from gpurules.history.tuning.trial import Score, Scores, TuningEvent
from gpurules.model.reading import sum_in_order
from gpurules.rules import Ruleset, RulesetError

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
class TuningResult:
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


Tries = Sequence[Mapping[str, float]]
Frames = Iterable[tuple[CompleteFrame, list[TuningEvent]]]
Watch = Callable[[Frames, int | None], Frames]
"""Wraps the iteration over frames, given their number if it is known, for example in a progress bar."""


def find_proposal(
    draft: Draft, knobs: Sequence[Knob], goals: Sequence[Goal], tries: Tries,
    recorded: tuple[Recordings, float, Watch],
) -> TuningResult:  # fmt: skip
    """Return the results of *tries*; the first are the present values.

    Raises:
        RulesetError: the ruleset with its present values is wrong.
    """
    found, signals = TuningResult(), list(dict.fromkeys(goal.signal for goal in goals))
    candidates = {n: Candidate(ruleset, signals) for n, ruleset in _rulesets(draft, tries, found)}
    try:
        _evaluate([*candidates.values()], *recorded)
    except UnsupportedError:
        found.reasons.append("only the engine can evaluate these signals, which takes too long to search")
        return found
    for n, candidate in candidates.items():
        trial = Trial(tries[n], candidate.scores)
        trial.meets = all(goal.is_met(trial.scores[goal.signal, False]) for goal in goals)
        trial.holds = trial.meets and all(goal.is_met(trial.scores[goal.signal, True]) for goal in goals)
        found.trials.append(trial)
    found.front = _front([trial for trial in found.trials if trial.meets], goals)
    _propose(found, knobs, goals)
    return found


def _rulesets(draft: Draft, tries: Tries, found: TuningResult) -> Iterator[tuple[int, Ruleset]]:
    """Yield the number and the ruleset of each of *tries* that the ruleset accepts; the others are noted."""
    refused = 0
    for n, values in enumerate(tries):
        try:
            yield n, draft.ruleset(values)
        except RulesetError:
            if not n:
                raise
            refused += 1
    if refused:
        found.notes.append(f"{refused} of {len(tries)} candidates have values that the ruleset does not accept")


def _evaluate(candidates: Sequence[Candidate], recordings: Recordings, lead: float, watch: Watch) -> None:
    """Score all candidates over all frames, each of which is read once.

    Raises:
        UnsupportedError: only the engine can evaluate a signal.
    """

    def scored() -> Frames:
        for frames in recordings.nodes():
            node = NodeFrames(candidates, lead)
            for candidate in candidates:
                candidate.start_node()
            for frame, events in frames:
                for shared in node.share(frame, events):
                    for candidate in candidates:
                        candidate.score(shared)
                yield frame, events
            for candidate in candidates:
                candidate.finish_node()

    for _ in watch(scored(), recordings.total):
        pass


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


def _propose(found: TuningResult, knobs: Sequence[Knob], goals: Sequence[Goal]) -> None:
    found.reasons += _unsupported(found.present.scores, goals)
    holding = [trial for trial in found.trials if trial.holds]
    if not any(trial.meets for trial in found.trials):
        found.reasons.append("no candidate meets the goals")
    elif not holding:
        found.reasons.append("candidates that meet the goals on searched days do not meet them on held-out days")
    if found.present.holds:
        found.notes.append("the ruleset meets the goals as it is")
    scales = {knob.name: max(abs(knob.value), 1.0) for knob in knobs}

    def change(trial: Trial) -> float:
        return sum_in_order(abs(trial.values[knob.name] - knob.value) / scales[knob.name] for knob in knobs)

    candidates = sorted(holding, key=lambda trial: (change(trial), trial.objectives(goals)))
    chosen = next((trial for trial in candidates if not _by_chance(trial, goals)), None)
    if chosen is None and holding:
        found.reasons.append("candidates that meet the goals are on so often that they precede events by chance")
    if not found.reasons:
        found.proposal = chosen


def _unsupported(scores: Scores, goals: Sequence[Goal]) -> list[str]:
    """Return why the data is insufficient for any candidate."""
    reasons: list[str] = []
    for signal in dict.fromkeys(goal.signal for goal in goals):
        inside, outside = scores[signal, False], scores[signal, True]
        if not inside.samples or not outside.samples:
            reasons.append("fewer than four days are recorded, so none can be held out for validation")
            continue
        if any(goal.measure == "missed" for goal in goals if goal.signal == signal):
            if inside.events < LEAST_EVENTS or outside.events < max(1, LEAST_EVENTS // 3):
                reasons.append(
                    f"only {inside.events} + {outside.events} events are recorded, {LEAST_EVENTS} + 1 are needed"
                )
        elif len(inside.lengths) < LEAST_EPISODES:
            reasons.append(f"{signal} has only {len(inside.lengths)} episodes; {LEAST_EPISODES} are needed")
        if _has_drifted(inside, outside):
            reasons.append(f"{signal} is on {DRIFT:g} times as often on one kind of days as on the other: they drift")
    return reasons


def _has_drifted(inside: Score, outside: Score) -> bool:
    a, b = inside.on_share or 0.0, outside.on_share or 0.0
    enough = min(len(inside.lengths), len(outside.lengths)) >= LEAST_EPISODES
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
