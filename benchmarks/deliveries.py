"""1,000 alerts a second to a receiver that is dead: memory, the time that a poll takes, and what is counted.

The receiver refuses connections in the first half, and accepts them without an answer in the second. Rules start and
stop at every poll, so that each poll queues 100 events; the same polls with effects that are not called are the
measure. Two canaries only sleep: a thread of this process and a process of its own; what delays these too during the
longest poll is the interpreter or the machine. Run it with ``python benchmarks/deliveries.py``, or with ``make bench``.
"""

import gc
import logging
import multiprocessing
import queue
import socket
import statistics
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from results import write

from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads

RULES, POLLS, INTERVAL_SECONDS = 100, 200, 0.1
Pauses = list[tuple[float, float]]
"""When something began and ended, in seconds of the monotonic clock."""


class Canary:
    """Sleeps for a millisecond again and again, and remembers when it slept for 5 or more."""

    def __init__(self, kind: type[threading.Thread] | type[multiprocessing.Process]) -> None:
        is_thread = kind is threading.Thread
        self._done = threading.Event() if is_thread else multiprocessing.Event()
        self._found: queue.SimpleQueue[Pauses] | multiprocessing.SimpleQueue[Pauses]
        self._found = queue.SimpleQueue() if is_thread else multiprocessing.SimpleQueue()
        self._runner = kind(target=self._run, daemon=True)
        self._runner.start()

    def _run(self) -> None:
        late: Pauses = []
        while not self._done.is_set():
            before = time.monotonic()
            time.sleep(0.001)
            if (now := time.monotonic()) - before >= 0.005:
                late.append((before, now))
        self._found.put(late)

    def pauses(self) -> Pauses:
        """End it, and return its long sleeps."""
        self._done.set()
        found = self._found.get()
        self._runner.join()
        return found


def overlap(span: tuple[float, float], pauses: Pauses) -> float:
    """Return how much of a span was spent in pauses, in milliseconds."""
    return 1000 * sum(max(0.0, min(span[1], end) - max(span[0], begin)) for begin, end in pauses)


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


def storm(port: int, dry_run: bool) -> tuple[Pauses, list[float], int, dict[str, int]]:
    """Poll at a steady pace; return each poll's span and CPU time in milliseconds, the growth of memory, and counts."""
    source = Flapping()
    options = CoordinatorOptions(dry_run=dry_run, stop_timeout=0.5, read_timeout=5.0)
    coordinator = Coordinator(loads(ruleset(port)), source, clock=lambda: float(source.reads), options=options)
    took: Pauses = []
    computed: list[float] = []
    begun = time.monotonic()
    for number in range(POLLS):
        start, used = time.monotonic(), time.thread_time()
        coordinator.poll()
        took.append((start, time.monotonic()))
        computed.append((time.thread_time() - used) * 1000)
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
    return took, computed, grown, {name: getattr(counts, name, 0) for name in names}


def milliseconds(spans: Pauses) -> list[float]:
    """Return how long each took."""
    return [(end - begin) * 1000 for begin, end in spans]


@contextmanager
def collections() -> Iterator[Pauses]:
    """Give the times of the cyclic garbage collector's runs."""
    found: Pauses = []
    begun = [0.0]

    def note(phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            begun[0] = time.monotonic()
        else:
            found.append((begun[0], time.monotonic()))

    gc.callbacks.append(note)
    try:
        yield found
    finally:
        gc.callbacks.remove(note)


def main() -> None:
    """Measure and print."""
    logging.disable(logging.CRITICAL)
    with receiver(answers=False) as port:
        idle = milliseconds(storm(port, dry_run=True)[0])
    print(f"{RULES / INTERVAL_SECONDS:.0f} events a second for {POLLS * INTERVAL_SECONDS:.0f} s, queue of 1,000")
    print(f"  not called          poll median {statistics.median(idle):6.2f} ms, longest {max(idle):6.2f} ms")
    measured = {}
    for name, answers in (("refuses connections", False), ("never answers", True)):
        process, thread = Canary(multiprocessing.Process), Canary(threading.Thread)
        with receiver(answers) as port, collections() as collected:
            spans, computed, grown, counts = storm(port, dry_run=False)
        took, longest = milliseconds(spans), max(spans, key=lambda span: span[1] - span[0])
        causes = [overlap(longest, one) for one in (collected, thread.pauses(), process.pauses())]
        outcomes = ", ".join(f"{count} {word}" for word, count in counts.items())
        print(f"  {name:<20}poll median {statistics.median(took):6.2f} ms, longest {max(took):6.2f} ms")
        print(f"  {'':<20}CPU time of a poll: median {statistics.median(computed):.2f} ms,", end=" ")
        print(f"most {max(computed):.2f} ms, {computed[spans.index(longest)]:.2f} ms in the longest")
        print(f"  {'':<20}in the longest: garbage collector {causes[0]:.1f} ms,", end=" ")
        print(f"canaries late by {causes[1]:.1f} ms (thread), {causes[2]:.1f} ms (process)")
        print(f"  {'':<20}memory {grown / 1024:+.0f} KiB over 2,500 events on a full queue; {outcomes}")
        measured[name] = {
            "median_ms": statistics.median(took),
            "longest_ms": max(took),
            "cpu_ms": max(computed),
            "grown": grown,
            **counts,
        }
    write("deliveries", measured)


if __name__ == "__main__":
    main()
