"""What is measured: generated telemetry and transfers, and the four rules of the original design written by hand."""

import random

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
    """The combined result of the rules: that of a Decision, for the four rules alone."""

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


BY_HAND = (by_hand, by_hand_fused)
