"""The nearest change: the fewest facts, changed the least, with which a condition would have come out otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

from gpurules.backends import Facts, value_of
from gpurules.backends.backend import over_gpus
from gpurules.language import ir
from gpurules.language.printer import spell
from gpurules.model import GPUIndex, Truth, Value
from gpurules.proofs.cells import Cell
from gpurules.proofs.changing import changed
from gpurules.proofs.claims import Want
from gpurules.proofs.encoding import Encoder
from gpurules.proofs.grounding import MOST_GPUS, Grounding, cell_index, slot_of
from gpurules.proofs.lines import Number
from gpurules.proofs.search import Budget, Domains, Search, WorkCapError
from gpurules.proofs.universe import Universe, base_units
from gpurules.proofs.witness import shown_exactly

_MOST_CHANGES = 3
_STEPS = 4_000
_MOST_WAYS = 64


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that would be otherwise: of the GPU ``device``, None: of the node, the transfer or the workload."""

    term: ir.Term
    place: int | None
    device: GPUIndex | None
    before: Value
    after: Value

    def __str__(self) -> str:
        """Show it: ``file_type 'model' instead of 'dataset'``."""
        if isinstance(self.term, ir.Signal):
            before, after = ("on" if value else "off" for value in (self.before, self.after))
            return f"{self.term.name} {after} instead of {before}"
        dimension = self.term.datatype.dimension
        before, after = (shown_exactly(value, dimension) for value in (self.before, self.after))
        return f"{spell(self.term)} {after} instead of {before}"

    @property
    def size(self) -> float:
        """How far it goes: a share for numbers; more where something would have to be known, or not to be."""
        if self.after is None:
            return 3.0
        if self.before is None:
            return 2.0
        if isinstance(self.before, bool | str) or isinstance(self.after, bool | str):
            return 1.0
        return abs(self.after - self.before) / max(abs(self.after), abs(self.before), 1e-300)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The smallest change that flips the outcome of a rule, and the GPUs on which it would match then."""

    changes: tuple[Change, ...]
    matches: bool
    devices: tuple[GPUIndex, ...]

    def __str__(self) -> str:
        """Show it in a sentence."""
        changes = [
            f"{change} on GPU {change.device}" if self._needs_device(change) else str(change) for change in self.changes
        ]
        told = changes[0] if len(changes) == 1 else f"{', '.join(changes[:-1])} and {changes[-1]}"
        on = f" on GPU {', '.join(map(str, self.devices))}" if self.devices else ""
        return f"{told} would {'match' + on if self.matches else 'not match'}"

    def _needs_device(self, change: Change) -> bool:
        return change.device is not None and self.devices != (change.device,)

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        changes = [{"name": spell(c.term), "gpu": c.device, "before": c.before, "after": c.after} for c in self.changes]
        return {"matches": self.matches, "devices": list(self.devices), "changes": changes}


def nearest(term: ir.Term, facts: Facts) -> Nearest | None:
    """Return the smallest change of *facts*, all in scope of the rule, that flips whether the condition is TRUE.

    Every change is tried on the evaluator. Missing: None where three changes are not enough, where the condition is
    not analysed, or where the work cap is hit.
    """
    if len(facts.gpus) > MOST_GPUS:
        return None
    finder = _Finder(term, facts)
    try:
        for most in range(1, _MOST_CHANGES + 1):
            found = finder.within(most)
            if found is not None:
                return found
    except WorkCapError:
        return None
    return None


class _Finder:
    """Looks for changes of *facts* that flip *term*."""

    def __init__(self, term: ir.Term, facts: Facts) -> None:
        self._term, self._facts = term, facts
        self._universe = Universe()
        Encoder(self._universe).whole(term)
        self._universe.close()
        self._is_true = _truth(term, facts)[0] is True
        rails = Encoder(self._universe).whole(term)
        formula = (Want.NOT_TRUE if self._is_true else Want.TRUE).of(rails)
        self._ground = Grounding(len(facts.gpus)).of(formula)
        self._cells = {cell.index: cell for cell in self._universe.cells.values()}
        self._now: dict[int, tuple[Value, int]] = {}
        self._budget = Budget(_STEPS)

    def within(self, most: int) -> Nearest | None:
        """Return the best way with at most *most* changes, None where there is none.

        Raises:
            WorkCapError: the budget is spent.
        """
        full = {index: cell.full for index, cell in self._cells.items()}
        search = Search(
            lambda name: full[cell_index(name)], self._budget, lambda domains: len(self._moved(domains)) > most
        )
        everywhere = (1 << len(self._facts.gpus)) - 1
        best: tuple[tuple[int, float], Nearest] | None = None
        for domains in islice(search.solutions([self._ground], touched=everywhere), _MOST_WAYS):
            moved = self._moved(domains)
            if not 0 < len(moved) <= most:
                continue
            for changes in self._ways(domains, moved):
                rank = len(changes), sum(change.size for change in changes)
                if best is None or rank < best[0]:
                    confirmed = self._confirmed(changes)
                    best = best if confirmed is None else (rank, confirmed)
        return None if best is None else best[1]

    def _current(self, name: int) -> tuple[Value, int]:
        """Return what a variable is worth now, and the mask of that."""
        known = self._now.get(name)
        if known is None:
            cell = self._cells[cell_index(name)]
            value = value_of(cell.term, self._facts, slot_of(name))
            known = self._now[name] = value, cell.mask_of(value)
        return known

    def _moved(self, domains: Domains) -> list[int]:
        """Return the variables that can not stay as they are."""
        return [name for name, mask in domains.items() if not self._current(name)[1] & mask]

    def _ways(self, domains: Domains, moved: list[int]) -> Iterator[tuple[Change, ...]]:
        options = [list(islice(self._changes(name, domains[name]), 4)) for name in moved]
        yield from product(*options)

    def _changes(self, name: int, mask: int) -> Iterator[Change]:
        """Yield changes that bring a variable into *mask*."""
        cell, slot = self._cells[cell_index(name)], slot_of(name)
        before = self._current(name)[0]
        if cell.exact:
            for after in _near(cell, mask, before):
                yield self._change(cell.term, slot, after)
            return
        for after in _near(cell, mask, before):
            yield from self._behind(cell, slot, (before, after))

    def _behind(self, cell: Cell, slot: int | None, step: tuple[Value, Value]) -> Iterator[Change]:
        """Yield changes of one fact behind a computed one, which take that from the first value to the second."""
        before, after = step
        if not isinstance(before, int | float) or not isinstance(after, int | float) or isinstance(after, bool):
            return
        for unit in base_units(cell.term):
            value = value_of(unit, self._facts, slot if ir.is_per_gpu(unit) else None)
            if isinstance(unit, ir.Aggregate) or not isinstance(value, int | float) or isinstance(value, bool):
                continue
            scale = after / before if before and after else 1
            for option in (value + (after - before), value - (after - before), value * scale, value / scale):
                yield self._change(unit, slot if ir.is_per_gpu(unit) else None, _fitting(unit, option))

    def _change(self, term: ir.Term, place: int | None, after: Value) -> Change:
        device = None if place is None else self._facts.gpus[place].index
        return Change(term, place, device, value_of(term, self._facts, place), after)

    def _confirmed(self, changes: tuple[Change, ...]) -> Nearest | None:
        """Return what the evaluator makes of *changes*, None where they do not flip the outcome."""
        facts: Facts | None = self._facts
        for change in changes:
            facts = None if facts is None else changed(facts, change.term, change.place, change.after)
        if facts is None:
            return None
        truth, devices = _truth(self._term, facts)
        if (truth is True) is self._is_true:
            return None
        return Nearest(changes, truth is True, devices)


def _truth(term: ir.Term, facts: Facts) -> tuple[Truth, tuple[GPUIndex, ...]]:
    if not ir.is_per_gpu(term):
        return value_of(term, facts, None), ()  # type: ignore[return-value]
    result = over_gpus([value_of(term, facts, place) for place in range(len(facts.gpus))], facts.gpus)
    return result.value, result.devices


def _near(cell: Cell, mask: int, now: Value) -> Iterator[Value]:
    """Yield the values of *mask* that are worth a try, the nearest first."""
    options = cell.options(mask & cell.known)
    if cell.line is None or not isinstance(now, int | float):
        yield from options[:3]
    else:
        yield from sorted(_numbers(cell, mask, now), key=lambda number: abs(number - now))[:3]
    if mask & cell.missing and now is not None:
        yield None


def _numbers(cell: Cell, mask: int, now: Number) -> Iterator[Number]:
    """Yield for each stretch in *mask* the plainest number at the end of it that is nearer to *now*."""
    assert cell.line is not None
    for position, stretch in enumerate(cell.line.stretches):
        if not mask >> position & 1:
            continue
        plain = cell.line.numbers[position]
        yield plain
        high, side = stretch.high
        if high > now or stretch.last:
            continue
        top = high if side else high - 1
        if (top, 0) >= stretch.low:
            yield top


def _fitting(unit: ir.Term, number: Number) -> Number:
    """Return *number* as the field has them."""
    if isinstance(unit, ir.Read) and unit.field.integer:
        return round(number)
    return number
