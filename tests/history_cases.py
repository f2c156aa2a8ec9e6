"""Random recorded months in small: rulesets over all that engines remember, and snapshots that are hard on them."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gpurules.backends.columnar import Groups, Truths
from gpurules.engine.state.signals import Transition
from gpurules.history.frames.frame import Frame
from gpurules.history.frames.snapshots import Observed, frames_of_observed
from gpurules.history.kernel.kernel import Kernel
from gpurules.history.kernel.outcome import KernelOutcome, Rows, match_rules
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.kernel.replay import Replayer
from gpurules.model import Snapshot
from gpurules.rules import Ruleset, loads

START = 1774749600.0
"""2026-03-29 02:00 UTC: an hour after the clocks of Europe went forward."""
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe")
CONDITIONS = (
    "gpu_memory > 80",
    "gpu_temperature > 85C",
    "gpu_utilization < 10 OR gpu_memory IS MISSING",
    "NOT gpu_temperature <= 80C",
    "gpu_memory > 70 AND gpu_temperature > 70C",
    "70 <= gpu_memory < 90",
    "gpu_throttled",
    "gpu_status == 'lost'",
    "gpu_healthy AND gpu_memory > 50",
    "gpu_name IN ('a', 'b') AND gpu_memory > 60",
    "gpu_index > 0 AND gpu_memory > 60",
    "gpu_temperature - 10C > 70C",
    "round(gpu_temperature / 10) >= 8C",
    "coalesce(gpu_memory, 95) > 90",
    "any(gpu_memory > 80)",
    "all(gpu_memory > 40)",
    "count(gpu_temperature > 80C) >= 2",
    "max(gpu_temperature) > 90C",
    "min(gpu_memory) < 20",
    "avg(gpu_memory) > 60",
    "sum(gpu_power) > 700W",
    "gpu_count < 3",
    "gpu_xid == 79 AND gpu_xid_age < 30s",
    "gpu_xid_age >= 20s",
    "gpu_lost_count > 0",
    "avg_over_time(gpu_memory[30s]) > 75",
    "avg_over_time(gpu_power[25s]) > 250W",
    "max_over_time(gpu_temperature[20s]) > 90C",
    "min_over_time(gpu_temperature[20s]) < 60C",
    "count_over_time(gpu_temperature[30s]) < 4",
    "delta(gpu_temperature[20s]) > 10C",
    "rate(gpu_energy[30s]) > 200W",
    "stddev_over_time(gpu_power[30s]) > 30W",
    "quantile_over_time(0.5, gpu_temperature[1m]) > 80C",
    "predict_linear(gpu_memory[40s], 60s) > 95",
    "last_over_time(gpu_memory[15s]) > 85",
    "increase(gpu_energy[30s]) > 6kJ",
    "increase(gpu_process_count[40s]) >= 2",
    "deriv(gpu_temperature[30s]) > 0.3",
    "deriv(gpu_energy[40s]) < 200W",
    "changes(gpu_xid[1m]) >= 1",
    "changes(gpu_temperature[20s]) < 2",
    "pending_transfers > 2",
    "max_over_time(pending_transfers[30s]) > 3",
    "active_training",
    "hour >= 3 AND hour < 9",
    "time_of_day >= 04:00 AND time_of_day < 04:02",
    "weekday IN ('sun', 'mon')",
    "load > 5",
    "rack == 'r1' AND spot",
    "host == 'n1'",
    "telemetry_age > 1s OR gpu_memory > 90",
)
FIELDS: dict[str, Any] = {
    "load": {"type": "number", "scope": "node"},
    "rack": {"type": "string", "scope": "node"},
    "spot": {"type": "bool", "scope": "gpu"},
}
DURATIONS = ("0s", "5s", "10s", "12s", "30s", "1m")


def ruleset_of(rng: random.Random) -> Ruleset:
    """Return a random ruleset, of signals that read each other and rules that read them."""
    names = [f"s{n}" for n in range(rng.randint(1, 4))]
    signals: dict[str, dict[str, object]] = {}
    for n, name in enumerate(names):
        signals[name] = {"condition": _condition(rng, names[:n])}
        if rng.random() < 0.5:
            signals[name]["until"] = _condition(rng, names[:n])
        for key in ("for", "keep_for"):
            if rng.random() < 0.5:
                signals[name][key] = rng.choice(DURATIONS)
    rules = []
    for n in range(rng.randint(1, 4)):
        rule: dict[str, object] = {"name": f"r{n}", "condition": _condition(rng, names), "action": "pause_transfer"}
        rule |= {"priority": rng.randint(-2, 2), "stop": rng.random() < 0.2}
        rule |= {"mode": rng.choice(["enforce", "enforce", "shadow"]), "gpus": rng.choice(["node"] * 5 + ["workload"])}
        if rule["gpus"] == "node" and rng.random() < 0.3:
            rule["for"] = rng.choice(DURATIONS)
        if rng.random() < 0.2:
            rule["condition"] = (
                f"({rule['condition']}) AND transfer_size > 1MB" if "for" not in rule else rule["condition"]
            )
        rules.append(rule)
    settings = {
        "timezone": rng.choice(ZONES),
        "stale_after": rng.choice(["1s", "15s", "40s"]),
        "on_stale": rng.choice(["release", "hold"]),
        "forget_gpu_after": rng.choice(["1s", "20s", "1m", "5m"]),
    }
    document = {
        "version": 1,
        "name": "random",
        "settings": settings,
        "fields": FIELDS,
        "signals": signals,
        "rules": rules,
    }
    return loads(json.dumps(document))


def _condition(rng: random.Random, signals: Sequence[str]) -> str:
    parts = [rng.choice([*CONDITIONS, *signals, *signals, *signals]) for _ in range(rng.choice([1, 1, 2, 3]))]
    parts = [f"NOT ({part})" if rng.random() < 0.15 else f"({part})" for part in parts]
    return rng.choice([" AND ", " OR "]).join(parts)


def history_of(rng: random.Random, length: int = 40) -> list[Observed]:
    """Return random snapshots: missing values, gaps, GPUs that come, go and are lost, clocks that stand or go back."""
    known = [_new_gpu(rng, n) for n in range(rng.randint(0, 4))]
    now, observed = START + rng.choice([0.0, 0.25, -3600.0 * 5, 86400.0 * 3]), []
    quiet = rng.random() < 0.3
    for _ in range(rng.randint(1, length)):
        now += rng.choice([5.0] * 12 + [5.000001, 4.75, 0.0, -3.0, 20.0, 61.0, 400.0] * (not quiet))
        gpus = [] if not quiet and rng.random() < 0.03 else [g for g in known if quiet or rng.random() > 0.06]
        if not quiet and rng.random() < 0.05:
            rng.shuffle(gpus)
        if not quiet and rng.random() < 0.06:
            known.append(_new_gpu(rng, len(known)))
        if not quiet and known and rng.random() < 0.03:
            known.remove(rng.choice(known))
        data = {"timestamp": now, "gpus": [_reading(rng, gpu) for gpu in gpus], "host": rng.choice(["n1", "n1", None])}
        data["labels"] = {"load": rng.choice([1, 7, 5.5, None, "x"]), "rack": rng.choice(["r1", "r2", 3])}
        node = rng.choice([{}, {}, {"pending_transfers": rng.randint(0, 5)}, {"active_training": True}, {"load": 9}])
        observed.append((Snapshot.from_dict(data), node))
    return observed


def _new_gpu(rng: random.Random, number: int) -> dict[str, object]:
    gpu: dict[str, object] = {"index": number, "name": rng.choice(["a", "b", "c"])}
    if rng.random() < 0.8:
        gpu["uuid"] = f"GPU-{rng.choice([number, number, rng.randint(0, 5)])}"
    if rng.random() < 0.15:
        gpu |= {"index": f"{rng.randint(0, 3)}:{number}", "mig": True}
    return gpu


def _reading(rng: random.Random, gpu: Mapping[str, object]) -> dict[str, object]:
    reading: dict[str, object] = dict(gpu)
    if rng.random() < 0.05:
        return {**gpu, "healthy": False, "status": rng.choice(["lost", "unavailable", "ok"])}
    if rng.random() < 0.05:
        reading.pop("uuid", None)
    values: dict[str, object] = {
        "memory": rng.choice([10, 50, 76, 81, 85.5, 92, 99.9]),
        "temperature": rng.choice([50, 71, 80, 85, 86, 88, 92]),
        "utilization": rng.choice([0, 5, 50, 100]),
        "power": rng.choice([100, 250.5, 300, 333.3, 401.7]),
        "energy": rng.choice([0, 1000, 5000.5, 9000, 20000]),
        "throttled": rng.random() < 0.3,
        "status": rng.choice(["ok", "ok", "degraded"]),
        "xid": rng.choice([0, 79]),
        "xid_age": rng.choice([0, 10, 25.5]),
        "labels": rng.choice([{}, {"spot": True}, {"spot": "no"}]),
    }
    return reading | {name: value for name, value in values.items() if rng.random() > 0.12}


def outcomes(
    ruleset: Ruleset, observed: Iterable[Observed], batch: int
) -> tuple[list[KernelOutcome], list[KernelOutcome]]:
    """Return what the kernel and what the engine make of a history that is cut into frames of *batch* snapshots."""
    return outcomes_of_frames(ruleset, frames_of_observed(observed, batch))


def outcomes_of_frames(ruleset: Ruleset, frames: Iterable[Frame]) -> tuple[list[KernelOutcome], list[KernelOutcome]]:
    """Return what the kernel and what the engine make of frames."""
    plan = KernelPlan.of(ruleset)
    kernel, engine = Kernel(plan, with_causes=True), Replayer(plan)
    both = [(kernel.advance(frame), engine.advance(frame)) for frame in frames]
    return [ours for ours, _ in both], [theirs for _, theirs in both]


def differences(ruleset: Ruleset, observed: Iterable[Observed], batch: int) -> list[str]:
    """Return where the kernel and the engine do not agree; what the kernel refuses is not a difference."""
    return compared(ruleset, frames_of_observed(observed, batch))


def compared(ruleset: Ruleset, frames: Iterable[Frame], refusals: Counter[str] | None = None) -> list[str]:
    """Return where the kernel and the engine do not agree on frames; *refusals* counts what the kernel refuses."""
    ours, theirs = outcomes_of_frames(ruleset, frames)
    found: list[str] = []
    refused = ours[-1].refused if ours else {}
    if refusals is not None:
        refusals.update(refused.values())
    rules = [rule for rule in ruleset.rules if rule.enabled]
    per_gpu = {rule.name for rule in rules if rule.per_gpu and rule.gpus != "workload"}
    per_gpu |= {signal.name for signal in ruleset.signals.values() if signal.per_gpu}
    for n, (mine, true) in enumerate(
        zip(*([_in_order(one, per_gpu) for one in side] for side in (ours, theirs)), strict=True)
    ):
        found += [f"frame {n}: {text}" for text in _rows_differ(mine, true)]
        if found:
            return found
        for word in ("rules", "signals"):
            for name in getattr(true, word).keys() - refused.keys():
                a, b = getattr(mine, word)[name], getattr(true, word)[name]
                if not (np.array_equal(a.true, b.true) and np.array_equal(a.false, b.false)):
                    found.append(f"frame {n}: {word} {name}")
        for name in true.on.keys() - refused.keys():
            if not np.array_equal(mine.on[name], true.on[name]):
                found.append(f"frame {n}: signal {name} is on elsewhere")
        if not refused:
            a, b = (match_rules(rules, one.rules, one.rows.groups) for one in (mine, true))
            found += [f"frame {n}: matches of {name}" for name in b if not np.array_equal(a[name], b[name])]
    mine, true = (sorted(map(_plain, _transitions(side, refused)), key=repr) for side in (ours, theirs))
    if mine != true:
        found.append(
            f"transitions {[t for t in mine if t not in true]} instead of {[t for t in true if t not in mine]}"
        )
    return found


def _in_order(outcome: KernelOutcome, per_gpu: set[str]) -> KernelOutcome:
    """Return an outcome with its rows in order of the names of GPUs, and of time."""
    rows, names = outcome.rows, sorted(set(outcome.rows.owners))
    owner = np.array([names.index(rows.owners[n]) for n in rows.owner.tolist()], np.intp)
    order = np.lexsort((rows.groups.snapshot, owner))

    def ordered(name: str, mask: np.ndarray) -> np.ndarray:
        return mask[order] if name in per_gpu else mask

    def truths(found: dict[str, Truths]) -> dict[str, Truths]:
        return {name: Truths(ordered(name, one.true), ordered(name, one.false)) for name, one in found.items()}

    placed = Rows(rows.times, Groups(rows.groups.snapshot[order], rows.groups.count), names, owner[order])
    on = {name: ordered(name, mask) for name, mask in outcome.on.items()}
    return KernelOutcome(placed, truths(outcome.rules), truths(outcome.signals), on, outcome.changes, outcome.refused)


def _rows_differ(mine: KernelOutcome, true: KernelOutcome) -> list[str]:
    a, b = (
        list(zip([one.rows.owners[n] for n in one.rows.owner], one.rows.groups.snapshot.tolist(), strict=True))
        for one in (mine, true)
    )
    return [] if a == b else [f"the rows are {a} instead of {b}"]


def _transitions(side: Sequence[KernelOutcome], refused: Mapping[str, str]) -> Iterable[Transition]:
    return (change for one in side for change in one.transitions if change.signal not in refused)


def _plain(change: Transition) -> tuple[object, ...]:
    return change.timestamp, change.signal, change.owner, change.on, change.lasted, change.because
