"""How long it takes to take in a snapshot: 8 GPUs, 1,000 rules, a quarter of them with timers, a quarter over windows.

The readings are drawn anew for each snapshot, so that signals change as much as they can. Run it with ``make bench``.
"""

import random
import statistics
import time

from results import write

from gpurules import GPU, Engine, Snapshot, loads

RULES, GPUS, SNAPSHOTS = 1000, 8, 120


def ruleset() -> str:
    """Return the text of the ruleset."""
    forms = (
        "condition: gpu_memory > {0}, action: reduce_prefetch, parameters: {{reduction_factor: 0.5}}",
        "condition: \"gpu_memory > {0} AND file_type == 'model'\", action: pause_transfer",
        "condition: gpu_temperature > {0}, for: 30s, action: pause_transfer",
        "condition: 'avg_over_time(gpu_utilization[{1}m]) > {0}', action: pause_transfer",
    )
    rules = [f"- {{name: r{n}, {forms[n % 4].format(50 + n % 45, 1 + n % 5)}}}" for n in range(RULES)]
    return "version: 1\nname: observed\nrules:\n" + "\n".join(rules)


def snapshot(timestamp: float, rng: random.Random) -> Snapshot:
    """Return a snapshot of readings drawn anew."""
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
    rng, times = random.Random(1), []
    engine = Engine(loads(ruleset()))
    for number in range(SNAPSHOTS):
        taken = snapshot(1000.0 + 5 * number, rng)
        start = time.process_time()
        engine.observe(taken)
        times.append((time.process_time() - start) * 1000)
    settled = sorted(times[20:])
    print(
        f"observe, {GPUS} GPUs, {RULES:,} rules: median {statistics.median(settled):.2f} ms, worst {settled[-1]:.2f} ms"
        " of the processor"
    )
    write("observe", {"median, ms": statistics.median(settled), "worst, ms": settled[-1]})


if __name__ == "__main__":
    main()
