"""Facts and rulesets in one call."""

from collections.abc import Mapping

from gpurules.backends import Facts
from gpurules.engine import Engine
from gpurules.language import Checked, Environment, parse
from gpurules.model import GPU, Snapshot, Transfer, Workload
from gpurules.rules import Ruleset, loads

NEW_YEAR = 1767225600.0
"""2026-01-01 00:00:00 UTC, a Thursday."""
GIB = 1024**3


def gpu(index: int | str = 0, **attributes: object) -> GPU:
    """Return a GPU that has a UUID and what is given."""
    return GPU.from_dict({"index": index, "uuid": f"GPU-{index}", **attributes})


def snapshot(*gpus: GPU, at: float = 0.0, **more: object) -> Snapshot:
    """Return a snapshot that many seconds into the year."""
    return Snapshot(timestamp=NEW_YEAR + at, gpus=gpus, **more)  # type: ignore[arg-type]


def one_gpu(at: float = 0.0, **attributes: object) -> Snapshot:
    """Return a snapshot of one GPU, which has what is given."""
    return snapshot(gpu(**attributes), at=at)


def facts(*gpus: GPU, node: Mapping[str, object] | None = None, **about: object) -> Facts:
    """Return facts without history."""
    current = snapshot(*gpus)
    return Facts(current, current.gpus, node=node or {}, **about)  # type: ignore[arg-type]


def checked(text: str, **environment: Mapping[str, object]) -> Checked:
    """Return a condition checked against the built-in fields."""
    return Environment(**environment).condition(parse(text))  # type: ignore[arg-type]


def ruleset(rules: str, head: str = "") -> Ruleset:
    """Return the ruleset of *rules*, a YAML list; *head* is what stands before them."""
    return loads(f"version: 1\nname: test\n{head}\nrules:\n{rules}")


def dataset(**attributes: object) -> Transfer:
    """Return a read of a dataset file."""
    return Transfer.from_dict({"id": "t-1", "path": "/data/shard-0001.tar", "operation": "read", **attributes})


def model(**attributes: object) -> Transfer:
    """Return a read of a model file."""
    return Transfer.from_dict({"id": "t-2", "path": "/m/model.safetensors", "operation": "read", **attributes})


def job(**attributes: object) -> Workload:
    """Return a training workload on GPU 0."""
    return Workload.from_dict({"id": "w-1", "type": "training", "gpu_devices": [0], **attributes})


def engine(rules: Ruleset) -> Engine:
    """Return an engine whose clock stands still at the new year, so that nothing is stale."""
    return Engine(rules, clock=lambda: NEW_YEAR)
