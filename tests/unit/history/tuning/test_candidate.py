"""Candidates that share a frame score as each does by itself in the kernel."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from gpurules.backends.backend import UnsupportedError
from gpurules.history.backtest.statistics.episodes import NODE, EpisodeRecorder
from gpurules.history.frames.completion import CompleteFrame, FrameCompletion
from gpurules.history.frames.snapshots import frames_of_observed
from gpurules.history.kernel.kernel import Kernel
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.tuning.candidate import Candidate, NodeFrames, only_signals
from gpurules.history.tuning.trial import PrecedingSamples, TuningEvent, is_left_out
from gpurules.rules import Ruleset
from gpurules.telemetry.tracking.gpu_tracker import GpuTracker
from tests.history_cases import history_of, ruleset_of


def frames_of(seed: int, rules: Ruleset) -> list[CompleteFrame]:
    completion = FrameCompletion(GpuTracker(rules.settings.forget_gpu_after, remembers_xid=False))
    rng = random.Random(seed)
    observed = frames_of_observed(history_of(rng, 60), rng.choice([7, 25, 1000]))
    return [completion.complete(frame) for frame in observed]


def rulesets_of(seed: int) -> list[Ruleset]:
    """Return rulesets of different signals, with the same settings."""
    first, *others = (ruleset_of(random.Random(f"{seed} {n}")) for n in range(4))
    return [first, *(replace(one, settings=first.settings) for one in others)]


def scored(candidates: Sequence[Candidate], nodes: Sequence[Sequence[CompleteFrame]]) -> None:
    for frames in nodes:
        shared = NodeFrames(candidates, 10.0)
        for candidate in candidates:
            candidate.start_node()
        for frame in frames:
            for one in shared.share(frame, ()):
                for candidate in candidates:
                    candidate.score(one)
        for candidate in candidates:
            candidate.finish_node()


def alone(rules: Ruleset, frames: Sequence[CompleteFrame]) -> Iterator[tuple[tuple[str, bool], tuple[object, ...]]]:
    """Yield the samples, those on, flaps and lengths of episodes, as the kernel has them for one ruleset."""
    kernel, names = Kernel(KernelPlan.of(only_signals(rules, list(rules.signals)))), list(rules.signals)
    counts = {(name, left): [0, 0] for name in names for left in (False, True)}
    episodes = {key: EpisodeRecorder() for key in counts}
    for frame in frames:
        outcome = kernel.judge(frame)
        if kernel.refused:
            raise UnsupportedError("refused")
        for name in names:
            key = name, is_left_out(frame)
            counts[key][0] += len(outcome.on[name])
            counts[key][1] += int(outcome.on[name].sum())
            episodes[key].add_transitions([one for one in outcome.transitions if one.signal == name])
            episodes[key].finish(float(frame.frame.times[-1]))
    for key, (samples, on) in counts.items():
        lengths = [part.tolist() for part in episodes[key].lengths.values()]
        yield key, (samples, on, episodes[key].flaps, lengths)


@pytest.mark.parametrize("seed", range(60))
def test_candidates_over_one_frame_score_as_each_does_alone(seed: int) -> None:
    rulesets = rulesets_of(seed)
    frames = frames_of(seed, rulesets[0])
    try:
        expected = [dict(alone(rules, frames)) for rules in rulesets]
    except UnsupportedError:
        pytest.skip("only the engine evaluates one of them")
    candidates = [Candidate(rules, list(rules.signals)) for rules in rulesets]
    scored(candidates, [frames])
    for candidate, its in zip(candidates, expected, strict=True):
        found = {
            key: (score.samples, score.on, score.flaps, [part.tolist() for part in score.lengths.values()])
            for key, score in candidate.scores.items()
        }
        assert found == its


def test_a_second_node_with_the_same_names_adds_no_flap() -> None:
    rules = ruleset_of(random.Random(3))
    names = list(rules.signals)
    for seed in range(40):
        frames = frames_of(seed, rules)
        once, twice = Candidate(rules, names), Candidate(rules, names)
        scored([once], [frames])
        scored([twice], [frames, frames])
        for key, score in once.scores.items():
            other = twice.scores[key]
            assert (other.samples, other.on, other.flaps) == (2 * score.samples, 2 * score.on, 2 * score.flaps)
            assert len(other.lengths) == 2 * len(score.lengths)


@pytest.mark.parametrize("per_gpu", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_events_are_missed_where_no_sample_before_them_is_on(seed: int, per_gpu: bool) -> None:
    rng = random.Random(seed)
    rules = ruleset_of(rng)
    for frame in frames_of(seed, rules):
        times, owners = frame.frame.times, [*frame.owners, NODE, "gone"]
        events = [TuningEvent(rng.choice(owners), rng.choice(times.tolist()) + rng.choice([0, 3])) for _ in range(9)]
        size = len(frame.owner) if per_gpu else len(times)
        mask = np.array([rng.random() < 0.4 for _ in range(size)], bool)
        count = missed = 0
        for event in events:
            before = [n for n, time in enumerate(times.tolist()) if time <= event.time - 7.0]
            if not before:
                continue
            count += 1
            if per_gpu:
                rows = zip(frame.owner.tolist(), frame.groups.snapshot.tolist(), mask.tolist(), strict=True)
                of = [on for o, n, on in rows if n == before[-1] and event.owner in (NODE, frame.owners[o])]
                missed += not any(of)
            else:
                missed += not mask[before[-1]]
        found = PrecedingSamples.of(events, frame, per_gpu, 7.0)
        assert (found.events, found.count_missed(mask)) == (count, missed)
