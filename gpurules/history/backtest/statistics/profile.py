"""Distributions of the fields that conditions compare, sampled: for the charts of a report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gpurules.fields import Field, Scope
from gpurules.history.frames.frame import Frame
from gpurules.history.kernel.plan import KernelPlan
from gpurules.language.terms import ir
from gpurules.model import Kind

MOST_VALUES = 20_000
"""Number of values that are kept of a field for its distribution, evenly spaced."""


@dataclass(slots=True)
class Profile:
    """The values of one field of GPUs.

    ``buckets`` has count, sum, minimum and maximum of each time bucket; ``values`` an evenly spaced sample.
    """

    name: str
    buckets: dict[int, list[float]] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)
    step: int = 1

    def add(self, numbers: NDArray[np.float64], bucket: NDArray[np.intp]) -> None:
        """Add the values of a frame, each with its time bucket."""
        known = ~np.isnan(numbers)
        numbers, bucket = numbers[known], bucket[known]
        if not len(numbers):
            return
        order = np.argsort(bucket, kind="stable")
        numbers, bucket = numbers[order], bucket[order]
        starts = np.flatnonzero(np.append(True, bucket[1:] != bucket[:-1]))
        counts = np.diff(np.append(starts, len(numbers)))
        columns = (counts, np.add.reduceat(numbers, starts), np.minimum.reduceat(numbers, starts))
        listed = zip(
            bucket[starts].tolist(),
            *(c.tolist() for c in columns),
            np.maximum.reduceat(numbers, starts).tolist(),
            strict=True,
        )
        for place, *found in listed:
            self._merge(place, found)
        self._keep(numbers[:: self.step].tolist())

    def _merge(self, place: int, found: list[float]) -> None:
        mine = self.buckets.setdefault(place, [0, 0.0, float("inf"), float("-inf")])
        mine[0] += found[0]
        mine[1] += found[1]
        mine[2], mine[3] = min(mine[2], found[2]), max(mine[3], found[3])

    def _keep(self, values: list[float]) -> None:
        self.values += values
        while len(self.values) > MOST_VALUES:
            self.values = self.values[::2]
            self.step *= 2

    def merge(self, other: "Profile") -> None:
        """Add the values of another node."""
        for place, found in other.buckets.items():
            self._merge(place, found)
        self._keep(other.values)


def compared_fields(plans: tuple[KernelPlan, ...]) -> Mapping[str, Field]:
    """Return the numeric fields of GPUs that conditions compare, by name."""
    found: dict[str, Field] = {}
    for plan in plans:
        for _, term in plan.terms():
            for part in ir.walk(term):
                if isinstance(part, ir.Compare):
                    for operand in part.operands:
                        for read in ir.fields(operand):
                            if read.scope is Scope.GPU and read.datatype.kind is Kind.NUMBER and not read.declared:
                                found[read.name] = read
    return {name: found[name] for name in sorted(found) if found[name].attribute != "index_number"}


def thresholds(plan: KernelPlan) -> Iterator[tuple[str, str, float]]:
    """Yield each comparison of a field with a number: the field, the rule or signal, and the number."""
    for name, term in plan.terms():
        for part in ir.walk(term):
            if not isinstance(part, ir.Compare):
                continue
            read = [one.field.name for one in part.operands if isinstance(one, ir.Read)]
            numbers = [one.value for one in part.operands if isinstance(one, ir.Constant)]
            for number in numbers:
                if len(read) == 1 and isinstance(number, int | float) and not isinstance(number, bool):
                    yield read[0], name, float(number)


def add_frame(
    profiles: dict[str, Profile], fields: Mapping[str, Field], frame: Frame, bucket: NDArray[np.intp]
) -> None:
    """Add the values of *fields* in a frame."""
    for name, wanted in fields.items():
        numbers = frame.column(wanted.attribute, Kind.NUMBER)
        assert isinstance(numbers, np.ndarray)
        profiles.setdefault(name, Profile(name)).add(numbers, bucket[frame.groups.snapshot])
