"""Imported rules match in the engine exactly where and when the alerts fire in the real promtool."""

import random
from pathlib import Path
from typing import Any

import pytest

from gpurules.engine import Engine
from gpurules.interop.prometheus.importing import import_rules, read_rules, render_ruleset
from gpurules.model import Snapshot
from gpurules.rules import loads
from gpurules.telemetry.formats.prometheus.dcgm import gpus_from_samples
from gpurules.telemetry.formats.prometheus.samples import Sample
from tests.promtool import Query, needs_promtool, query_test, run_promtool, series_name

STEPS, EVERY, GPUS = 120, 5.0, 2
READINGS: dict[str, list[float]] = {
    "DCGM_FI_DEV_GPU_TEMP": [60, 79, 80, 81, 84, 85, 86, 95],
    "DCGM_FI_DEV_GPU_UTIL": [0, 4, 5, 6, 89, 90, 91, 100],
    "DCGM_FI_DEV_FB_USED": [0, 1000, 70000, 76000, 77000, 79000],
    "DCGM_FI_DEV_FB_FREE": [512, 1023, 1024, 1025, 4000, 8000],
    "DCGM_FI_DEV_POWER_USAGE": [50, 299.5, 300, 300.5, 650, 700],
    "DCGM_FI_DEV_ENFORCED_POWER_LIMIT": [300, 700],
    "DCGM_FI_DEV_XID_ERRORS": [0, 0, 0, 31, 79],
    "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": [0, 0, 0, 1, 2],
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": [0, 0, 1],
    "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS": [0, 1, 4, 8, 32, 64, 72, 128],
    "DCGM_FI_DEV_SM_CLOCK": [210, 1199, 1200, 1980],
}
ALERTS = {
    "Hot": "DCGM_FI_DEV_GPU_TEMP > 85",
    "Mirrored": "85 <= DCGM_FI_DEV_GPU_TEMP",
    "Between": "80 < DCGM_FI_DEV_GPU_TEMP < 85",
    "AsWritten": "DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE) > 0.9",
    "Percentage": "(DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)) * 100 >= 95",
    "LowFree": "DCGM_FI_DEV_FB_FREE < 1024",
    "Idle": "DCGM_FI_DEV_GPU_UTIL < 5 and DCGM_FI_DEV_FB_USED > 1000",
    "OnLabels": "DCGM_FI_DEV_GPU_TEMP > 80 and on (gpu, instance) DCGM_FI_DEV_GPU_UTIL > 90",
    "Either": "DCGM_FI_DEV_GPU_TEMP > 85 or DCGM_FI_DEV_POWER_USAGE > 600",
    "Without": "DCGM_FI_DEV_GPU_UTIL > 90 unless DCGM_FI_DEV_SM_CLOCK >= 1200",
    "NearLimit": "DCGM_FI_DEV_POWER_USAGE / DCGM_FI_DEV_ENFORCED_POWER_LIMIT > 0.95",
    "OverLimit": "DCGM_FI_DEV_POWER_USAGE > DCGM_FI_DEV_ENFORCED_POWER_LIMIT * 0.99",
    "Broken": "DCGM_FI_DEV_ROW_REMAP_FAILURE == 1",
    "Whole": "DCGM_FI_DEV_ROW_REMAP_FAILURE < 1",
    "Reasons": "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS >= 8",
    "NewXid": "changes(DCGM_FI_DEV_XID_ERRORS[30s]) > 0",
    "NewErrors": "increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL[1m]) > 0",
    "MeanTemp": "avg_over_time(DCGM_FI_DEV_GPU_TEMP[30s]) > 82",
    "PeakPower": "max_over_time(DCGM_FI_DEV_POWER_USAGE[20s]) >= 300",
    "Samples": "count_over_time(DCGM_FI_DEV_GPU_TEMP[20s]) >= 5",
    "NodeMean": "avg by (instance) (DCGM_FI_DEV_GPU_UTIL) < 50",
    "NodeMax": "max(DCGM_FI_DEV_GPU_TEMP) > 94",
    "PerGpuMax": "max by (gpu, instance) (DCGM_FI_DEV_GPU_TEMP) > 85",
    "HowManyHot": "count by (instance) (DCGM_FI_DEV_GPU_TEMP > 80) >= 2",
    "FewHot": "count(DCGM_FI_DEV_GPU_TEMP > 80) < 2",
    "NodeSum": "sum by (Hostname) (DCGM_FI_DEV_POWER_USAGE) > 950",
    "Recorded": "gpu:share > 0.9",
    "Clamped": "DCGM_FI_DEV_FB_USED / clamp_min(DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE, 1) > 0.9",
    "ClampedAbove": "clamp_max(DCGM_FI_DEV_GPU_TEMP, 84) >= 84",
    "Growing": "deriv(DCGM_FI_DEV_FB_USED[20s]) > 512",
    "Rising": "delta(DCGM_FI_DEV_GPU_UTIL[15s]) > 40",
}
TIMED = {"Hot": ("30s", None), "LowFree": ("10s", "20s"), "NodeMean": ("5s", None), "Either": (None, "15s")}


