"""What a decision costs as rules, GPUs and threads grow: a table, and the picture of docs/performance.md.

Each size is measured seven times, and the least counts. Rules are those of ``scale.py``; few match. GPUs are
read by 100 of them. With threads, the wall time of one decision of all of them together. Run it with
``python benchmarks/growth.py``.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from picture import Curves, panels
from results import write
from scale import text, transfers
from threads import measure as with_threads

from gpurules import GPU, Engine, Snapshot, loads

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures"
RULES, GPUS, THREADS = (10, 100, 1000, 10_000), (1, 2, 4, 8, 16, 32, 64, 128), (1, 2, 4, 8, 16)
ROUNDS, EACH = 7, 400
HOT, NEW, COLD = "decide, transfer seen before", "decide, new transfer", "evaluate, new snapshot and transfer"


def make_snapshot(gpus: int, number: int) -> Snapshot:
    """Return a snapshot unlike any other: one GPU is nearly full, another one each time."""
    filled = (GPU(index=n, uuid=f"GPU-{n}", memory_used=20 + (n + number) % 60, memory_total=100) for n in range(gpus))
    return Snapshot(timestamp=1000.0 + number, gpus=tuple(filled))


def nanoseconds(decide: Callable[..., object], asked: Sequence[tuple[object, ...]]) -> float:
    """Return the CPU time of one decision of all that are *asked*."""
    began = time.process_time_ns()
    for arguments in asked:
        decide(*arguments)
    return (time.process_time_ns() - began) / len(asked)


def costs(rules: int, gpus: int) -> dict[str, float]:
    """Return what a decision costs in each way. Units: nanoseconds."""
    ruleset, known = loads(text(rules, "tenants")), transfers(EACH)
    engine = Engine(ruleset, clock=lambda: 1000.0)
    engine.observe(make_snapshot(gpus, 0))
    again = [(transfer,) for transfer in known] * 5
    nanoseconds(engine.decide, again)
    found: dict[str, list[float]] = {HOT: [], NEW: [], COLD: []}
    for turn in range(1, ROUNDS + 1):
        fresh = transfers(EACH * (turn + 1))[-EACH:]
        shots = [(make_snapshot(gpus, 20 * turn + n), transfer) for n, transfer in enumerate(fresh[:20])]
        found[HOT].append(nanoseconds(engine.decide, again))
        found[COLD].append(nanoseconds(ruleset.evaluate, shots))
        found[NEW].append(nanoseconds(engine.decide, [(transfer,) for transfer in fresh]))
    return {way: min(values) for way, values in found.items()}


def table(label: str, sizes: Sequence[int], found: Curves) -> None:
    """Print the rows of one panel."""
    print(f"{label:<46}" + "".join(f"{size:>12,}" for size in sizes))
    for name, rows in found.items():
        print(f"  {name:<44}" + "".join(f"{value:>12,.0f}" for _, value in rows))


def main() -> None:
    """Measure, print, and draw."""
    shown: dict[str, Curves] = {}
    ways = (HOT, NEW, COLD)
    for label, sizes, each in (
        ("rules, 8 GPUs", RULES, lambda n: costs(n, 8)),
        ("GPUs, 100 rules", GPUS, lambda n: costs(100, n)),
    ):
        measured = {size: each(size) for size in sizes}
        shown[label] = {way: [(size, measured[size][way]) for size in sizes] for way in ways}
        table(label, sizes, shown[label])
    rows = [(count, 1e9 / with_threads(count)["per_second"]) for count in THREADS]
    shown["threads, 8 GPUs, 4 rules"] = {HOT: rows}
    table("threads", THREADS, shown["threads, 8 GPUs, 4 rules"])
    write("growth", shown)
    drawn = panels("Time of a decision as rules, GPUs and threads grow", shown)
    (OUT / "growth.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
