"""Theory solvers: whether the values that a search leaves open are consistent: differences, memory, paths, the clock.

What it refuses is impossible; what it lets pass is tried out on the real evaluator.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from gpurules.model import Value
from gpurules.proofs.domains.intervals import ABOVE, BELOW, Number
from gpurules.proofs.domains.variables import AbstractVariable
from gpurules.proofs.formulas.universe import Universe, base_units, unit_key
from gpurules.proofs.solver.backtracking import Domains
from gpurules.proofs.solver.difference_logic import (
    BoundedNumber,
    DifferenceConstraint,
    EndpointPair,
    IncompleteError,
    runs,
    solve,
)
from gpurules.proofs.solver.grounding import ground_name
from gpurules.proofs.solver.path_candidates import PATH_PARTS, is_undetermined, path_parts
from gpurules.records import Record, record

_HOUR = 3600
_MEMORY = ("gpu_memory", "gpu_memory_used", "gpu_memory_total", "gpu_memory_free")
_CLOCK = ("hour", "time_of_day")
Model = dict[int, Value]


@record
class _Open(Record):
    """A variable whose value is a number, and what is left of its domain."""

    name: int
    variable: AbstractVariable
    mask: int

    @property
    def ranges(self) -> list[EndpointPair]:
        return runs(self.variable, self.mask)

    @property
    def hull(self) -> tuple[Number, Number]:
        """The least and the greatest number, where the field counts."""
        ranges = self.ranges
        return ranges[0][0][0], ranges[-1][1][0]

    @property
    def candidates(self) -> list[Number]:
        """Some of the numbers: of each interval its ends and middle, and plain ones."""
        found: list[Number] = [v for v in self.variable.candidates(self.mask) if isinstance(v, int | float)]
        for (low, _), (high, _) in self.ranges:
            middle = (low + high) / 2
            found += [low, high, round(middle) if isinstance(low, int) and isinstance(high, int) else middle]
        return [number for number in dict.fromkeys(found) if self.has(number)]

    def has(self, number: Number) -> bool:
        """Return whether *number* is left."""
        return bool(self.variable.mask_of(number) & self.mask)


@dataclass(frozen=True)
class Theories:
    """The relations between the variables of a universe."""

    universe: Universe

    def is_inconsistent(self, domains: Domains, count: int) -> bool:
        """Return whether it is sure that no values in *domains* hang together, however they are narrowed further."""
        if not self._any:
            return False
        try:
            return self.model(domains, count) is None
        except IncompleteError:
            return False

    def groups(self) -> list[tuple[AbstractVariable, ...]]:
        """Return the variables that hang together."""
        variables = self.universe.variables
        named = (_MEMORY, _CLOCK, PATH_PARTS)
        found = [tuple(variables["read", n] for n in names if ("read", n) in variables) for names in named]
        found += [
            (difference.variable, difference.left, difference.right)
            for difference in self.universe.difference_variables()
        ]
        for variable in variables.values():
            if not variable.exact:
                found.append(
                    (variable, *(variables[unit_key(u)] for u in base_units(variable.term) if unit_key(u) in variables))
                )
        return found

    @cached_property
    def _any(self) -> bool:
        """Whether there are relations at all."""
        variables = self.universe.variables
        if sum(("read", name) in variables for name in PATH_PARTS) > 1:
            return True
        related = (_MEMORY[:3], _CLOCK)
        return bool(self.universe.differences) or any(all(("read", n) in variables for n in names) for names in related)

    def model(self, domains: Domains, count: int) -> Model | None:
        """Return values for variables that hang together, on a node of *count* GPUs; None where there are none.

        Raises:
            IncompleteError: none were found, and it is not proved that there are none.
        """
        model: Model = {}
        unknowns: dict[int, BoundedNumber] = {}
        distances: dict[int, DifferenceConstraint] = {}
        for slot in [*range(count)] or [None]:
            if not self._differences(domains, slot, (unknowns, distances), model):
                return None
        if distances:
            numbers = solve(list(unknowns.values()), list(distances.values()))
            if numbers is None:
                return None
            model |= numbers
        if is_undetermined(self.universe, domains) or not all(self._memory(domains, n, model) for n in range(count)):
            return None
        model |= path_parts(self.universe, domains)
        return model if self._clock(domains, model) else None

    def _differences(
        self,
        domains: Domains,
        slot: int | None,
        found: tuple[dict[int, BoundedNumber], dict[int, DifferenceConstraint]],
        model: Model,
    ) -> bool:
        """Collect the differences that must be kept; return False where one cannot be."""
        unknowns, distances = found
        for difference in self.universe.difference_variables():
            names = tuple(
                ground_name(variable, slot) for variable in (difference.variable, difference.left, difference.right)
            )
            open_gap = domains.get(names[0], difference.variable.full)
            if open_gap == difference.variable.full or (slot is None and difference.variable.per_gpu):
                continue
            sides = list(zip(names[1:], (difference.left, difference.right), strict=True))
            absent = [(n, c) for n, c in sides if domains.get(n, c.full) & c.missing]
            if open_gap & difference.variable.missing and absent:
                untouched = [n for n, c in absent if domains.get(n, c.full) == c.full]
                model[untouched[0] if untouched else absent[0][0]] = None
                continue
            if not open_gap & difference.variable.known:
                return False
            for name, variable in sides:
                known = domains.get(name, variable.full) & variable.known
                integer = variable.partition is not None and variable.partition.integer
                unknowns[name] = BoundedNumber(name, tuple(runs(variable, known)), integer)
            distances[names[0]] = DifferenceConstraint(
                names[1], names[2], tuple(runs(difference.variable, open_gap & difference.variable.known))
            )
        return True

    def _memory(self, domains: Domains, slot: int, model: Model) -> bool:
        """Choose used and total bytes whose share is one that is left; False where there is none (nvmlMemory_v2_t).

        Raises:
            IncompleteError: none were hit on, and it is not proved that there are none.
        """
        facts = [self._surely(domains, slot, name) for name in ("gpu_memory", "gpu_memory_used", "gpu_memory_total")]
        share, used, total = facts
        if share is None or used is None or total is None:
            return True
        (least_used, most_used), (least_total, most_total) = used.hull, total.hull
        if not most_total:
            return False
        lowest_bit = 100 * least_used / most_total
        highest_bit = 100 * most_used / least_total if least_total else math.inf
        if not any(max(low, (lowest_bit, BELOW)) < min(high, (highest_bit, ABOVE)) for low, high in share.ranges):
            return False
        for number in share.candidates:
            pairs: list[tuple[Number, Number]] = [(round(number * t / 100), t) for t in total.candidates]
            totals = [(u, 100 * u / number) for u in used.candidates if number]
            pairs += [(u, round(whole)) for u, whole in totals if math.isfinite(whole)]
            for u, t in pairs:
                if t and u <= t and used.has(u) and total.has(t) and share.has(100 * u / t):
                    model |= {used.name: u, total.name: t, share.name: 100 * u / t}
                    return True
        raise IncompleteError

    def _surely(self, domains: Domains, slot: int, name: str) -> "_Open | None":
        """Return what is left of a field that is surely known, None where it may be missing."""
        variable = self.universe.variables.get(("read", name))
        if variable is None:
            return None
        fact = _Open(ground_name(variable, slot), variable, domains.get(ground_name(variable, slot), variable.full))
        return fact if not fact.mask & variable.missing and fact.ranges else None

    def _clock(self, domains: Domains, model: Model) -> bool:
        """Choose an hour and a time of day that agree."""
        hour, clock = (self.universe.variables.get(("read", name)) for name in ("hour", "time_of_day"))
        if hour is None or clock is None:
            return True
        hours = domains.get(ground_name(hour, None), hour.full)
        times = runs(clock, domains.get(ground_name(clock, None), clock.full))
        for number in range(24):
            if not hour.mask_of(number) & hours:
                continue
            for low, high in times:
                start = max(low, (number * _HOUR, BELOW))
                if start < min(high, ((number + 1) * _HOUR, BELOW)):
                    model[ground_name(hour, None)] = number
                    model[ground_name(clock, None)] = _in(start, min(high, ((number + 1) * _HOUR, BELOW)))
                    return True
        return False


def _in(low: tuple[Number, int], high: tuple[Number, int]) -> Number:
    """Return a number in an interval that is not empty."""
    if low[1] == BELOW:
        return low[0]
    above = low[0] + 1
    return above if (above, ABOVE) <= high else (low[0] + high[0]) / 2
