"""A back-test of a span counts what one of the whole recording counts in it, since it looks back before the span."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gpurules.history.backtest.local import in_processes
from gpurules.history.backtest.run import Backtest, run
from gpurules.history.frames.snapshots import frames_of_observed
from gpurules.history.kernel import plan
from gpurules.history.kernel.kernel import Kernel
from gpurules.history.kernel.outcome import match_rules
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.store.storage import Storage
from gpurules.history.store.time_span import TimeSpan
from gpurules.history.store.writer import StoreWriter
from gpurules.rules import Ruleset
from tests.factories import NEW_YEAR, gpu, ruleset, snapshot
from tests.history_cases import Observed, history_of, ruleset_of

RULE = "- {name: slow, condition: %s, action: pause_transfer}"


def store_of(place: Path, temperatures: Sequence[float | None]) -> None:
    """Write a snapshot every ten seconds."""
    with StoreWriter(Storage(place), "n", 1e9) as writer:
        for n, temperature in enumerate(temperatures):
            writer.add(snapshot(gpu(temperature=temperature), at=10.0 * n))


def of_span(rules: Ruleset, place: Path, since: float, engine: str = "kernel") -> dict[str, object]:
    found = run(Backtest([rules], [str(place)], engine, ("gpu",), span=TimeSpan(since)), in_processes(1))
    (one,) = found.to_dict(("gpu",))["rulesets"]  # type: ignore[misc]
    one["by_engine"] = {}
    return one  # type: ignore[no-any-return]


@pytest.mark.parametrize("engine", ["kernel", "replay"])
def test_a_window_at_the_start_has_the_samples_before_it(engine: str, tmp_path: Path) -> None:
    store_of(tmp_path, [90, 90, 90, 60, 60, 60, 60])
    rules = ruleset(RULE % '"max_over_time(gpu_temperature[25s]) > 80C"')
    (rule,) = of_span(rules, tmp_path, NEW_YEAR + 30, engine)["rules"]  # type: ignore[misc]
    # the window of 30 s has the 90 of 20 s, and that of 40 s too; a fresh start would have had neither
    assert (rule["samples"], rule["on_share"], rule["episodes"]) == (4, 0.5, 1)
    assert rule["episode_seconds"]["max"] == 20.0 and rule["first"] == NEW_YEAR + 30


@pytest.mark.parametrize("engine", ["kernel", "replay"])
def test_a_signal_that_is_kept_goes_on_in_the_span(engine: str, tmp_path: Path) -> None:
    store_of(tmp_path, [60, 90, 60, 60, 60, 60, 60])
    rules = ruleset(RULE % "hot", "signals: {hot: {condition: gpu_temperature > 80C, keep_for: 25s}}")
    found = of_span(rules, tmp_path, NEW_YEAR + 30, engine)
    (signal,), (rule,) = found["signals"], found["rules"]  # type: ignore[misc]
    # on at 10 s, FALSE since 20 s, off at 50 s, the first snapshot 25 s later
    for one in (signal, rule):
        assert (one["samples"], one["on_share"], one["episodes"]) == (4, 0.5, 1)
        assert one["episode_seconds"]["max"] == 20.0
    assert "unknown_at_start" not in found


@pytest.mark.parametrize("engine", ["kernel", "replay"])
def test_what_ends_with_the_first_snapshot_is_no_episode(engine: str, tmp_path: Path) -> None:
    store_of(tmp_path, [90, 90, 60, 60])
    rules = ruleset(RULE % "hot", "signals: {hot: {condition: gpu_temperature > 80C}}")
    found = of_span(rules, tmp_path, NEW_YEAR + 20, engine)
    for one in (*found["signals"], *found["rules"]):  # type: ignore[misc]
        assert (one["samples"], one["on_share"], one["episodes"], one["flaps"]) == (2, 0.0, 0, 0)


@pytest.mark.parametrize("engine", ["kernel", "replay"])
def test_a_start_soon_after_an_end_before_the_span_is_a_flap(engine: str, tmp_path: Path) -> None:
    store_of(tmp_path, [90, 60, 60, 90, 90])
    rules = ruleset(RULE % "hot", "signals: {hot: {condition: gpu_temperature > 80C}}")
    found = of_span(rules, tmp_path, NEW_YEAR + 20, engine)
    for one in (*found["signals"], *found["rules"]):  # type: ignore[misc]
        assert (one["samples"], one["episodes"], one["flaps"]) == (3, 1, 1)


def test_a_signal_that_may_be_on_for_longer_is_named(tmp_path: Path) -> None:
    store_of(tmp_path, [90, *[70] * 400])
    head = "signals: {hot: {condition: gpu_temperature > 80C, until: gpu_temperature < 60C}}"
    rules = ruleset(RULE % "hot", head)
    back = KernelPlan.of(rules).look_back_seconds
    soon, late = (of_span(rules, tmp_path, NEW_YEAR + at) for at in (10.0, 20.0 + back))
    assert soon["signals"][0]["on_share"] == 1.0, "it came on in what was read before"  # type: ignore[index]
    assert late["signals"][0]["on_share"] == 0.0, "it came on before that"  # type: ignore[index]
    assert soon["unknown_at_start"] == late["unknown_at_start"] == {"hot": back}


def cut(
    rules: Ruleset, observed: list[Observed], since: float
) -> tuple[dict[str, tuple[int, int, int]], dict[str, str]]:
    """Return the samples of each rule and signal from *since* on, on how many it is on, and on how many UNKNOWN.

    The second has what the kernel refuses to count.
    """
    found, kernel = dict[str, tuple[int, int, int]](), Kernel(KernelPlan.of(rules))
    for frame in frames_of_observed(observed, 7):
        outcome = kernel.advance(frame)
        masks = match_rules(
            [r for r in kernel.plan.rules if r.name in outcome.rules], outcome.rules, outcome.rows.groups
        )
        counted = outcome.rows.times >= since
        results = [(name, outcome.rules[name], masks[name]) for name in masks]
        results += [(name, outcome.signals[name], outcome.on[name]) for name in outcome.on]
        for name, truths, on in results:
            is_rows = len(on) == len(outcome.rows.groups.snapshot) and len(on) != len(counted)
            here = counted[outcome.rows.groups.snapshot] if is_rows else counted
            known = truths.true | truths.false
            new = (int(here.sum()), int((on & here).sum()), int((here & ~known).sum()))
            found[name] = tuple(np.add(found.get(name, (0, 0, 0)), new).tolist())
    return found, kernel.refused


def bounded(rules: Ruleset) -> Ruleset:
    """Return the ruleset with signals whose state is known from a bounded time before."""
    signals = {name: replace(signal, until=None, for_seconds=0.0) for name, signal in rules.signals.items()}
    return replace(rules, signals=signals, settings=replace(rules.settings, on_stale="release"), built=None)


def last_start(observed: Sequence[Observed], back: float) -> float | None:
    """Return the last time before which *back* seconds have no gap; in one, no GPU is seen for longer than is read."""
    times = sorted({one.timestamp for one, _ in observed})
    for since in reversed(times[2:]):
        near = [time for time in times if since - back - 20 <= time <= since]
        if times[0] < since - back - 20 < near[0] <= since - back and max(np.diff(near)) <= 20:
            return since
    return None


@pytest.mark.parametrize("seed", range(60))
def test_random_histories_are_as_if_the_whole_were_cut(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "LEAST_LOOK_BACK", 0.0)
    rng = random.Random(seed)
    rules, observed = bounded(ruleset_of(rng)), history_of(rng, 300)
    assert not KernelPlan.of(rules).unbounded_signals
    since = last_start(observed, KernelPlan.of(rules).look_back_seconds)
    if since is None:
        return  # it is in about half of them
    with StoreWriter(Storage(tmp_path), "n", 1e9) as writer:
        for one, node in observed:
            writer.add(one, node)
    wanted, refused = cut(rules, observed, since)
    result = run(Backtest([rules], [str(tmp_path)], span=TimeSpan(since)), in_processes(1)).rulesets[0]
    found = {**result.rules, **result.signals}
    assert found or refused
    for name, tally in found.items():
        if name not in {*refused, *result.refused}:
            assert (tally.samples, tally.on, tally.unknown) == wanted[name], name
