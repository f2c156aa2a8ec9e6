"""Measures decisions, snapshot intake and memory of a ruleset, next to four handwritten rules."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from statistics import median

from gpurules.engine import Engine
from gpurules.model import GPU, Snapshot, Transfer
from gpurules.rules import Ruleset

GIB = 1024**3
BATCH = 50
HAND = "hand-written, names"
MOST_WAITING = 4
"""How many times as long it may take on a machine where others use the processor."""

_PATHS = ("/models/{}/weights.safetensors", "/data/{}/shard.tar", "/runs/{}/step.log", "/etc/{}/train.yaml")


@dataclass(frozen=True, slots=True)
class Timing:
    """The cost of one operation per call. Units: nanoseconds of CPU time; the ratio is to four handwritten rules."""

    name: str
    median: float
    least: float
    largest: float
    ratio: float

    def to_dict(self) -> dict[str, object]:
        """Return the timing as JSON-ready data."""
        nanoseconds = {"median": self.median, "least": self.least, "largest": self.largest}
        return {"name": self.name, "nanoseconds": nanoseconds, "ratio_to_hand_written": self.ratio}


@dataclass(frozen=True, slots=True)
class Bench:
    """The measured cost of a ruleset. Units: ``memory`` in bytes, of the engine with its compiled rules."""

    ruleset: str
    rules: int
    gpus: int
    timings: tuple[Timing, ...]
    memory: int

    def to_dict(self) -> dict[str, object]:
        """Return the measurements as JSON-ready data."""
        timings = [timing.to_dict() for timing in self.timings]
        return {
            "ruleset": self.ruleset,
            "rules": self.rules,
            "gpus": self.gpus,
            "timings": timings,
            "engine_memory_bytes": self.memory,
        }


def measure_ruleset(ruleset: Ruleset, gpus: int, seconds: float) -> Bench:
    """Measure decisions of *ruleset* for about *seconds* of CPU time, alternating between the operations."""
    numbers, rounds = count(), list[dict[str, float]]()
    memory, engine = _engine(ruleset)
    used, passed = time.process_time(), time.monotonic()
    while len(rounds) < 3 or (
        time.process_time() - used < seconds and time.monotonic() - passed < MOST_WAITING * seconds
    ):
        rounds.append(dict(_round(ruleset, engine, gpus, numbers)))
    by_hand = [found[HAND] for found in rounds]
    timings = []
    for name in rounds[0]:
        found = [times[name] for times in rounds[1:]]  # the first compiles
        ratio = median(own / hand for own, hand in zip(found, by_hand[1:], strict=True))
        timings.append(Timing(name, median(found), min(found), max(found), ratio))
    return Bench(ruleset.name, len(ruleset.rules), gpus, tuple(timings), memory)


def _engine(ruleset: Ruleset) -> tuple[int, Engine]:
    """Return an engine and its size in bytes."""
    import tracemalloc

    tracemalloc.start()
    try:
        engine = Engine(ruleset, clock=lambda: 0.0)
        return tracemalloc.get_traced_memory()[0], engine
    finally:
        tracemalloc.stop()


def _round(ruleset: Ruleset, engine: Engine, gpus: int, numbers: Iterator[int]) -> Iterator[tuple[str, float]]:
    """Yield each operation and its nanoseconds per call, each measured on facts it has not seen."""
    asked = [_transfer(next(numbers)) for _ in range(BATCH)]
    snapshots = [_snapshot(next(numbers), gpus) for _ in range(BATCH)]
    yield HAND, _timed(lambda: [rules_by_hand(s, t) for s, t in zip(snapshots, asked, strict=True)])
    evaluate = ruleset.evaluate
    yield (
        "evaluate, a new snapshot each",
        _timed(lambda: [evaluate(s, t) for s, t in zip(snapshots, asked, strict=True)]),
    )
    yield "observe, a snapshot", _timed(lambda: [engine.observe(s) for s in snapshots])
    decide = engine.decide
    yield "decide, a new transfer", _timed(lambda: [decide(t) for t in asked])
    yield "decide, a transfer seen before", _timed(lambda: [decide(t) for t in asked])
    yield "decide_many, per transfer", _timed(lambda: engine.decide_many(asked))


def _timed(function: Callable[[], object]) -> float:
    start = time.process_time_ns()
    function()
    return (time.process_time_ns() - start) / BATCH


def _snapshot(number: int, gpus: int) -> Snapshot:
    found = tuple(
        GPU(
            index=index,
            uuid=f"GPU-{index}",
            memory_total=80 * GIB,
            memory_used=(8 + (number * 7919 + index * 104_729) % 66) * GIB,
            temperature=40 + (number * 31 + index * 17) % 50,
            utilization=(number * 13 + index * 29) % 100,
        )
        for index in range(gpus)
    )
    return Snapshot(timestamp=1_767_225_600.0 + number, gpus=found)


def _transfer(number: int) -> Transfer:
    path = _PATHS[number % len(_PATHS)].format(number)
    return Transfer(id=f"t{number}", path=path, size=number * 7919 % 4096 * 1024**2, operation="read")


def rules_by_hand(snapshot: Snapshot, transfer: Transfer) -> tuple[str, ...]:
    """Return which of the four rules of ``gpurules:default`` match, as an engineer would write them by hand."""
    hot = full = fuller = False
    for gpu in snapshot.gpus:
        temperature, memory = gpu.temperature, gpu.memory
        if temperature is not None and temperature > 87:
            hot = True
        if memory is not None and memory > 80:
            full = True
            if memory > 85:
                fuller = True
    matched = []
    if hot:
        matched.append("delay_transfer_on_temperature")
    if full and transfer.path is not None and transfer.path.endswith((".pt", ".safetensors")):
        matched.append("prioritize_model_files")
    if fuller:
        matched.append("reduce_prefetch_on_memory_pressure")
    return tuple(matched)
