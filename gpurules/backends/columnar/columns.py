"""What conditions are evaluated over: the columns of many snapshots, and which rows belong to which snapshot.

A number is a double, and NaN is missing. A truth is two masks. A text is a code into a list of the texts there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpurules.backends.backend import UnsupportedError
from gpurules.fields import Field
from gpurules.language.terms import ir
from gpurules.model import Kind, Value

Numbers: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Places: TypeAlias = NDArray[np.intp]
EXACT = float(2**53)
"""Up to here every integer is a double."""


@dataclass(frozen=True, slots=True)
class Truths:
    """Where a condition is TRUE, and where it is FALSE; elsewhere it is UNKNOWN."""

    true: Mask
    false: Mask


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts by their number in ``words``.

    Missing: a code of -1.
    """

    codes: NDArray[np.int32]
    words: tuple[str, ...]


Column: TypeAlias = Numbers | Truths | Texts


@dataclass(frozen=True)
class Groups:
    """Which rows belong to which snapshot.

    Shape: ``snapshot`` has the number of the snapshot of each row; there are ``count`` snapshots.
    """

    snapshot: Places
    count: int

    @cached_property
    def sizes(self) -> Places:
        """How many rows each snapshot has."""
        return np.bincount(self.snapshot, minlength=self.count)

    @cached_property
    def order(self) -> Places:
        """The rows in order of their snapshots."""
        return np.argsort(self.snapshot, kind="stable")

    @cached_property
    def filled(self) -> Places:
        """The snapshots that have rows."""
        return np.flatnonzero(self.sizes)

    @cached_property
    def starts(self) -> Places:
        """Where the rows of each of ``filled`` begin in ``order``."""
        return (np.cumsum(self.sizes) - self.sizes)[self.filled]

    def counts(self, mask: Mask) -> Places:
        """Return how many rows of each snapshot are in *mask*."""
        return np.bincount(self.snapshot[mask], minlength=self.count)


class Table(Protocol):
    """What conditions are evaluated over: the rows of one node, one for each snapshot and GPU, and its snapshots."""

    @property
    def groups(self) -> Groups:
        """Which rows belong to which snapshot."""
        ...

    def read(self, field: Field) -> Column:
        """Return a field: of each row where it is per GPU, else of each snapshot."""
        ...

    def exact(self, field: Field) -> Sequence[Value]:
        """Return the same values as they were given."""
        ...

    def window(self, window: ir.Window) -> Numbers:
        """Return a function over time: of each row where its field is per GPU, else of each snapshot."""
        ...

    def signal(self, name: str, per_gpu: bool) -> Mask:
        """Return where a signal is on."""
        ...


def as_numbers(given: Iterable[Value]) -> Numbers:
    """Return numbers as doubles.

    Raises:
        UnsupportedError: one is an integer that no double equals.
    """
    listed = list(given)
    if any(isinstance(v, int) and abs(v) > EXACT and int(float(v)) != v for v in listed):
        raise UnsupportedError("an integer beyond 2**53 is not a double")
    return np.array([np.nan if v is None else float(v) for v in listed])


def as_truths(given: Iterable[Value]) -> Truths:
    """Return bools as masks."""
    listed = list(given)
    return Truths(np.array([v is True for v in listed], bool), np.array([v is False for v in listed], bool))


def as_texts(given: Iterable[Value]) -> Texts:
    """Return texts as codes."""
    listed = list(given)
    words = {v: n for n, v in enumerate(dict.fromkeys(v for v in listed if isinstance(v, str)))}
    codes = [words[v] if isinstance(v, str) else -1 for v in listed]
    return Texts(np.array(codes, np.int32), tuple(words))


def as_column(given: Iterable[Value], kind: Kind) -> Column:
    """Return values of one kind as a column."""
    match kind:
        case Kind.BOOL:
            return as_truths(given)
        case Kind.STRING:
            return as_texts(given)
        case _:
            return as_numbers(given)


def repeat_value(value: Value, kind: Kind, count: int) -> Column:
    """Return a column of *count* times the same value, which is held once and cannot be written to."""
    match as_column([value], kind):
        case Truths(true, false):
            return Truths(np.broadcast_to(true[0], count), np.broadcast_to(false[0], count))
        case Texts(codes, words):
            return Texts(np.broadcast_to(codes[0], count), words)
        case np.ndarray() as numbers:
            return np.broadcast_to(numbers[0], count)
