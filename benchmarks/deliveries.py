"""1,000 alerts a second to a receiver that is dead: memory, the time that a poll takes, and what is counted.

The receiver refuses connections in the first half, and accepts them without an answer in the second. Rules start and
stop at every poll, so that each poll queues 100 events; the same polls with effects that are not called are the
measure. Run it with ``python benchmarks/deliveries.py``, or with ``make bench``.
"""

import logging
import socket
import statistics
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from results import write

from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads

RULES, POLLS, INTERVAL_SECONDS = 100, 200, 0.1


class Flapping:
    """A source with one GPU that is full at every other reading."""

    name = "flapping"

    def __init__(self) -> None:
        self.reads = 0

    def read(self) -> Snapshot:
        """Return the next reading."""
        self.reads += 1
        return Snapshot(
            timestamp=float(self.reads), host="n", gpus=(GPU(index=0, uuid="g", memory=50 + 40 * (self.reads % 2)),)
        )

    def close(self) -> None:
        """Have nothing to close."""


def ruleset(port: int) -> str:
    """Return the text of a ruleset whose rules all call the receiver at *port*."""
    parameters = f"{{url: 'http://127.0.0.1:{port}/hook', timeout: 1s, on: [start, stop]}}"
    rules = (
        f"  - {{name: r{n}, condition: gpu_memory > 80, action: webhook, parameters: {parameters}}}"
        for n in range(RULES)
    )
    return "version: 1\nname: storm\nrules:\n" + "\n".join(rules) + "\n"


@contextmanager
def receiver(answers: bool) -> Iterator[int]:
    """A port where nothing listens, or where connections are taken and never answered."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if answers:
            taken.listen(64)
        yield taken.getsockname()[1]


def storm(port: int, dry_run: bool) -> tuple[list[float], int, dict[str, int]]:
    """Poll at a steady pace; return how long each poll took, the growth of memory, and the counts."""
    source = Flapping()
    options = CoordinatorOptions(dry_run=dry_run, stop_timeout=0.5, read_timeout=5.0)
    coordinator = Coordinator(loads(ruleset(port)), source, clock=lambda: float(source.reads), options=options)
    took: list[float] = []
    begun = time.monotonic()
    for number in range(POLLS):
        start = time.perf_counter()
        coordinator.poll()
        took.append((time.perf_counter() - start) * 1000)
        time.sleep(max(0.0, begun + (number + 1) * INTERVAL_SECONDS - time.monotonic()))
    tracemalloc.start()
    first = 0
    for number in range(POLLS // 4):  # the queue is full, and so is the list of what was dropped
        coordinator.poll()
        if number == POLLS // 8:
            first = tracemalloc.get_traced_memory()[0]
    grown = tracemalloc.get_traced_memory()[0] - first
    tracemalloc.stop()
    counts = coordinator.collect().effects.get("webhook")
    coordinator.stop()
    names = ("sent", "failed", "dropped", "superseded", "retried")
    return took, grown, {name: getattr(counts, name, 0) for name in names}


def main() -> None:
    """Measure and print."""
    logging.disable(logging.CRITICAL)
    with receiver(answers=False) as port:
        idle, _, _ = storm(port, dry_run=True)
    print(f"{RULES / INTERVAL_SECONDS:.0f} events a second for {POLLS * INTERVAL_SECONDS:.0f} s, queue of 1,000")
    print(f"  not called          poll median {statistics.median(idle):6.2f} ms, longest {max(idle):6.2f} ms")
    measured = {}
    for name, answers in (("refuses connections", False), ("never answers", True)):
        with receiver(answers) as port:
            took, grown, counts = storm(port, dry_run=False)
        outcomes = ", ".join(f"{count} {word}" for word, count in counts.items())
        print(f"  {name:<20}poll median {statistics.median(took):6.2f} ms, longest {max(took):6.2f} ms")
        print(f"  {'':<20}memory {grown / 1024:+.0f} KiB over 2,500 events on a full queue; {outcomes}")
        measured[name] = {"median_ms": statistics.median(took), "longest_ms": max(took), "grown": grown, **counts}
    write("deliveries", measured)


if __name__ == "__main__":
    main()
