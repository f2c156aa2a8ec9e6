"""What a decision costs as a ruleset grows from 10 to 10,000 rules, on one snapshot of 8 GPUs, few rules matching.

With and without the index; how long binding a snapshot takes; and a form of rule that no index can hold. Prints the
ratio to 10 rules in the same run. Run it with ``python benchmarks/scale.py``, or all with ``make bench``.
"""

import random
import statistics
import time
from collections.abc import Callable

from gpurules import GPU, Ruleset, Snapshot, Transfer, loads
from gpurules.backends.facts import NO_WORKLOAD, Facts
from gpurules.backends.specialization import Residual, Specializer

KINDS = ("model", "dataset", "log", "config", "tensor", "index", "archive", "checkpoint")
SIZES = (10, 100, 1000, 10_000)
MIB = 1024**2


def text(rules: int, form: str) -> str:
    """Return a ruleset of *rules* rules: a part on GPUs, one on the type of a file, and a narrow one on its size."""
    forms = {
        "tenants": "gpu_memory > {0} AND team == 'team-{4}' AND file_type == '{1}' AND transfer_size > {5}MiB",
        "ranges": "gpu_memory > {0} AND file_type == '{1}' AND transfer_size BETWEEN {2}KiB AND {3}KiB",
        "glob": "gpu_memory > {0} AND file_type == '{1}' AND path GLOB '/data/{2}-*.bin'",
    }
    lines = []
    for n in range(rules):
        low = 1 + n * 4_000_000 // rules
        condition = forms[form].format(
            5 + n % 90,
            KINDS[n % len(KINDS)],
            low,
            low + 4_000_000 // rules + 1,
            n % max(10, rules // 10),
            100 * (n % 40),
        )
        lines.append(
            f'- {{name: r{n}, condition: "{condition}", action: increase_priority, parameters: {{priority_boost: 1}}}}'
        )
    return "version: 1\nname: large\nfields: {team: {type: string, scope: transfer}}\nrules:\n" + "\n".join(lines)


def make_snapshot(memory: float) -> Snapshot:
    """Return 8 GPUs that are filled up to *memory* percent."""
    gpus = tuple(GPU(index=n, uuid=f"GPU-{n}", memory_used=memory - n, memory_total=100) for n in range(8))
    return Snapshot(timestamp=1000.0, gpus=gpus)


def transfers(count: int) -> list[Transfer]:
    """Return transfers of all types and sizes."""
    rng = random.Random(3)
    return [
        Transfer(
            file_type=rng.choice(KINDS),
            size=rng.randint(1, 4_000_000 * 1024),
            path=f"/data/{n}-1.bin",
            labels={"team": f"team-{rng.randint(0, 99)}"},
        )
        for n in range(count)
    ]


def nanoseconds(residual: Residual | None, base: int, asked: list[Transfer]) -> float:
    """Return what the mask of one transfer costs."""
    start = time.perf_counter_ns()
    for transfer in asked:
        base if residual is None else residual(transfer, NO_WORKLOAD)
    return (time.perf_counter_ns() - start) / len(asked)


def decisions(ruleset: Ruleset, snapshot: Snapshot, asked: list[Transfer]) -> float:
    """Return what ``evaluate`` on a bound snapshot costs."""
    evaluate = ruleset.evaluate
    evaluate(snapshot)
    evaluate(snapshot)
    start = time.perf_counter_ns()
    for transfer in asked:
        evaluate(snapshot, transfer)
    return (time.perf_counter_ns() - start) / len(asked)


def milliseconds(function: Callable[[], object]) -> float:
    """Return how long *function* takes."""
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1000


def measure(rules: int, form: str = "tenants", rounds: int = 7) -> dict[str, float]:
    """Return the medians for a ruleset of *rules* rules."""
    ruleset, snapshot = loads(text(rules, form)), make_snapshot(60)
    facts = Facts(snapshot, snapshot.gpus)
    ways = {
        "flags": Specializer(ruleset.program.terms, None, 10**9),
        "index": Specializer(ruleset.program.terms, None, 1),
    }
    asked = transfers(1000)
    masks = []
    for specializer in ways.values():
        base, residual = specializer.specialize(facts)
        masks.append([base if residual is None else residual(transfer, NO_WORKLOAD) for transfer in asked])
    assert masks[0] == masks[1]
    found: dict[str, list[float]] = {"matching": [statistics.mean(mask.bit_count() for mask in masks[0])]}
    for number in range(rounds):
        fresh = transfers(1000 * (number + 2))[-1000:]
        for name, specializer in ways.items():
            base, residual = specializer.specialize(facts)
            found.setdefault(name, []).append(nanoseconds(residual, base, fresh))
            found.setdefault(f"bind, {name}, ms", []).append(
                milliseconds(lambda used=specializer: used.specialize(facts))
            )
        found.setdefault("evaluate", []).append(decisions(ruleset, make_snapshot(60), fresh))
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> None:
    """Print the tables."""
    for form in ("tenants", "ranges", "glob"):
        print(f"rules of the form {form!r}, ns for each transfer        (x 10 rules)")
        first: dict[str, float] = {}
        for rules in SIZES:
            medians = measure(rules, form)
            first = first or medians
            columns = "".join(f"  {name} {v:.4g} ({v / (first[name] or 1):.1f}x)" for name, v in medians.items())
            print(f"  {rules:6}{columns}")


if __name__ == "__main__":
    main()
