"""Exported rules fire in the real promtool exactly where and when the engine matches them, at every evaluation."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpurules.engine import Engine
from gpurules.fields import Field, Scope
from gpurules.interop.prometheus import NAMINGS, export_rules, render_group
from gpurules.language.terms import ir
from gpurules.model import GPU, Kind, Snapshot
from gpurules.rules import Ruleset, load, loads, shipped_names
from tests.promtool import NODE, Query, needs_promtool, node_samples, query_test, run_promtool

SEED, STEPS, GPUS = 20261130, 150, 2
TIMERS = """
version: 1
name: timers
settings: {poll_interval: 5s}
signals:
  warm: {condition: gpu_temperature > 80, until: gpu_temperature < 70}
  full: {condition: gpu_memory > 85, for: 10s}
  held: {condition: gpu_power > 500W, keep_for: 15s}
  band: {condition: gpu_utilization > 90, until: gpu_utilization < 50, for: 10s}
  kept_band: {condition: gpu_power > 400W, until: gpu_power < 300W, keep_for: 10s}
  crowded: {condition: count(gpu_memory > 80) >= 2, for: 5s}
rules:
  - {name: plain, condition: gpu_temperature > 80, action: log}
  - {name: delayed, condition: gpu_temperature > 80, for: 10s, action: log}
  - {name: kept, condition: gpu_temperature > 80, keep_for: 15s, action: log}
  - {name: both_timers, condition: gpu_memory > 85, for: 10s, keep_for: 10s, action: log}
  - {name: latched, condition: gpu_memory > 85, until: gpu_memory < 75, action: log}
  - {name: latched_later, condition: gpu_memory > 85, until: gpu_memory < 75, for: 10s, action: log}
  - {name: latched_and_kept, condition: gpu_memory > 85, until: gpu_memory < 75, keep_for: 10s, action: log}
  - {name: by_signal, condition: warm AND NOT held, action: log}
  - {name: by_full, condition: full OR band, action: log}
  - {name: by_band, condition: any(kept_band) AND crowded, action: log}
  - {name: average, condition: 'avg_over_time(gpu_temperature[20s]) > 80', action: log}
  - {name: peak, condition: 'max_over_time(gpu_power[15s]) > 500W', action: log}
  - {name: soon, condition: 'predict_linear(gpu_memory_used[20s], 10s) > 80B', action: log}
  - {name: some, condition: any(gpu_temperature > 80), for: 5s, action: log}
  - {name: every, condition: all(gpu_temperature > 70), action: log}
  - {name: spread, condition: max(gpu_temperature) - min(gpu_temperature) > 10C, action: log}
"""
PLAIN = """
version: 1
name: plain
settings: {poll_interval: 5s}
rules:
  - {name: one, condition: gpu_temperature > 80 AND gpu_memory > 85, action: log}
  - {name: none, condition: NOT (gpu_temperature > 80 OR gpu_memory > 85), action: log}
  - {name: absent, condition: gpu_temperature IS MISSING, action: log}
  - {name: every, condition: all(gpu_temperature > 80 OR gpu_throttled), action: log}
  - {name: differs, condition: gpu_temperature != 80, action: log}
  - {name: counted, condition: count(NOT gpu_throttled) == 1, action: log}
  - {name: default, condition: 'coalesce(gpu_temperature, 90) > 85', action: log}
  - {name: quotient, condition: gpu_memory_used / gpu_memory_total > 0.8, action: log}
