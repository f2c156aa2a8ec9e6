"""Runs, episodes and segments, compared with loops over single samples."""

from collections import Counter

import numpy as np
import pytest

from gpurules.backends.columnar import Groups
from gpurules.engine.state.signals import Transition
from gpurules.history.backtest.statistics.episodes import EpisodeRecorder
from gpurules.history.backtest.statistics.samples import FrameSamples, Slices
from gpurules.history.kernel.outcome import Rows


def frame_of(rng: np.random.Generator, start: float, present: float) -> tuple[Rows, Slices]:
    """Return a frame of up to four GPUs of which each is in a snapshot with the probability *present*."""
    count, gpus = int(rng.integers(1, 40)), int(rng.integers(1, 5))
    times = start + np.cumsum(rng.choice([5.0, 10.0, 50.0, 70.0], count))
    owner, number = np.nonzero(rng.random((gpus, count)) < present)
    names = tuple(f"GPU-{n}" for n in rng.permutation(4)[:gpus].tolist())
    slices = Slices(
        rng.integers(-1, 3, count), np.sort(rng.integers(0, 4, count)), rng.choice(["a", "b"], count).tolist()
    )
    return Rows(times, Groups(number, count), names, owner), slices


def mask_of(rng: np.random.Generator, size: int) -> np.ndarray:
    share = float(rng.choice([0.0, 0.1, 0.5, 0.9, 1.0]))
    return np.asarray(rng.random(size) < share)


def step(recorder: EpisodeRecorder, mask: np.ndarray, samples: FrameSamples) -> None:
    """Add a frame snapshot by snapshot: what vectors have to agree with."""
    on = {(samples.names[o], n) for o, n, m in zip(samples.owner, samples.number, mask, strict=True) if m}
    owners = {name for name, _ in on} | set(recorder._since)
    for name in owners:
        for n, time in enumerate(samples.times.tolist()):
            (recorder._begin if (name, n) in on else recorder._end)(name, time)


def summary(recorder: EpisodeRecorder) -> tuple[object, ...]:
    values, counts = recorder.lengths.values()
    return values.tolist(), counts.tolist(), recorder.flaps, recorder._since, recorder._off


@pytest.mark.parametrize("present", [1.0, 0.8, 0.2])
@pytest.mark.parametrize("seed", range(40))
def test_episodes_over_frames_are_those_of_a_loop(seed: int, present: float) -> None:
    rng = np.random.default_rng([seed, int(10 * present)])
    vectors, loop, start = EpisodeRecorder(), EpisodeRecorder(), 0.0
    for _ in range(6):
        rows, slices = frame_of(rng, start, present)
        samples = slices.samples(rows, True)
        mask, start = mask_of(rng, len(samples.owner)), float(rows.times[-1])
        vectors.add_runs(rows.runs(mask, True), samples)
        step(loop, mask, samples)
        assert summary(vectors) == summary(loop)
    for recorder in (vectors, loop):
        recorder.finish(start + 5)
    assert summary(vectors) == summary(loop)


@pytest.mark.parametrize("seed", range(40))
def test_episodes_of_changes_are_those_of_transitions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays, listed = EpisodeRecorder(), EpisodeRecorder()
    on = dict.fromkeys(("a", "b", "c"), False)
    for day in range(5):
        owners = tuple(rng.permutation(list(on)).tolist())
        found: list[Transition] = []
        for name in owners:
            for time in np.sort(rng.choice(1000, rng.integers(0, 8), replace=False)).tolist():
                on[name] = not on[name] if seed % 2 else bool(rng.random() < 0.5)
                found.append(Transition("s", name, None, on[name], 1000.0 * day + time, 0.0, None))
        places = np.array([owners.index(one.owner) for one in found], np.intp)
        times, masks = np.array([one.timestamp for one in found]), np.array([one.on for one in found], bool)
        arrays.add_changes(owners, places, times, masks)
        listed.add_transitions(found)
        assert summary(arrays) == summary(listed)


@pytest.mark.parametrize("per_gpu", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_runs_are_counted_as_a_loop_over_samples_counts(seed: int, per_gpu: bool) -> None:
    rng = np.random.default_rng(seed)
    rows, slices = frame_of(rng, 0.0, float(rng.choice([1.0, 0.5])))
    samples = slices.samples(rows, per_gpu)
    mask = mask_of(rng, len(samples.owner))
    runs, segments = rows.runs(mask, per_gpu), samples.segments
    inside = np.zeros(len(mask), bool)
    for start, stop in zip(runs.starts, runs.ends, strict=True):
        assert not inside[start:stop].any() and len(set(samples.owner[start:stop].tolist())) == 1
        assert np.all(np.diff(samples.number[start:stop]) == 1)
        inside[start:stop] = True
    assert inside.tolist() == mask.tolist()
    on = segments.counts(runs)
    assert segments.bucket is not None and segments.label is not None and samples.label is not None
    places = zip(segments.owner, segments.hour, segments.bucket, segments.label, strict=True)
    found, sizes = Counter[tuple[int, ...]](), Counter[tuple[int, ...]]()
    for place, size, count in zip(places, segments.sizes.tolist(), on.tolist(), strict=True):
        sizes[tuple(map(int, place))] += size
        found[tuple(map(int, place))] += count
    expected, every = Counter[tuple[int, ...]](), Counter[tuple[int, ...]]()
    for o, n, m in zip(samples.owner.tolist(), samples.number.tolist(), mask.tolist(), strict=True):
        key = (o, int(slices.hour[n]), int(slices.bucket[n]), int(samples.label[n]))  # type: ignore[index]
        every[key] += 1
        expected[key] += m
    assert (+found, sizes) == (+expected, every)
    by_hour = [sum(n for (_, hour, _, _), n in expected.items() if hour == h) for h in range(168)]
    assert segments.by_hour(on).tolist() == by_hour
    if mask.any():
        numbers = samples.number[mask]
        first, last = samples.times[numbers.min()], samples.times[numbers.max()]
        assert samples.snapshots(runs) == (len(set(numbers.tolist())), first, last)


def test_rows_of_another_ruleset_in_one_frame_are_counted_by_themselves() -> None:
    rng = np.random.default_rng(0)
    rows, slices = frame_of(rng, 0.0, 1.0)
    more = Rows(rows.times, Groups(rows.groups.snapshot[:-1], rows.groups.count), rows.owners, rows.owner[:-1])
    assert len(slices.samples(rows, True).owner) == len(slices.samples(more, True).owner) + 1
    assert slices.samples(rows, True) is slices.samples(rows, True)
