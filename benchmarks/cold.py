"""What is asked once: a decision on a snapshot never seen before, and on a transfer never seen before.

Matches are compared before anything is timed. All ways take turns, several rounds; times are of the processor. Printed
are medians, the ratio to the better of two hand-written functions that return names (or to the hot path), and the
least and largest ratio of any round. Run it with ``python benchmarks/cold.py``, or all with ``make bench``.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from four_rules import BY_HAND, by_hand_with_decision, snapshots, transfers
from results import write

import gpurules
from gpurules import Snapshot, Transfer

ROUNDS, EACH, BATCH = 15, 2000, 50
"""Snapshots are made in batches, as they are when they are asked about at once: most are still in the cache."""

NODE = {"active_training": True}
RULES = """version: 1
name: files
rules:
  - {name: models, condition: "file_type == 'model'", action: increase_priority, parameters: {priority_boost: 9}}
  - {name: torch, condition: "framework == 'pytorch'", action: increase_priority, parameters: {priority_boost: 5}}
  - {name: tars, condition: "file_extension == '.tar'", action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
  - {name: full, condition: "gpu_memory > 85 AND transfer_size > 1GiB", action: delay_transfer, parameters: {delay: 9s}}
"""
ENDINGS = ("model-00001.safetensors", "shard-17.tar", "part.parquet", "optimizer.pt", "notes.xyz", "train/step")

Way = Callable[[], float]


def per_call(function: Callable[..., object], calls: Sequence[Any]) -> float:
    """Return the nanoseconds of *function* for each of *calls*, its arguments."""
    start = time.process_time_ns()
    for arguments in calls:
        function(*arguments)
    return (time.process_time_ns() - start) / len(calls)


def compared(ways: dict[str, Way], to: Sequence[str]) -> dict[str, tuple[float, float, float, float]]:
    """Return, of ways that take turns, the median, its ratio to the better of *to*, and the spread of that."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            found[name].append(way())
    best = min(to, key=lambda name: statistics.median(found[name]))
    table = {}
    for name, times in found.items():
        ratios = [time / other for time, other in zip(times, found[best], strict=True)]
        table[name] = (statistics.median(times), statistics.median(ratios), min(ratios), max(ratios))
    return table


def shown(title: str, table: dict[str, tuple[float, float, float, float]]) -> None:
    """Print a table."""
    print(f"{title:48}      ns   ratio  (smallest .. largest)")
    for name, (median, ratio, low, high) in table.items():
        print(f"  {name:46} {median:7.0f} {ratio:7.2f}  ({low:.2f} .. {high:.2f})", flush=True)


def of_snapshots(gpus: int) -> dict[str, tuple[float, float, float, float]]:
    """Measure decisions on snapshots that are asked once, with facts of the node given by hand and without."""
    ruleset, asked = gpurules.load("gpurules:default"), transfers(EACH)
    seeds = iter(range(10**9))

    def fresh() -> list[Snapshot]:
        return snapshots(gpus, BATCH, next(seeds))

    def evaluated(function: Callable[..., object], *more: object) -> Way:
        def run() -> float:
            found = 0.0
            for first in range(0, EACH, BATCH):
                calls = [(s, t, *more) for s, t in zip(fresh(), asked[first : first + BATCH], strict=True)]
                found += per_call(function, calls)
            return found * BATCH / EACH

        return run

    for snapshot, transfer in zip(fresh(), asked[:BATCH], strict=True):
        wanted = sorted(BY_HAND[0](snapshot, transfer, True))
        assert sorted(ruleset.evaluate(snapshot, transfer, node=NODE).rules) == wanted
    ways = {f"hand-written, {function.__name__}": evaluated(function, True) for function in BY_HAND}
    by_hand = [*ways]
    ways |= {
        "hand-written, with a decision": evaluated(by_hand_with_decision, True),
        "evaluate, node given": evaluated(ruleset.evaluate, None, NODE),
        "evaluate": evaluated(ruleset.evaluate),
        "evaluate, node given, and the names": evaluated(lambda s, t: ruleset.evaluate(s, t, None, NODE).rules),
    }
    return compared(ways, by_hand)


def of_transfers() -> dict[str, tuple[float, float, float, float]]:
    """Measure decisions on paths never seen before, next to the same decisions again, and making transfers."""
    engine = gpurules.Engine(gpurules.loads(RULES))
    snapshot = snapshots(8, 1)[0]
    engine.observe(gpurules.Snapshot(timestamp=time.time() + 3600, gpus=snapshot.gpus))
    numbers = iter(range(10**9))

    def paths() -> list[str]:
        return [f"/data/team-{next(numbers)}/runs/{ENDINGS[n % len(ENDINGS)]}" for n in range(EACH)]

    def decide(again: bool) -> Way:
        def run() -> float:
            asked = [(Transfer(path=path, size=n),) for n, path in enumerate(paths())]
            for (transfer,) in asked if again else ():
                engine.decide(transfer)
            return per_call(engine.decide, asked)

        return run

    made = [(f"t{n}", path, n * 1024, "read", 1_767_225_600.0) for n, path in enumerate(paths())]

    def make(number: str, path: str, size: int, operation: str, created: float) -> Transfer:
        return Transfer(id=number, path=path, size=size, operation=operation, created=created)

    dicts = [
        ({"id": a, "path": b, "size": c, "operation": d, "created": e, "labels": {"team": "vision"}},)
        for a, b, c, d, e in made
    ]
    return compared(
        {
            "decide, a transfer seen before": decide(again=True),
            "decide, a path never seen before": decide(again=False),
            "Transfer(…), five facts": lambda: per_call(make, made),
            "Transfer.from_dict, six facts": lambda: per_call(Transfer.from_dict, dicts),
        },
        ["decide, a transfer seen before"],
    )


def main() -> None:
    """Print the tables."""
    found = {}
    for gpus in (1, 8):
        found[f"{gpus} GPU"] = of_snapshots(gpus)
        shown(f"a new snapshot for each decision, {gpus} GPU", found[f"{gpus} GPU"])
    found["transfers"] = of_transfers()
    shown("a new transfer", found["transfers"])
    write("cold", found)


if __name__ == "__main__":
    main()
