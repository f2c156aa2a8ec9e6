"""Builds frames from snapshots in memory, such as those of another tool's recording."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from gpurules.backends.columnar import Column, Groups, Numbers, Places, as_column
from gpurules.backends.facts import NO_NODE, coerce
from gpurules.model import BOOL, GPU, NUMBER, STRING, Kind, Snapshot, Value

BATCH = 8192
"""Snapshots in one frame."""
_TYPES = {Kind.BOOL: BOOL, Kind.STRING: STRING, Kind.NUMBER: NUMBER}
Observed = tuple[Snapshot, Mapping[str, object]]


class SnapshotFrame:
    """A frame made from snapshots, each newer than the one before."""

    def __init__(self, observed: Sequence[Observed]) -> None:
        self._observed = observed
        rows = [(gpu, n, k) for n, (snapshot, _) in enumerate(observed) for k, gpu in enumerate(snapshot.gpus)]
        numbers = {name: n for n, name in enumerate(dict.fromkeys(gpu.identity for gpu, _, _ in rows))}
        rows.sort(key=lambda row: (numbers[row[0].identity], row[1]))
        self._gpus = [gpu for gpu, _, _ in rows]
        self.owners: Sequence[str] = tuple(numbers)
        self.owner: Places = np.array([numbers[gpu.identity] for gpu in self._gpus], np.intp)
        self.position: Places = np.array([k for _, _, k in rows], np.intp)
        self.groups = Groups(np.array([n for _, n, _ in rows], np.intp), len(observed))

    @cached_property
    def times(self) -> Numbers:
        """The times of the snapshots."""
        return np.array([snapshot.timestamp for snapshot, _ in self._observed], np.float64)

    def column(self, attribute: str, kind: Kind) -> Column:
        """Return an attribute of the GPUs."""
        return as_column(self.exact(attribute, False), kind)

    def label(self, name: str, kind: Kind) -> Column:
        """Return a label of the GPUs; values of another kind are missing."""
        return as_column([coerce(value, _TYPES[kind]) for value in self.exact(name, True)], kind)

    def exact(self, attribute: str, is_label: bool) -> Sequence[Value]:
        """Return an attribute (or a label) of the GPUs as it was given."""
        if is_label:
            return [gpu.labels.get(attribute) for gpu in self._gpus]  # type: ignore[misc]
        return [getattr(gpu, attribute) for gpu in self._gpus]

    def codes(self, attribute: str) -> Places:
        """Return numbers that are equal where the values of an attribute are."""
        numbers: dict[Value, int] = {}
        return np.array([numbers.setdefault(getattr(gpu, attribute), len(numbers)) for gpu in self._gpus], np.intp)

    def of_node(self, name: str, is_label: bool) -> Sequence[object]:
        """Return the attribute or label *name* of each snapshot."""
        if is_label:
            return [snapshot.labels.get(name) for snapshot, _ in self._observed]
        return [getattr(snapshot, name) for snapshot, _ in self._observed]

    def facts(self, name: str) -> Sequence[object] | None:
        """Return the fact *name* of the node that was given with each snapshot; None if none was."""
        given = [node.get(name) for _, node in self._observed]
        return given if any(value is not None for value in given) else None

    def gpu(self, row: int) -> GPU:
        """Return the GPU of a row."""
        return self._gpus[row]

    def gpus_of(self, rows: Sequence[int]) -> list[GPU]:
        """Return the GPUs of rows."""
        return [self._gpus[row] for row in rows]

    def snapshots(self) -> Iterator[Observed]:
        """Yield each snapshot with the facts of the node that were given with it."""
        yield from self._observed


def frames_of(snapshots: Iterable[Snapshot], batch: int = BATCH) -> Iterator[SnapshotFrame]:
    """Yield *snapshots* as frames; one that is not newer than the last is skipped, as engines ignore it."""
    yield from frames_of_observed(((snapshot, NO_NODE) for snapshot in snapshots), batch)


def frames_of_observed(observed: Iterable[Observed], batch: int = BATCH) -> Iterator[SnapshotFrame]:
    """Yield snapshots and the facts of their node as frames; one that is not newer than the last is skipped."""
    held: list[Observed] = []
    last = float("-inf")
    for snapshot, node in observed:
        if snapshot.timestamp <= last:
            continue
        last = snapshot.timestamp
        held.append((snapshot, node))
        if len(held) >= batch:
            yield SnapshotFrame(held)
            held = []
    if held:
        yield SnapshotFrame(held)
