"""What a ruleset and a history take: bytes for each rule, and for an hour of each GPU.

Counted by tracemalloc, which sees what Python allocates, after a collection. Run it with ``python
benchmarks/memory.py``, or with ``make bench``.
"""

import gc
import random
import tracemalloc
from collections.abc import Callable

from load import ruleset
from observe import snapshot
from results import write

from gpurules import Engine, Ruleset, Transfer, loads

RULES, HOUR, INTERVAL = 1000, 3600, 5
WINDOWS = """
version: 1
name: windows
rules:
- {name: busy, condition: "avg_over_time(gpu_utilization[1h]) > 90", action: pause_transfer}
- {name: hot, condition: "max_over_time(gpu_temperature[1h]) > 85", action: pause_transfer}
"""
FIELDS, GPUS = 2, 8


def taken(make: Callable[[], object]) -> tuple[object, int]:
    """Return what *make* makes, and how many bytes it takes."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    made = make()
    gc.collect()
    return made, tracemalloc.get_traced_memory()[0] - before


def observed(engine: Engine, hours: int, start: float) -> None:
    """Let *engine* observe 8 GPUs for some hours."""
    rng = random.Random(1)
    for number in range(hours * HOUR // INTERVAL):
        engine.observe(snapshot(start + number * INTERVAL, rng))


def of_rules() -> dict[str, float]:
    """Return bytes for each rule: as loaded, made ready to be asked, and of decisions that are kept."""
    rng, shot = random.Random(1), []
    shot.append(snapshot(1.0, rng))
    loads(ruleset(20)).evaluate(shot[0])
    text = ruleset(RULES)
    loaded, size = taken(lambda: loads(text))
    assert isinstance(loaded, Ruleset)
    engine, compiled = taken(lambda: Engine(loaded))
    assert isinstance(engine, Engine)
    engine.observe(shot[0])
    asked = [Transfer(file_type="model", size=n * 1024**2) for n in range(1000)]
    for transfer in asked:
        engine.decide(transfer)
    kept, decided = taken(lambda: [engine.decide(transfer) for transfer in asked])
    assert isinstance(kept, list)
    return {
        "rule, loaded": size / RULES,
        "rule, bound by an engine": compiled / RULES,
        "decision, kept": decided / len(kept),
    }


def of_history() -> dict[str, float]:
    """Return bytes of an hour of one field of one GPU, and how much more the second and third hour take."""
    engine = Engine(loads(WINDOWS))
    observed(engine, 0, 1.0)
    _, first = taken(lambda: observed(engine, 1, 1.0))
    _, later = taken(lambda: observed(engine, 2, 1.0 + HOUR))
    return {"GPU-hour of one field": first / GPUS / FIELDS, "the next two hours": later / GPUS / FIELDS}


def main() -> None:
    """Print the table."""
    tracemalloc.start()
    found = {**of_rules(), **of_history()}
    print(f"memory, bytes ({RULES:,} rules; a snapshot in {INTERVAL} s, windows of 1 h)")
    for name, size in found.items():
        print(f"  {name:28} {size:10,.0f}")
    write("memory", found)


if __name__ == "__main__":
    main()
