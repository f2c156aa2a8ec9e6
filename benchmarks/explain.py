"""How long it takes to say why a rule matches or does not, with the nearest change that would flip it.

Prints the median and the slowest of all rules that ship, on a node of 8 GPUs, and a condition of 40 comparisons; beside
each the time without the nearest change. It is CPU time: nothing is waited for, and what else the machine does is left
out. Run it with ``make bench``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import gpurules
from gpurules.actions.explained import ExplainedRule
from gpurules.rules import shipped_names

TURNS = 7
LONG = " OR ".join(
    f"(gpu_memory > {60 + n}% AND gpu_temperature > {90 - n}C AND transfer_size > {n + 1}GiB AND file_type == 'model')"
    for n in range(10)
)
LONG_RULES = f"""
version: 1
name: long
rules:
  - name: 40 comparisons
    condition: {LONG}
    action: pause_transfer
"""


@dataclass(frozen=True)
class Row:
    """What one rule took, in milliseconds: its explanation without and with the nearest change."""

    name: str
    plain: float
    whole: float
    is_found: bool


def snapshot() -> gpurules.Snapshot:
    """Return a node of 8 different GPUs."""
    gpus = [
        {
            "index": n,
            "memory_total": 80 << 30,
            "memory_used": (20 + 7 * n) << 30,
            "temperature": 50 + 4 * n,
            "power": 300,
        }
        for n in range(8)
    ]
    return gpurules.Snapshot.from_dict({"timestamp": 1767225600.0, "gpus": gpus})


def milliseconds(function: Callable[[], object]) -> float:
    """Return the median CPU time of *function* over some turns."""
    times = []
    for _ in range(TURNS):
        start = time.process_time()
        function()
        times.append((time.process_time() - start) * 1000)
    return median(times)


def measured(ruleset: gpurules.Ruleset) -> list[Row]:
    """Return what every rule of *ruleset* takes on its own."""
    facts, transfer = snapshot(), gpurules.Transfer(path="/data/shard-0017.tar", size=5 << 30)
    rows = []
    for rule in ruleset.rules:
        alone = replace(ruleset, rules=(rule,), version=f"{ruleset.version} {rule.name}")

        def explained(alone: gpurules.Ruleset = alone) -> ExplainedRule:
            explanation = alone.evaluate(facts, transfer).explain()
            return explanation.rules[0]

        is_found = explained().nearest is not None
        plain, whole = milliseconds(explained), milliseconds(lambda explain_now=explained: explain_now().nearest)
        rows.append(Row(f"{ruleset.name}: {rule.name}", plain, whole, is_found))
    return rows


def main() -> None:
    """Print the table."""
    shipped = [row for name in shipped_names() for row in measured(gpurules.load(f"gpurules:{name}"))]
    print(f"{len(shipped)} rules that ship, 8 GPUs; {sum(row.is_found for row in shipped)} have a nearest change")
    print("explain, ms of CPU                             without   with the nearest change")
    middle = Row("median", median(row.plain for row in shipped), median(row.whole for row in shipped), True)
    slowest = sorted(shipped, key=lambda row: -row.whole)[:3]
    for row in [middle, *slowest, *measured(gpurules.loads(LONG_RULES))]:
        print(f"  {row.name:44} {row.plain:7.2f} {row.whole:7.2f}")


if __name__ == "__main__":
    main()
