"""Compares the telemetry of two snapshots: lost GPUs, and readings that are no longer reported."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gpurules.engine.effects.events import fields_read
from gpurules.model import GPU, GPUIndex, Snapshot
from gpurules.rules.ruleset import Ruleset


@dataclass(frozen=True, slots=True)
class GPUChange:
    """A GPU was lost or is back, or no longer reports a field that rules read.

    Missing: ``field`` is empty unless ``kind`` is ``missing``; ``reason`` is empty where the source gives none.
    """

    timestamp: float
    device: GPUIndex
    kind: Literal["lost", "back", "missing"]
    reason: str = ""
    field: str = ""


class GPUChanges:
    """Compares each snapshot with the previous one, in the fields that a ruleset reads."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._fields = [(f.name, f.attribute) for f in fields_read(ruleset) if f.is_per_gpu and not f.declared]

    def between(self, before: Snapshot, after: Snapshot) -> Iterator[GPUChange]:
        """Yield the changes, GPU by GPU. A reading that both snapshots lack is not a change."""
        now = {gpu.index: gpu for gpu in after.gpus}
        for old in before.gpus:
            new = now.get(old.index)
            if new is None or new.is_lost:
                if not old.is_lost:
                    yield GPUChange(after.timestamp, old.index, "lost", _why_lost(new))
            elif old.is_lost:
                yield GPUChange(after.timestamp, old.index, "back")
            else:
                yield from self._missing(after.timestamp, old, new)

    def _missing(self, timestamp: float, old: GPU, new: GPU) -> Iterator[GPUChange]:
        for name, attribute in self._fields:
            if getattr(new, attribute, None) is None and getattr(old, attribute, None) is not None:
                yield GPUChange(timestamp, new.index, "missing", new.why_missing(attribute), name)


def _why_lost(gpu: GPU | None) -> str:
    if gpu is None:
        return "absent from the snapshot"
    reason = next(iter(gpu.missing.values()), "")
    return "" if reason == "gpu is lost" else reason
