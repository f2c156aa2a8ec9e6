"""How long it takes to take in a snapshot: 8 GPUs, 1,000 rules, a quarter of them with timers, a quarter over windows.

The readings are drawn again for each snapshot, so that signals change as much as they can. Once as such rules are
written, with limits that are whole numbers from 50 to 94, so that several have the same timer; and once with 1,000
different limits, so that no two have. Run it with ``make bench``.
"""

import random
import statistics
import time

from results import write

from gpurules import GPU, Engine, Snapshot, loads

RULES, GPUS, SNAPSHOTS = 1000, 8, 120


def ruleset(are_different: bool = False) -> str:
    """Return the text of the ruleset."""
    forms = (
        "condition: gpu_memory > {0}, action: reduce_prefetch, parameters: {{reduction_factor: 0.5}}",
        "condition: \"gpu_memory > {0} AND file_type == 'model'\", action: pause_transfer",
        "condition: gpu_temperature > {0}, for: 30s, action: pause_transfer",
        "condition: 'avg_over_time(gpu_utilization[{1}m]) > {0}', action: pause_transfer",
    )
    limits = [50 + n * 45 / RULES if are_different else 50 + n % 45 for n in range(RULES)]
    rules = [f"- {{name: r{n}, {forms[n % 4].format(limits[n], 1 + n % 5)}}}" for n in range(RULES)]
    return "version: 1\nname: observed\nrules:\n" + "\n".join(rules)


def snapshot(timestamp: float, rng: random.Random) -> Snapshot:
    """Return a snapshot of readings drawn again."""
    gpus = tuple(
        GPU(
            index=index,
            uuid=f"GPU-{index}",
            memory_total=100,
            memory_used=rng.randint(20, 95),
            temperature=rng.randint(40, 95),
            utilization=rng.randint(0, 100),
        )
        for index in range(GPUS)
    )
    return Snapshot(timestamp=timestamp, gpus=gpus)


def main() -> None:
    """Print the times."""
    rng = random.Random(1)
    engines = {"limits alike": Engine(loads(ruleset())), "limits all different": Engine(loads(ruleset(True)))}
    times: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(SNAPSHOTS):
        taken = snapshot(1000.0 + 5 * number, rng)
        for name, engine in engines.items():
            start = time.process_time()
            engine.observe(taken)
            times[name].append((time.process_time() - start) * 1000)
    found: dict[str, float] = {}
    print(f"observe, {GPUS} GPUs, {RULES:,} rules, ms of the processor: smallest, median, worst")
    for name, all_times in times.items():
        settled = sorted(all_times[20:])
        print(f"  {name:22}{settled[0]:8.2f}{statistics.median(settled):8.2f}{settled[-1]:8.2f}")
        found |= {f"{name}, median, ms": statistics.median(settled), f"{name}, worst, ms": settled[-1]}
    write("observe", found)


if __name__ == "__main__":
    main()
