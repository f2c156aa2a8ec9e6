"""Whether the values that a search leaves open can stand together: differences, derived memory, paths, the clock.

What it refuses is impossible; what it lets pass is tried out on the real evaluator.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from gpurules.model import Value
from gpurules.proofs.cells import Cell
from gpurules.proofs.differences import Distance, Interval, Unknown, UnsureError, runs, solve
from gpurules.proofs.grounding import variable
from gpurules.proofs.lines import ABOVE, BELOW, Number
from gpurules.proofs.paths import PATH_PARTS, is_untold, path_parts
from gpurules.proofs.search import Domains
from gpurules.proofs.universe import Universe, base_units, unit_key
from gpurules.records import Record, record

_HOUR = 3600
_MEMORY = ("gpu_memory", "gpu_memory_used", "gpu_memory_total", "gpu_memory_free")
_CLOCK = ("hour", "time_of_day")
Chosen = dict[int, Value]


@record
class _Open(Record):
    """A variable whose value is a number, and what is left of its domain."""

    name: int
    cell: Cell
    mask: int

    @property
    def intervals(self) -> list[Interval]:
        return runs(self.cell, self.mask)

    @property
    def hull(self) -> tuple[Number, Number]:
        """The least and the greatest number, where the field counts."""
        intervals = self.intervals
        return intervals[0][0][0], intervals[-1][1][0]

    @property
    def options(self) -> list[Number]:
        """Some of the numbers: of each interval its ends and middle, and plain ones."""
        found: list[Number] = [v for v in self.cell.options(self.mask) if isinstance(v, int | float)]
        for (low, _), (high, _) in self.intervals:
            middle = (low + high) / 2
            found += [low, high, round(middle) if isinstance(low, int) and isinstance(high, int) else middle]
        return [number for number in dict.fromkeys(found) if self.has(number)]

    def has(self, number: Number) -> bool:
        """Return whether *number* is left."""
        return bool(self.cell.mask_of(number) & self.mask)


@dataclass(frozen=True)
class Relations:
    """The relations between the cells of a universe."""

    universe: Universe

    def clash(self, domains: Domains, count: int) -> bool:
        """Return whether it is sure that no values in *domains* hang together, however they are narrowed further."""
        if not self._any:
            return False
        try:
            return self.chosen(domains, count) is None
        except UnsureError:
            return False

    def groups(self) -> list[tuple[Cell, ...]]:
        """Return the cells that hang together."""
        cells = self.universe.cells
        named = (_MEMORY, _CLOCK, PATH_PARTS)
        found = [tuple(cells["read", n] for n in names if ("read", n) in cells) for names in named]
        found += [(gap.cell, gap.left, gap.right) for gap in self.universe.all_gaps()]
        for cell in cells.values():
            if not cell.exact:
                found.append((cell, *(cells[unit_key(u)] for u in base_units(cell.term) if unit_key(u) in cells)))
        return found

    @cached_property
    def _any(self) -> bool:
        """Whether there are relations at all."""
        cells = self.universe.cells
        if sum(("read", name) in cells for name in PATH_PARTS) > 1:
            return True
        related = (_MEMORY[:3], _CLOCK)
        return bool(self.universe.gaps) or any(all(("read", n) in cells for n in names) for names in related)

    def chosen(self, domains: Domains, count: int) -> Chosen | None:
        """Return values for variables that hang together, on a node of *count* GPUs; None where there are none.

        Raises:
            UnsureError: none were found, and it is not proved that there are none.
        """
        chosen: Chosen = {}
        unknowns: dict[int, Unknown] = {}
        distances: dict[int, Distance] = {}
        for slot in [*range(count)] or [None]:
            if not self._gaps(domains, slot, (unknowns, distances), chosen):
                return None
        if distances:
            numbers = solve(list(unknowns.values()), list(distances.values()))
            if numbers is None:
                return None
            chosen |= numbers
        if is_untold(self.universe, domains) or not all(self._memory(domains, n, chosen) for n in range(count)):
            return None
        chosen |= path_parts(self.universe, domains)
        return chosen if self._clock(domains, chosen) else None

    def _gaps(
        self,
        domains: Domains,
        slot: int | None,
        found: tuple[dict[int, Unknown], dict[int, Distance]],
        chosen: Chosen,
    ) -> bool:
        """Collect the differences that must be kept; return False where one cannot be."""
        unknowns, distances = found
        for gap in self.universe.all_gaps():
            names = tuple(variable(cell, slot) for cell in (gap.cell, gap.left, gap.right))
            open_gap = domains.get(names[0], gap.cell.full)
            if open_gap == gap.cell.full or (slot is None and gap.cell.per_gpu):
                continue
            sides = list(zip(names[1:], (gap.left, gap.right), strict=True))
            absent = [(n, c) for n, c in sides if domains.get(n, c.full) & c.missing]
            if open_gap & gap.cell.missing and absent:
                untouched = [n for n, c in absent if domains.get(n, c.full) == c.full]
                chosen[untouched[0] if untouched else absent[0][0]] = None
                continue
            if not open_gap & gap.cell.known:
                return False
            for name, cell in sides:
                known = domains.get(name, cell.full) & cell.known
                integer = cell.line is not None and cell.line.integer
                unknowns[name] = Unknown(name, tuple(runs(cell, known)), integer)
            distances[names[0]] = Distance(names[1], names[2], tuple(runs(gap.cell, open_gap & gap.cell.known)))
        return True

    def _memory(self, domains: Domains, slot: int, chosen: Chosen) -> bool:
        """Choose used and total bytes whose share is one that is left; False where there is none (nvmlMemory_v2_t).

        Raises:
            UnsureError: none were hit on, and it is not proved that there are none.
        """
        facts = [self._surely(domains, slot, name) for name in ("gpu_memory", "gpu_memory_used", "gpu_memory_total")]
        share, used, total = facts
        if share is None or used is None or total is None:
            return True
        (least_used, most_used), (least_total, most_total) = used.hull, total.hull
        if not most_total:
            return False
        lowest = 100 * least_used / most_total
        highest = 100 * most_used / least_total if least_total else math.inf
        if not any(max(low, (lowest, BELOW)) < min(high, (highest, ABOVE)) for low, high in share.intervals):
            return False
        for number in share.options:
            pairs: list[tuple[Number, Number]] = [(round(number * t / 100), t) for t in total.options]
            totals = [(u, 100 * u / number) for u in used.options if number]
            pairs += [(u, round(whole)) for u, whole in totals if math.isfinite(whole)]
            for u, t in pairs:
                if t and u <= t and used.has(u) and total.has(t) and share.has(100 * u / t):
                    chosen |= {used.name: u, total.name: t, share.name: 100 * u / t}
                    return True
        raise UnsureError

    def _surely(self, domains: Domains, slot: int, name: str) -> "_Open | None":
        """Return what is left of a field that is surely known, None where it may be missing."""
        cell = self.universe.cells.get(("read", name))
        if cell is None:
            return None
        fact = _Open(variable(cell, slot), cell, domains.get(variable(cell, slot), cell.full))
        return fact if not fact.mask & cell.missing and fact.intervals else None

    def _clock(self, domains: Domains, chosen: Chosen) -> bool:
        """Choose an hour and a time of day that agree."""
        hour, clock = (self.universe.cells.get(("read", name)) for name in ("hour", "time_of_day"))
        if hour is None or clock is None:
            return True
        hours = domains.get(variable(hour, None), hour.full)
        times = runs(clock, domains.get(variable(clock, None), clock.full))
        for number in range(24):
            if not hour.mask_of(number) & hours:
                continue
            for low, high in times:
                start = max(low, (number * _HOUR, BELOW))
                if start < min(high, ((number + 1) * _HOUR, BELOW)):
                    chosen[variable(hour, None)] = number
                    chosen[variable(clock, None)] = _in(start, min(high, ((number + 1) * _HOUR, BELOW)))
                    return True
        return False


def _in(low: tuple[Number, int], high: tuple[Number, int]) -> Number:
    """Return a number in an interval that is not empty."""
    if low[1] == BELOW:
        return low[0]
    above = low[0] + 1
    return above if (above, ABOVE) <= high else (low[0] + high[0]) / 2
