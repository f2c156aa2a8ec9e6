"""The smallest counterfactual: the fewest facts, changed the least, after which a condition has the expected truth."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from types import MappingProxyType
from typing import TypeAlias

from gpurules.backends import Facts, value_of
from gpurules.backends.backend import over_gpus
from gpurules.language.terms import ir
from gpurules.language.terms.printer import spell
from gpurules.model import GPUIndex, Kind, Truth, Value
from gpurules.model.units import format_duration
from gpurules.proofs.counterfactuals.lower_bounds import LowerBound
from gpurules.proofs.counterfactuals.next_state import next_state, pending_timers
from gpurules.proofs.counterfactuals.path_changes import is_part, paths
from gpurules.proofs.domains.candidates import candidate_texts, candidates_in, fitting, operand_candidates
from gpurules.proofs.domains.variables import AbstractVariable, VariableKey
from gpurules.proofs.formulas.axioms import SignalLike, field_read
from gpurules.proofs.formulas.claims import ExpectedTruth, ScopedCondition, TruthClaim
from gpurules.proofs.formulas.encoding import Encoder
from gpurules.proofs.formulas.universe import Universe, base_units, reads_of, unit_key
from gpurules.proofs.solver.backtracking import BacktrackingSolver, Budget, BudgetExceeded, Domains
from gpurules.proofs.solver.grounding import MOST_GPUS, Grounding, slot_of, variable_index
from gpurules.proofs.witnesses.substitution import with_value
from gpurules.proofs.witnesses.witness import format_plainly, format_roughly
from gpurules.records import Record, record

_MOST_CHANGES = 3
_STEPS = 4_000
_TRIES = 64
_MOST_WAYS = 64
_OPTIONS = 4
_AS_IS = "the facts as they are"
_NO_SIGNALS: Mapping[str, SignalLike] = MappingProxyType({})


_PATH = -100
"""Stands for the path, whatever part of it a condition looks at."""
_PATHS = 12
_WHOLE_PATH, _FILE_NAME = field_read("path"), field_read("file_name")

_Key: TypeAlias = tuple[VariableKey, int | None, Value]


@record
class FactChange(Record):
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
        after = format_plainly(self.after, dimension)
        return f"{spell(self.term)} {after} instead of {format_roughly(self.before, dimension, self.after)}"

    @property
    def key(self) -> "_Key":
        """Its identity: the fact, and the new value."""
        return unit_key(self.term), self.place, self.after

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


_Way: TypeAlias = frozenset[_Key]


@record
class Counterfactual(Record):
    """The smallest change that gives a rule the expected outcome, and the GPUs on which it would then match.

    ``is_unknown`` where it was asked how the condition could be UNKNOWN. Without ``changes`` time alone does it: a
    timer of a signal is running.
    Units: ``held`` in seconds: for how long the changed facts would have to stay so, where signals have timers.
    """

    changes: tuple[FactChange, ...]
    matches: bool
    devices: tuple[GPUIndex, ...]
    held: float = 0.0
    is_unknown: bool = False

    def __str__(self) -> str:
        """Show it in a sentence."""
        changes = [
            f"{change} on GPU {change.device}" if self._needs_device(change) else str(change) for change in self.changes
        ]
        change_text = (
            changes[0] if len(changes) == 1 else f"{', '.join(changes[:-1])} and {changes[-1]}" if changes else _AS_IS
        )
        on = f" on GPU {', '.join(map(str, self.devices))}" if self.devices else ""
        held = f", held for {format_duration(self.held)}," if self.held else ""
        outcome = f"match{on}" if self.matches else "be unknown" if self.is_unknown else "not match"
        return f"{change_text}{held} would {outcome}"

    def _needs_device(self, change: FactChange) -> bool:
        return change.device is not None and self.devices != (change.device,)

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        changes = [{"name": spell(c.term), "gpu": c.device, "before": c.before, "after": c.after} for c in self.changes]
        return {
            "text": str(self),
            "matches": self.matches,
            "devices": list(self.devices),
            "held_seconds": self.held,
            "changes": changes,
        }


def find_counterfactual(
    term: ir.Term, facts: Facts, signals: Mapping[str, SignalLike] = _NO_SIGNALS, expected: ExpectedTruth | None = None
) -> Counterfactual | None:
    """Return the smallest change of *facts*, all in scope of the rule, with which the condition is as *want* says.

    By default that flips whether it is TRUE, which a timer that runs may do without any change.
    Of *signals* the facts behind them are changed, from the state that *facts* have. Every change is tried on the
    evaluator, the smallest first. Missing: None where three changes are not enough, where the condition is not
    analyzed, or if the work budget is exhausted: the search may take 4,000 steps, and 64 changes are tried.
    """
    if len(facts.gpus) > MOST_GPUS:
        return None
    finder = _CounterfactualSearch(term, facts, signals, expected)
    in_time = finder.without_change()
    if in_time is not None:
        return in_time
    try:
        for most in range(1, _MOST_CHANGES + 1):
            found = finder.within(most)
            if found is not None:
                return found
    except BudgetExceeded:
        return None
    return None


class _CounterfactualSearch:
    """Looks for changes of *facts* with which *term* is as wanted."""

    def __init__(
        self, term: ir.Term, facts: Facts, signals: Mapping[str, SignalLike], expected: ExpectedTruth | None
    ) -> None:
        self._original, self._signals, self._facts = term, signals, facts
        self._term = term = next_state(term, signals)
        self._universe = Universe()
        is_true = _truth(self._original, facts)[0] is True
        self._want = expected or (ExpectedTruth.NOT_TRUE if is_true else ExpectedTruth.TRUE)
        claim = TruthClaim(ScopedCondition(term), self._want)
        claim.formula(Encoder(self._universe))
        self._universe.close()
        self._ground = Grounding(len(facts.gpus)).of(claim.formula(Encoder(self._universe)))
        self._cells = {variable.index: variable for variable in self._universe.variables.values()}
        self._now: dict[int, tuple[Value, int]] = {}
        self._lower_bound = LowerBound(self._changing)
        self._budget, self._tries = Budget(_STEPS), Budget(_TRIES)
        self._refuted: set[_Way] = set()
        self._followed: dict[tuple[int, int], dict[_Key, FactChange]] = {}

    def without_change(self) -> Counterfactual | None:
        """Return what comes of the facts as they are, once timers that run have ended; None where it is not wanted."""
        found = self._confirmed(()) if self._signals else None
        return found if found is not None and found.held else None

    def within(self, most: int) -> Counterfactual | None:
        """Return the best way with at most *most* changes, None where there is none.

        Raises:
            BudgetExceeded: the budget is spent.
        """
        full = {index: variable.full for index, variable in self._cells.items()}
        search = BacktrackingSolver(
            lambda name: full[variable_index(name)], self._budget, lambda domains: self._least(domains) > most
        )
        everywhere = (1 << len(self._facts.gpus)) - 1
        ground = self._lower_bound.within(self._ground, most)
        ways: dict[_Way, tuple[FactChange, ...]] = {}
        for domains in islice(search.solutions([ground], asymmetric=everywhere), _MOST_WAYS):
            if 0 < self._least(domains) <= most:
                for changes in self._ways(domains):
                    ways.setdefault(frozenset(change.key for change in changes), changes)
        return self._first_confirmed([changes for way, changes in ways.items() if way not in self._refuted])

    def _first_confirmed(self, ways: Sequence[tuple[FactChange, ...]]) -> Counterfactual | None:
        """Return the smallest of *ways* with the expected outcome, None if none has it; each is tried only once.

        Raises:
            BudgetExceeded: too many were tried, in this round and those before it.
        """
        for changes in sorted(ways, key=lambda way: (len(way), sum(change.size for change in way))):
            if len({change.key[:2] for change in changes}) < len(changes):
                continue
            self._tries.spend(1)
            confirmed = self._confirmed(changes)
            if confirmed is not None:
                return confirmed
            self._refuted.add(frozenset(change.key for change in changes))
        return None

    def _current(self, name: int) -> tuple[Value, int]:
        """Return the current value of a variable, and its mask."""
        known = self._now.get(name)
        if known is None:
            variable = self._cells[variable_index(name)]
            value = value_of(variable.term, self._facts, slot_of(name))
            mask = variable.mask_of_text(value) if isinstance(value, str) else variable.mask_of(value)
            known = self._now[name] = value, mask
        return known

    def _changing(self, name: int, mask: int) -> range | tuple[int, ...]:
        """Return the facts that have to change for a variable to come into *mask*; what is computed counts as one."""
        if self._current(name)[1] & mask:
            return ()
        variable = self._cells[variable_index(name)]
        if self._is_followed(variable):
            return range(-_MOST_CHANGES - 1, 0)
        return (self._fact(name) if variable.exact else -1,)

    def _fact(self, name: int) -> int:
        """Return what stands for the fact behind an exact variable: the parts of a path are one."""
        return _PATH if is_part(self._cells[variable_index(name)].term) else name

    def _is_followed(self, variable: AbstractVariable) -> bool:
        """Return whether a variable is a signal that changes by the facts behind it alone."""
        return variable.key[0] == "signal" and variable.key[1] in self._signals

    def _moved(self, domains: Domains) -> list[int]:
        """Return the variables that cannot stay as they are."""
        return [name for name, mask in domains.items() if not self._current(name)[1] & mask]

    def _least(self, domains: Domains) -> int:
        """Return how many facts have to change at least: one may be behind all that is computed."""
        moved = {name: self._cells[variable_index(name)] for name in self._moved(domains)}
        if any(map(self._is_followed, moved.values())):
            return _MOST_CHANGES + 1
        exact = [name for name, variable in moved.items() if variable.exact]
        return len({self._fact(name) for name in exact}) + (len(exact) < len(moved))

    def _ways(self, domains: Domains) -> Iterator[tuple[FactChange, ...]]:
        """Yield changes that may bring all variables into *domains*; what is computed may follow from the others."""
        exact: list[list[FactChange]] = []
        of_path: list[int] = []
        behind: dict[_Key, FactChange] = {}
        slots: set[int | None] = set()
        for name in self._moved(domains):
            if self._fact(name) == _PATH:
                of_path.append(name)
            elif self._cells[variable_index(name)].exact:
                exact.append(list(islice(self._changes(name, domains[name]), _OPTIONS)))
            else:
                behind |= self._behind(name, domains[name])
                slots |= {slot_of(name)} - {None}
        if of_path:
            exact.append([*islice(self._path_changes(of_path, domains), _PATHS)])
        following = [change for change in behind.values() if change.place is None or slots <= {change.place}]
        for model in product(*exact):
            if not behind:
                yield model
            for change in following:  # it may be about a fact that has to change anyway
                yield (*(one for one in model if one.key[:2] != change.key[:2]), change)

    def _changes(self, name: int, mask: int) -> Iterator[FactChange]:
        """Yield changes that bring a fact into *mask*."""
        variable, slot = self._cells[variable_index(name)], slot_of(name)
        for after in candidates_in(variable, mask, self._current(name)[0]):
            yield self._change(variable.term, slot, after)

    def _path_changes(self, names: Sequence[int], domains: Domains) -> Iterator[FactChange]:
        """Yield changes that bring a path and its parts into *domains*: of one part, or of the whole."""
        if len(names) == 1:
            yield from islice(self._changes(names[0], domains[names[0]]), _OPTIONS)
        candidates: dict[str, list[Value]] = {}
        for name in names:
            variable = self._cells[variable_index(name)]
            candidates[spell(variable.term)] = [*candidates_in(variable, domains[name], self._current(name)[0])]
        now = value_of(_WHOLE_PATH, self._facts, None)
        whole = _WHOLE_PATH if "path" in candidates else _FILE_NAME
        for path in dict.fromkeys(paths(now if isinstance(now, str) else None, candidates)):
            after = path if path is None or whole is _WHOLE_PATH else path.rpartition("/")[2]
            yield self._change(whole, None, after)

    def _behind(self, name: int, mask: int) -> dict[_Key, FactChange]:
        """Return changes of one fact behind a computed one, which may take that into *mask*."""
        found = self._followed.get((name, mask))
        if found is None:
            found = self._followed[name, mask] = {change.key: change for change in self._found_behind(name, mask)}
        return found

    def _found_behind(self, name: int, mask: int) -> Iterator[FactChange]:
        variable, slot = self._cells[variable_index(name)], slot_of(name)
        before = self._current(name)[0]
        units = [
            (u, slot if ir.is_per_gpu(u) else None)
            for u in base_units(variable.term)
            if not isinstance(u, ir.Aggregate)
        ]
        values = [value_of(unit, self._facts, place) for unit, place in units]
        missing = [n for n, value in enumerate(values) if value is None]
        for unit, place in units:
            if unit.datatype.kind is Kind.STRING:
                yield from (self._change(unit, place, text) for text in candidate_texts(variable.term))
        for after in candidates_in(variable, mask, before):
            for n, (unit, place) in enumerate(units):
                others = values[:n] + values[n + 1 :]
                if after is None:
                    yield self._change(unit, place, None)
                elif missing in ([], [n]):
                    for option in operand_candidates(values[n], others, (before, after)):
                        if (fit := fitting(unit, option)) is not None:
                            yield self._change(unit, place, fit)

    def _change(self, term: ir.Term, place: int | None, after: Value) -> FactChange:
        device = None if place is None else self._facts.gpus[place].index
        return FactChange(term, place, device, value_of(term, self._facts, place), after)

    def _in_order(self, changes: tuple[FactChange, ...]) -> tuple[FactChange, ...]:
        """Return *changes* in the order in which the condition reads the facts."""
        order = {spell(unit): n for n, unit in enumerate(reads_of(self._term))}
        return tuple(sorted(changes, key=lambda change: (order.get(spell(change.term), len(order)), change.place or 0)))

    def _confirmed(self, changes: tuple[FactChange, ...]) -> Counterfactual | None:
        """Return what the evaluator makes of *changes*, None if it is not the expected outcome."""
        facts: Facts | None = self._facts
        for change in changes:
            facts = None if facts is None else with_value(facts, change.term, change.place, change.after)
        if facts is None:
            return None
        truth, devices = _truth(self._term, facts)
        if not self._want.fits(truth):
            return None
        held, is_unknown = self._held(facts, devices), self._want is ExpectedTruth.UNKNOWN
        return Counterfactual(self._in_order(changes), truth is True, devices, held, is_unknown)

    def _held(self, facts: Facts, devices: tuple[GPUIndex, ...]) -> float:
        """Return for how long *facts* would have to hold until the signals behind the condition have followed."""
        places: list[int | None] = [n for n, gpu in enumerate(facts.gpus) if not devices or gpu.index in devices]
        times = [pending_timers(self._original, self._signals, facts, place) for place in places or [None]]
        return max((seconds for found in times for seconds in found), default=0.0)


def _truth(term: ir.Term, facts: Facts) -> tuple[Truth, tuple[GPUIndex, ...]]:
    if not ir.is_per_gpu(term):
        return value_of(term, facts, None), ()  # type: ignore[return-value]
    result = over_gpus([value_of(term, facts, place) for place in range(len(facts.gpus))], facts.gpus)
    return result.value, result.devices