def rule_file(timed: bool) -> str:
    lines = ["groups:", "- name: g", "  rules:", "  - record: gpu:share"]
    lines += ["    expr: DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)"]
    for name, expression in ALERTS.items():
        wait, keep = TIMED.get(name, (None, None)) if timed else (None, None)
        lines += [f"  - alert: {name}", f"    expr: {expression}"]
        lines += [f"    for: {wait}"] if wait else []
        lines += [f"    keep_firing_for: {keep}"] if keep else []
    return "\n".join([*lines, ""])


def labels_of(gpu: int) -> dict[str, str]:
    return {"gpu": str(gpu), "UUID": f"GPU-{gpu}", "modelName": "H100", "Hostname": "n", "instance": "n:9400"}


def values(chance: random.Random, gaps: float) -> list[list[dict[str, float]]]:
    """Return the readings of each GPU at each step: random walks over values at and around the limits."""
    state = [{name: float(chance.choice(choices)) for name, choices in READINGS.items()} for _ in range(GPUS)]
    steps = []
    for _ in range(STEPS):
        for gpu in state:
            for name, choices in READINGS.items():
                if chance.random() < 0.25:
                    gpu[name] = float(chance.choice(choices))
        steps.append([{n: v for n, v in gpu.items() if chance.random() >= gaps} for gpu in state])
    return steps


def agreement(text: str, gaps: float, seed: int) -> tuple[dict[str, Any], set[str]]:
    """Return a test of promtool that expects what the engine matches, and the alerts that it matched at some time."""
    found = import_rules(read_rules(text.encode(), "rules.yml"))
    assert found.left_out == []
    alerts = {rule.name: rule.original.name for rule in found.rules}
    ruleset = loads(render_ruleset(found.rules, (), "imported"))
    engine, seen = Engine(ruleset, clock=lambda: 0.0), set[str]()
    columns: dict[str, list[str]] = {}
    queries = []
    for step, readings in enumerate(values(random.Random(seed), gaps)):
        samples = [
            Sample(name, labels_of(gpu), value) for gpu, own in enumerate(readings) for name, value in own.items()
        ]
        engine.observe(Snapshot(timestamp=step * EVERY, gpus=gpus_from_samples(samples)))
        for sample in samples:
            columns.setdefault(series_name(sample.name, sample.labels), ["stale"] * step).append(repr(sample.value))
        for column in columns.values():
            column += ["stale"] * (step + 1 - len(column))
        expected = []
        for match in engine.decide().matched:
            seen.add(alerts[match.rule])
            name = {"alertname": alerts[match.rule]}
            expected += [({**name, "gpu": str(device)}, 1.0) for device in match.devices] or [(name, 1.0)]
        text = 'group by (alertname, gpu) (ALERTS{alertstate="firing"})'
        queries.append(Query(str(step), text, tuple(expected), step * EVERY))
    return query_test({name: " ".join(column) for name, column in columns.items()}, EVERY, queries), seen


@needs_promtool
@pytest.mark.parametrize(("timed", "gaps"), [(True, 0.0), (False, 0.15)], ids=["timers", "gaps"])
def test_alerts_fire_where_the_imported_rules_match(timed: bool, gaps: float, tmp_path: Path) -> None:
    text = rule_file(timed)
    test, seen = agreement(text, gaps, 20261130)
    failed = run_promtool([test], tmp_path, text, EVERY)
    assert not failed, "\n".join(failed[:4])
    assert seen == set(ALERTS)
