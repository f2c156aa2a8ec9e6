"""The four rules of the original design: gpurules beside the best function that we can write by hand.

Prints ratios of medians, measured interleaved in one process. Run it with ``make bench``.
"""

import random
import statistics
import time
from collections.abc import Callable

import gpurules
from gpurules import GPU, Snapshot, Transfer

GIB = 1024**3


def snapshots(gpus: int, count: int, seed: int = 1) -> list[Snapshot]:
    """Return snapshots of *gpus* GPUs: mostly calm, now and then full or hot."""
    rng = random.Random(seed)
    return [
        Snapshot(
            timestamp=1_767_225_600.0 + 5 * number,
            gpus=tuple(
                GPU(
                    index=index,
                    uuid=f"GPU-{index}",
                    memory_total=80 * GIB,
                    memory_used=int(80 * GIB * rng.uniform(0.1, 0.92)),
                    temperature=rng.randint(40, 90),
                )
                for index in range(gpus)
            ),
        )
        for number in range(count)
    ]


def transfers(count: int, seed: int = 2) -> list[Transfer]:
    """Return transfers of every type and many sizes."""
    rng = random.Random(seed)
    kinds = ("model", "dataset", "log", "config")
    return [
        Transfer(id=f"t{n}", file_type=rng.choice(kinds), size=rng.randint(1, 4 * GIB), created=1_767_225_600.0)
        for n in range(count)
    ]


def by_hand(snapshot: Snapshot, transfer: Transfer, active_training: bool) -> tuple[str, ...]:
    """Return the rules that match: attribute access, loops that end early, nothing general."""
    matched = []
    for gpu in snapshot.gpus:
        if gpu.temperature is not None and gpu.temperature > 87:
            matched.append("delay_transfer_on_temperature")
            break
    if transfer.file_type == "model":
        for gpu in snapshot.gpus:
            if gpu.memory is not None and gpu.memory > 80:
                matched.append("prioritize_model_files")
                break
    for gpu in snapshot.gpus:
        if gpu.memory is not None and gpu.memory > 85:
            matched.append("reduce_prefetch_on_memory_pressure")
            break
    if active_training and transfer.size is not None and transfer.size > 104857600:
        matched.append("stage_large_transfers")
    return tuple(matched)


def by_hand_fused(snapshot: Snapshot, transfer: Transfer, active_training: bool) -> tuple[str, ...]:
    """Return the same by one loop over the GPUs."""
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
    if full and transfer.file_type == "model":
        matched.append("prioritize_model_files")
    if fuller:
        matched.append("reduce_prefetch_on_memory_pressure")
    if active_training and transfer.size is not None and transfer.size > 104857600:
        matched.append("stage_large_transfers")
    return tuple(matched)


class HandDecision:
    """What the rules come to, combined: the same that a Decision tells, for the four rules alone."""

    __slots__ = ("delay", "matched", "prefetch_factor", "priority_boost", "stage")

    def __init__(self, matched: tuple[str, ...], directives: tuple[float, float, float, bool]) -> None:
        self.matched = matched
        self.prefetch_factor, self.delay, self.priority_boost, self.stage = directives


def by_hand_with_decision(snapshot: Snapshot, transfer: Transfer, active_training: bool) -> HandDecision:
    """Return the matching rules and what they order: early exits, one object."""
    matched, prefetch, delay, boost, stage = [], 1.0, 0.0, 0.0, False
    for gpu in snapshot.gpus:
        if gpu.temperature is not None and gpu.temperature > 87:
            matched.append("delay_transfer_on_temperature")
            age = max(0.0, snapshot.timestamp - transfer.created) if transfer.created is not None else 0.0
            delay = min(30.0, max(0.0, 300.0 - age))
            break
    if transfer.file_type == "model":
        for gpu in snapshot.gpus:
            if gpu.memory is not None and gpu.memory > 80:
                matched.append("prioritize_model_files")
                boost = 50.0
                break
    for gpu in snapshot.gpus:
        if gpu.memory is not None and gpu.memory > 85:
            matched.append("reduce_prefetch_on_memory_pressure")
            prefetch = 0.5
            break
    if active_training and transfer.size is not None and transfer.size > 104857600:
        matched.append("stage_large_transfers")
        stage = transfer.size >= 104857600
    return HandDecision(tuple(matched), (prefetch, delay, boost, stage))


def nanoseconds(function: Callable[[], object], calls: int) -> float:
    """Return the time of one of the *calls* that *function* makes."""
    start = time.perf_counter_ns()
    function()
    return (time.perf_counter_ns() - start) / calls


def compare(gpus: int, rounds: int = 15) -> dict[str, float]:
    """Return the median ns per evaluation of each way, all on the same inputs, taken in turns."""
    ruleset = gpurules.load("gpurules:default")
    shots, asked = snapshots(gpus, 50), transfers(200)
    engine = gpurules.Engine(ruleset, clock=lambda: 0.0)
    live = gpurules.Engine(ruleset)  # its telemetry is fresh, as the snapshots are stamped with the future
    for shot in shots:
        for transfer in asked[:20]:
            expected = by_hand(shot, transfer, False)
            assert by_hand_fused(shot, transfer, False) == expected
            assert ruleset.evaluate(shot, transfer).rules == expected

    def fresh() -> list[Snapshot]:
        return snapshots(gpus, 200)

    def hand(function: Callable[..., object]) -> Callable[[], object]:
        return lambda: [function(shot, transfer, False) for shot in shots for transfer in asked]

    def evaluate() -> None:
        method = ruleset.evaluate
        for shot in shots:
            for transfer in asked:
                method(shot, transfer)

    def decide(which: gpurules.Engine, batch: list[Snapshot]) -> float:
        total = 0.0
        for shot in batch:
            which.observe(shot)
            method = which.decide
            start = time.perf_counter_ns()
            for transfer in asked:
                method(transfer)
            total += time.perf_counter_ns() - start
        return total / len(batch) / len(asked)

    calls = len(shots) * len(asked)
    found: dict[str, list[float]] = {}
    for number in range(rounds):
        batch = [Snapshot(timestamp=shot.timestamp + 1e9 * (number + 1), gpus=shot.gpus) for shot in shots]
        for name, value in (
            ("hand", nanoseconds(hand(by_hand), calls)),
            ("hand, one loop", nanoseconds(hand(by_hand_fused), calls)),
            ("hand, with a decision", nanoseconds(hand(by_hand_with_decision), calls)),
            ("evaluate", nanoseconds(evaluate, calls)),
            ("decide", decide(engine, batch)),
            ("decide, real clock", decide(live, batch)),
        ):
            found.setdefault(name, []).append(value)
        once = fresh()
        start = time.perf_counter_ns()
        for shot in once:
            ruleset.evaluate(shot, asked[0])
        found.setdefault("evaluate, each snapshot once", []).append((time.perf_counter_ns() - start) / len(once))
        start = time.perf_counter_ns()
        for shot in once:
            by_hand(shot, asked[0], False)
        found.setdefault("hand, each snapshot once", []).append((time.perf_counter_ns() - start) / len(once))
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> None:
    """Print the table."""
    for gpus in (1, 8):
        medians = compare(gpus)
        names = min(medians["hand"], medians["hand, one loop"])
        whole = medians["hand, with a decision"]
        print(
            f"{gpus} GPU{'s' if gpus > 1 else ''}, per evaluation     ns   x hand, names only   x hand, with a decision"
        )
        for name, value in medians.items():
            print(f"  {name:28} {value:6.0f} {value / names:12.2f} {value / whole:24.2f}")


if __name__ == "__main__":
    main()
