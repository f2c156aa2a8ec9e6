"""The transfers of a simulated node, and their workloads."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from gpurules.model import Transfer, Workload
from gpurules.telemetry.simulation.scenario import Scenario

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of transfer: frequency, path, size range and workload."""

    weight: int
    path: Callable[[int, Random], str]
    sizes: tuple[int, int]
    operation: str
    priority: int
    workload: str | None


_KINDS = (
    _Kind(
        5,
        lambda n, rng: f"/models/llama-70b/model-{1 + n % 30:05d}-of-00030.safetensors",
        (4600 * MIB, 4800 * MIB),
        "read",
        10,
        "serve-llama",
    ),
    _Kind(2, lambda n, rng: f"/models/vision/encoder-v{1 + n % 3}.onnx", (300 * MIB, 1800 * MIB), "read", 5, None),
    _Kind(
        7,
        lambda n, rng: f"/datasets/web-text/train/part-{n % 2048:05d}.parquet",
        (90 * MIB, 900 * MIB),
        "read",
        0,
        "train-llama",
    ),
    _Kind(
        4,
        lambda n, rng: f"/datasets/images/shard-{n % 512:04d}.tar",
        (600 * MIB, 2400 * MIB),
        "prefetch",
        -5,
        "train-llama",
    ),
    _Kind(
        3,
        lambda n, rng: f"/checkpoints/llama-70b/step-{1000 * (1 + n)}/rank-{rng.randrange(8)}.pt",
        (2000 * MIB, 9000 * MIB),
        "write",
        20,
        "train-llama",
    ),
    _Kind(3, lambda n, rng: f"/logs/train-llama/rank-{n % 8}.log", (20_000, 40 * MIB), "write", -10, "train-llama"),
    _Kind(1, lambda n, rng: f"/configs/train-llama/{n % 4}.yaml", (900, 60_000), "read", 0, None),
    _Kind(1, lambda n, rng: f"/scratch/features-{n:04d}.npy", (64 * MIB, 512 * MIB), "read", 0, None),
)
_TENANTS = ("research", "search", "batch")


def workloads(scenario: Scenario) -> dict[str, Workload]:
    """Return the workloads of the node by id: a training on the first GPUs, and an inference on the last."""
    training = tuple(range(max(1, scenario.gpus // 2)))
    found = (
        Workload(
            id="train-llama",
            type="training",
            priority=5,
            gpu_devices=training,
            memory_footprint=64 << 30,
            access_pattern="sequential",
            batch_size=512,
            framework="pytorch",
            started=scenario.start - 5400,
        ),
        Workload(
            id="serve-llama",
            type="inference",
            priority=20,
            gpu_devices=(scenario.gpus - 1,),
            memory_footprint=40 << 30,
            access_pattern="random",
            framework="huggingface",
            started=scenario.start - 600,
        ),
    )
    return {workload.id or "": workload for workload in found}


def simulate_transfers(scenario: Scenario, count: int = 80) -> tuple[tuple[Transfer, Workload | None], ...]:
    """Return *count* transfers over the time of *scenario*, in the order of their creation, each with its workload."""
    rng = Random(f"{scenario.seed}/transfers")
    known = workloads(scenario)
    made = []
    for number in range(count):
        kind = rng.choices(_KINDS, [kind.weight for kind in _KINDS])[0]
        least, most = kind.sizes
        size = least + int(rng.random() * (most - least))
        created = scenario.start + (number + rng.random()) * scenario.seconds / count
        transfer = Transfer(
            id=f"t-{number + 1:04d}",
            path=kind.path(number, rng),
            size=size,
            priority=kind.priority,
            operation=kind.operation,
            created=round(created, 1),
            duration=round(size / (400 * MIB), 1),
            workload_id=kind.workload,
            labels={"tenant": _TENANTS[rng.randrange(len(_TENANTS))]},
        )
        made.append((transfer, known.get(kind.workload or "")))
    return tuple(made)
