"""Writes a simulated month of a small cluster into a store: deterministic, and done within seconds.

Each GPU runs jobs that use memory and produce heat. The month contains heat waves in which GPUs throttle (minutes after
the temperature rises), memory that grows until it is nearly full, a GPU that is lost for a while, gaps, and sensors
that sometimes return nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gpurules.backends.columnar import Mask, Numbers
from gpurules.history.store.schema import NODE, TELEMETRY, node_schema, telemetry_schema
from gpurules.history.store.storage import Storage, new_path
from gpurules.history.store.writer import write_table

DAY = 86_400
TOTAL = 85_520_809_984
START = 1767225600.0
"""2026-01-01 00:00 UTC."""


@dataclass(frozen=True, slots=True)
class Month:
    """The parameters of the simulation. With ``noise_only`` there are no incidents, so a tuner has nothing to find.

    Without ``with_losses`` there is no gap, and no GPU is lost.

    Units: ``interval`` in seconds between snapshots.
    """

    nodes: int = 4
    gpus: int = 8
    days: int = 30
    interval: float = 15.0
    seed: int = 7
    start: float = START
    noise_only: bool = False
    with_losses: bool = True


def write_month(storage: Storage, month: Month) -> Iterator[tuple[str, int]]:
    """Write the month, and yield each completed node and day."""
    for node in range(month.nodes):
        name = f"node-{node + 1}"
        rng = np.random.default_rng([month.seed, node])
        heat = rng.uniform(38, 46, month.gpus)
        for day in range(month.days):
            _write_day(storage, month, name, (day, rng, heat))
            yield name, day


def _write_day(storage: Storage, month: Month, name: str, what: tuple[int, np.random.Generator, Numbers]) -> None:
    day, rng, heat = what
    count = int(DAY / month.interval)
    times: Numbers = np.asarray(month.start + day * DAY + np.arange(count) * month.interval, np.float64)
    kept = _without_gaps(rng, count, month)
    tables = [_gpu_day(rng, month, name, (gpu, times, heat)) for gpu in range(month.gpus)]
    rows = [table.filter(pa.array(kept & present)) for table, present in tables]
    start = float(times[0])
    write_table(storage, new_path(TELEMETRY, name, start), pa.concat_tables(rows).unify_dictionaries())
    seen = times[kept]
    columns = {
        "timestamp": seen, "host": [name] * len(seen), "driver_version": ["570.86.10"] * len(seen),
        "labels": [None] * len(seen), "facts": [None] * len(seen),
    }  # fmt: skip
    write_table(storage, new_path(NODE, name, start), pa.table(columns, schema=node_schema()))


def _without_gaps(rng: np.random.Generator, count: int, month: Month) -> Mask:
    kept = np.ones(count, bool)
    if rng.random() < 0.1 and month.with_losses and not month.noise_only:
        begin = int(rng.integers(0, count - count // 100))
        kept[begin : begin + max(4, count // 200)] = False
    return kept


def _gpu_day(
    rng: np.random.Generator, month: Month, name: str, what: tuple[int, Numbers, Numbers]
) -> tuple[pa.Table, Mask]:
    gpu, times, heat = what
    count = len(times)
    level = _jobs(rng, count)
    memory = np.clip(level * rng.uniform(60, 88) + rng.normal(0, 1.2, count), 1, 99.5)
    if rng.random() < 0.35 and not month.noise_only:
        _plant(memory, rng, month, (30.0, 22.0))
    memory = np.clip(memory, 1, 99.5)
    target = 40 + 34 * level + rng.normal(0, 1.5, count)
    temperature = _lagged(target, heat[gpu], month.interval / 180)
    heat[gpu] = temperature[-1]
    if rng.random() < 0.2 and not month.noise_only:
        _plant(temperature, rng, month, (20.0, 26.0))
    temperature = np.asarray(np.round(np.clip(temperature, 20, 99)), np.float64)
    columns: dict[str, Numbers] = {
        "memory_used": np.floor(memory / 100 * TOTAL),
        "utilization": np.asarray(np.round(np.clip(level * 95 + rng.normal(0, 4, count), 0, 100)), np.float64),
        "temperature": temperature,
        "power": np.asarray(np.round(90 + 560 * level + rng.normal(0, 6, count), 1), np.float64),
    }  # fmt: skip
    for attribute in ("utilization", "temperature", "power"):
        columns[attribute] = np.where(rng.random(count) < 0.002, np.nan, columns[attribute])
    present = np.ones(count, bool)
    if rng.random() < 0.01 and month.with_losses and not month.noise_only:
        begin = int(rng.integers(0, count))
        present[begin : begin + max(2, int(600 / month.interval))] = False
    return _table((name, gpu), times, columns, temperature >= 88), present


def _jobs(rng: np.random.Generator, count: int) -> Numbers:
    """Return the load of a GPU: jobs of several hours with pauses."""
    edges = np.sort(rng.integers(0, count, rng.integers(3, 9)))
    levels = rng.choice([0.05, 0.5, 0.75, 0.9, 1.0], len(edges) + 1)
    return np.repeat(levels, np.diff([0, *edges, count]))


def _lagged(target: Numbers, first: float, share: float) -> Numbers:
    """Return *target* smoothed exponentially: each step covers a *share* of the distance; in blocks, for speed."""
    keep, found, last = 1 - min(share, 0.9), np.empty_like(target), first
    weights = keep ** np.arange(1, 257)
    for begin in range(0, len(target), 256):
        block = target[begin : begin + 256]
        size = len(block)
        sums = np.cumsum(block * (1 - keep) / weights[:size])
        found[begin : begin + size] = weights[:size] * (last + sums)
        last = found[begin + size - 1]
    return found


def _plant(values: Numbers, rng: np.random.Generator, month: Month, shape: tuple[float, float]) -> None:
    """Let *values* rise for some minutes, stay high equally long, and fall again."""
    minutes, height = shape
    half = max(4, int(minutes * 60 / month.interval))
    begin = int(rng.integers(0, max(1, len(values) - 3 * half)))
    ramp = np.concatenate([np.linspace(0, 1, half), np.ones(half), np.linspace(1, 0, half)])[: len(values) - begin]
    values[begin : begin + len(ramp)] += height * ramp


def _table(which: tuple[str, int], times: Numbers, columns: dict[str, Numbers], throttled: Mask) -> pa.Table:
    (name, gpu), count = which, len(times)
    uuid = f"GPU-{name}-{gpu}"
    texts = {"identity": uuid, "index": str(gpu), "uuid": uuid, "name": "NVIDIA H100 80GB HBM3", "vendor": "nvidia"}
    schema, arrays = telemetry_schema({}), []
    used = columns["memory_used"]
    known: dict[str, Numbers] = {
        **columns, "memory_total": np.full(count, float(TOTAL)), "memory": 100 * used / TOTAL,
        "memory_free": TOTAL - used,
        "power_limit": np.full(count, 700.0),
    }  # fmt: skip
    for field in schema:
        if field.name == "timestamp":
            arrays.append(pa.array(times))
        elif field.name == "position":
            arrays.append(pa.array(np.full(count, gpu, np.int16)))
        elif field.name in texts:
            codes = pa.array(np.zeros(count, np.int32))
            arrays.append(pa.DictionaryArray.from_arrays(codes, pa.array([texts[field.name]])))
        elif field.name in known:
            arrays.append(pa.array(known[field.name], from_pandas=True))
        elif field.name in ("throttled", "throttle_thermal"):
            arrays.append(pa.array(throttled))
        elif field.name == "healthy":
            arrays.append(pa.array(np.ones(count, bool)))
        else:
            arrays.append(pa.nulls(count, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)
