"""1 to 16 threads deciding on transfers while a snapshot arrives 100 times a second: throughput and latency.

Latencies are of single calls, the clock included. Under the global interpreter lock the threads take turns, so that the
throughput of all stays that of one, and the slowest calls are those that had to wait for their turn
(``sys.getswitchinterval``, 5 ms); a free-threaded Python runs them side by side. There, threads that share an engine
also share the reference counts of its objects, so an engine for each thread is measured too. Ends with 1 if a decision
is torn: if it says anything but what one of the snapshots says. Run it with ``python benchmarks/threads.py``, or
``make bench``.
"""

import statistics
import sys
import sysconfig
import threading
import time

from four_rules import transfers
from results import write

from gpurules import GPU, Engine, Snapshot, loads

SECONDS, PER_SECOND, THREADS = 1.5, 100, (1, 2, 4, 8, 16)
RULES = """
version: 1
name: threads
rules:
- {name: even, condition: "gpu_memory > 50 AND transfer_size >= 0", action: increase_priority,
   parameters: {priority_boost: 10}}
- {name: also_even, condition: "gpu_memory > 51 AND transfer_size >= 0", action: pause_transfer}
- {name: odd, condition: "gpu_memory < 50 AND transfer_size >= 0", action: increase_priority,
   parameters: {priority_boost: 20}}
- {name: also_odd, condition: "gpu_memory < 49 AND transfer_size >= 0", action: stage_transfer}
"""
WHOLE = {("even", "also_even"), ("odd", "also_odd")}


def make_snapshot(number: int) -> Snapshot:
    """Return a snapshot of 8 GPUs, which are all full at even numbers and all empty at odd ones."""
    used = 90 if number % 2 == 0 else 10
    gpus = tuple(GPU(index=n, uuid=f"GPU-{n}", memory_used=used, memory_total=100) for n in range(8))
    return Snapshot(timestamp=time.time() + number * 1e-6, gpus=gpus)


def measure(threads: int, is_shared: bool) -> dict[str, float]:
    """Return decisions a second of one engine, or of one for each thread, and percentiles. Units: nanoseconds."""
    engines = [Engine(loads(RULES)) for _ in range(1 if is_shared else threads)]
    for engine in engines:
        engine.observe(make_snapshot(0))
    stop, torn, latencies, counts = threading.Event(), list[object](), list[int](), list[int]()

    def deciding(engine: Engine) -> None:
        asked, decide, clock, own, number = transfers(64), engine.decide, time.perf_counter_ns, list[int](), 0
        while not stop.is_set():
            for transfer in asked:
                start = clock()
                decision = decide(transfer)
                own.append(clock() - start)
                if decision.rules not in WHOLE:
                    torn.append(decision.rules)
            number += len(asked)
            if len(own) > 200_000:
                del own[::2]
        counts.append(number)
        latencies.extend(own)

    workers = [threading.Thread(target=deciding, args=[engines[n % len(engines)]]) for n in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for number in range(1, int(SECONDS * PER_SECOND)):
        snapshot = make_snapshot(number)
        for engine in engines:
            engine.observe(snapshot)
        time.sleep(max(0.0, start + number / PER_SECOND - time.perf_counter()))
    stop.set()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - start
    if torn:
        sys.exit(f"torn decisions: {torn[:3]}")
    marks = statistics.quantiles(latencies, n=1000)
    return {
        "per_second": sum(counts) / seconds,
        "p50": marks[499],
        "p99": marks[989],
        "p999": marks[998],
        "worst": max(latencies),
    }


def main() -> None:
    """Print the tables."""
    free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    print(f"deciding while {PER_SECOND} snapshots a second arrive, 8 GPUs, 4 rules ({'no' if free else 'with a'} GIL)")
    results = {}
    for engines, is_shared in (("one engine", True), ("an engine for each thread", False)):
        print(engines)
        print("  threads   decisions/s   x 1 thread     p50 ns     p99 ns   p99.9 µs   worst ms   torn")
        found = {threads: measure(threads, is_shared) for threads in THREADS}
        for threads, r in found.items():
            print(
                f"  {threads:7} {r['per_second']:13,.0f} {r['per_second'] / found[1]['per_second']:12.2f}"
                f" {r['p50']:10,.0f} {r['p99']:10,.0f} {r['p999'] / 1e3:10,.1f} {r['worst'] / 1e6:10,.1f}   none"
            )
            results[f"{engines}, {threads} threads"] = r
    write("threads", results)


if __name__ == "__main__":
    main()