"""


def fields_of(ruleset: Ruleset) -> dict[Field, list[Any]]:
    """Return the readings of GPUs that a ruleset looks at, each with values at and around its limits."""
    found: dict[Field, list[Any]] = {}
    terms = ruleset.terms
    numbers: dict[Any, set[float]] = {}
    for term in (part for whole in terms for part in ir.walk(whole)):
        if isinstance(term, ir.Constant) and isinstance(term.value, int | float) and not isinstance(term.value, bool):
            numbers.setdefault(term.datatype.dimension, set()).add(float(term.value))
    for known in sorted({f for term in terms for f in ir.fields(term) if f.scope is Scope.GPU}, key=lambda f: f.name):
        if known.datatype.kind is Kind.BOOL:
            found[known] = [True, False]
        elif known.datatype.kind is Kind.NUMBER:
            limits = numbers.get(known.datatype.dimension, {50.0})
            values = {limit + step for limit in limits for step in (-20, -1, 0, 1, 10)}
            low, high = known.minimum or 0, known.maximum if known.maximum is not None else float("inf")
            found[known] = sorted(value for value in values if low <= value <= high) or [low]
    return found


def snapshots(ruleset: Ruleset, gaps: float, chance: random.Random) -> Iterator[Snapshot]:
    """Yield what a node reports, poll after poll; *gaps* is how often a reading is missing."""
    readings = fields_of(ruleset)
    state = [{known: chance.choice(values) for known, values in readings.items()} for _ in range(GPUS)]
    for step in range(STEPS):
        gpus = []
        for index, values in enumerate(state):
            for known, choices in readings.items():
                if chance.random() < 0.3:
                    values[known] = chance.choice(choices)
            kept = {known.attribute: value for known, value in values.items() if chance.random() >= gaps}
            kept = {name: value for name, value in kept.items() if name in GPU_ATTRIBUTES}
            if "memory" in kept or "memory_used" in kept:
                used = kept.pop("memory", kept.get("memory_used"))
                kept |= {"memory_used": int(min(100, used)), "memory_total": 100}
            gpus.append(GPU(index=index, uuid=f"GPU-{index}", **kept))
        yield Snapshot(timestamp=float(step) * ruleset.settings.poll_interval, gpus=tuple(gpus))


GPU_ATTRIBUTES = frozenset(GPU().__dataclass_fields__)


def agreement(ruleset: Ruleset, gaps: float, seed: int) -> tuple[str, dict[str, Any], int]:
    """Return the exported rules, a test of promtool that expects what the engine matched, and how often it did."""
    export = export_rules(ruleset, NAMINGS["gpurules"])
    engine, every = Engine(ruleset, clock=lambda: 0.0), ruleset.settings.poll_interval
    series: dict[str, list[str]] = {}
    queries, matches = [], 0
    for step, snapshot in enumerate(snapshots(ruleset, gaps, random.Random(seed))):
        samples = dict(node_samples(snapshot))
        for name in samples.keys() | series.keys():
            before = series.setdefault(name, ["stale"] * step)
            before.append(repr(samples[name]) if name in samples else "stale")
        engine.observe(snapshot)
        matched = {match.rule: match.devices for match in engine.decide().matched if match.rule in export.alerts}
        expected = []
        for rule, devices in matched.items():
            base = {"alertname": export.alerts[rule].name, "instance": NODE}
            per_gpu = ruleset.rule(rule).per_gpu  # type: ignore[union-attr]
            expected += [({**base, "gpu": str(d)}, 1.0) for d in devices] if per_gpu else [(base, 1.0)]
        matches += len(expected)
        text = 'group by (alertname, instance, gpu) (ALERTS{alertstate="firing"})'
        queries.append(Query(str(step), text, tuple(expected), step * every))
    values = {name: " ".join(column) for name, column in series.items()}
    return render_group(export.group), query_test(values, every, queries), matches


@needs_promtool
@pytest.mark.parametrize(
    ("ruleset", "gaps"),
    [(loads(TIMERS), 0.0), (loads(PLAIN), 0.2), *((load(f"gpurules:{name}"), 0.0) for name in shipped_names())],
    ids=["timers", "plain", *shipped_names()],
)
def test_the_alerts_fire_where_the_rules_match(ruleset: Ruleset, gaps: float, tmp_path: Path) -> None:
    rules, test, matches = agreement(ruleset, gaps, SEED)
    failed = run_promtool([test], tmp_path, rules, ruleset.settings.poll_interval)
    assert not failed, "\n".join(failed[:6])
    assert matches > 20 or ruleset.name not in ("timers", "plain")


@needs_promtool
def test_every_rule_of_the_timers_is_exported_and_matches_at_some_time(tmp_path: Path) -> None:
    ruleset = loads(TIMERS)
    assert export_rules(ruleset, NAMINGS["gpurules"]).omissions == []
    engine, seen = Engine(ruleset, clock=lambda: 0.0), set()
    for snapshot in snapshots(ruleset, 0.0, random.Random(SEED)):
        engine.observe(snapshot)
        seen.update(engine.decide().rules)
    assert seen == {rule.name for rule in ruleset.rules}
