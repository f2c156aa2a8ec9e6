"""A frame: consecutive snapshots of one node as columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpurules.backends.columnar import Column, Groups, Mask, Numbers, Places
from gpurules.model import GPU, Kind, Snapshot, Value

Codes: TypeAlias = NDArray[np.integer[Any]] | Mask


class Frame(Protocol):
    """Consecutive snapshots of one node, each newer than the one before; rows are in order of GPU and time.

    Shape: one row for each snapshot and GPU; ``owner`` has the number of its identity in ``owners``, and ``position``
    that of the GPU in its snapshot.
    Units: ``times`` in seconds since 1970.
    """

    @property
    def times(self) -> Numbers:
        """The times of the snapshots."""
        ...

    @property
    def groups(self) -> Groups:
        """The rows of each snapshot."""
        ...

    @property
    def owners(self) -> Sequence[str]:
        """The identities of the GPUs."""
        ...

    @property
    def owner(self) -> Places:
        """The GPU of each row."""
        ...

    @property
    def position(self) -> Places:
        """The position of each row in its snapshot."""
        ...

    def column(self, attribute: str, kind: Kind) -> Column:
        """Return an attribute of the GPUs."""
        ...

    def label(self, name: str, kind: Kind) -> Column:
        """Return a label of the GPUs; values of another kind are missing."""
        ...

    def exact(self, attribute: str, is_label: bool) -> Sequence[Value]:
        """Return an attribute (or a label) of the GPUs as it was given, integers as integers."""
        ...

    def codes(self, attribute: str) -> Codes:
        """Return numbers that are equal where the values of an attribute are; comparable within one frame only."""
        ...

    def of_node(self, name: str, is_label: bool) -> Sequence[object]:
        """Return the attribute or label *name* of each snapshot."""
        ...

    def facts(self, name: str) -> Sequence[object] | None:
        """Return the fact *name* of the node that was given with each snapshot; None if none was."""
        ...

    def gpu(self, row: int) -> GPU:
        """Return the GPU of a row."""
        ...

    def gpus_of(self, rows: Sequence[int]) -> list[GPU]:
        """Return the GPUs of rows, which takes less time than one by one."""
        ...

    def snapshots(self) -> Iterator[tuple[Snapshot, Mapping[str, object]]]:
        """Yield each snapshot with the facts of the node that were given with it."""
        ...
