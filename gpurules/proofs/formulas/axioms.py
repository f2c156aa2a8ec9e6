"""Axioms: what holds for every node, whatever its conditions say, between separate variables.

Each axiom is a sound statement about what telemetry and the engine can give; what it leaves out makes no proof wrong.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Protocol

from gpurules.fields import FIELDS
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.proofs.formulas.encoding import Encoder
from gpurules.proofs.formulas.formula import FALSE, TRUE, Formula, atom, conj, disj, every, negation
from gpurules.proofs.formulas.universe import Universe, base_units
from gpurules.proofs.formulas.window_axioms import window_axioms


class SignalLike(Protocol):
    """What a proof needs to know of a signal."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def condition(self) -> ir.Term:
        """What starts it."""
        ...

    @property
    def until(self) -> ir.Term | None:
        """What ends it; None: that its condition is not TRUE."""
        ...

    @property
    def per_gpu(self) -> bool:
        """Whether each GPU has a state of its own."""
        ...

    @property
    def for_seconds(self) -> float:
        """How long its start is put off (seconds)."""
        ...

    @property
    def keep_for_seconds(self) -> float:
        """How long it is held on (seconds)."""
        ...


RELATED_READINGS = (
    frozenset({"gpu_memory_used", "gpu_memory_free", "gpu_memory_reserved", "gpu_memory_total"}),
    frozenset(name for name in FIELDS if name.startswith("gpu_throttle")),
    frozenset({"gpu_pcie_gen", "gpu_pcie_gen_max"}),
    frozenset({"gpu_pcie_width", "gpu_pcie_width_max"}),
)
"""Readings that agree with each other where the device and its driver are right."""
COUNTS = frozenset({"gpu_count", "gpu_lost_count"})
"""Counts of boards, which agree with one another and with the GPUs there are."""
ORDERS = (
    ("gpu_memory_used", "gpu_memory_total"),
    ("gpu_memory_free", "gpu_memory_total"),
    ("gpu_memory_reserved", "gpu_memory_total"),
    ("gpu_lost_count", "gpu_count"),
    ("gpu_pcie_gen", "gpu_pcie_gen_max"),
    ("gpu_pcie_width", "gpu_pcie_width_max"),
)
"""Pairs of fields; the first is never above the second (nvmlMemory_v2_t; counts of the same boards)."""
_SUMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("gpu_throttled", ("gpu_throttle_thermal", "gpu_throttle_hw_slowdown", "gpu_throttle_hw_power_brake")),
    ("gpu_throttled",
     ("gpu_throttle_hw_thermal", "gpu_throttle_sw_thermal", "gpu_throttle_hw_slowdown", "gpu_throttle_hw_power_brake")),
    ("gpu_throttle_thermal", ("gpu_throttle_hw_thermal", "gpu_throttle_sw_thermal")),
    ("gpu_throttle_power", ("gpu_throttle_hw_power_brake", "gpu_throttle_sw_power_cap")),
)  # fmt: skip
"""Flags, each with the reasons that it combines (nvmlDeviceGetCurrentClocksEventReasons)."""
_OF_PATH = ("path", "file_name", "file_extension")


def field_read(name: str) -> ir.Read:
    """Return the term that reads the field *name*."""
    return ir.Read(FIELDS[name])


class Axioms:
    """The axioms of one universe; asked once while it collects, and once when it is closed."""

    def __init__(self, universe: Universe, signals: Mapping[str, SignalLike], trusts_readings: bool = True) -> None:
        self._universe, self._trusts_readings = universe, trusts_readings
        self._signals = signals
        self._encoder = Encoder(universe)

    def formulas(self) -> list[Formula]:
        """Return every axiom about the variables that there are."""
        found = [
            *self._of_signals(),
            *window_axioms(self._universe, self._encoder),
            *self._of_paths(),
            *self._of_memory(),
            *self._of_operands(),
            *(self._of_readings() if self._trusts_readings else ()),
        ]
        return [formula for formula in found if formula is not TRUE]

    def _has(self, *names: str) -> bool:
        return all(("read", name) in self._universe.builders for name in names)

    def _on_each(self, term: ir.Term, formula: Formula) -> Formula:
        return every(formula) if ir.is_per_gpu(term) else formula

    def _of_signals(self) -> Iterator[Formula]:
        """Without ``for`` a condition that is TRUE puts its signal on; without ``keep_for`` an end puts it off."""
        done: set[str] = set()
        while names := {k[1] for k in self._universe.builders if k[0] == "signal" and k[1] in self._signals} - done:
            for name in sorted(names):
                done.add(name)
                yield from self._of_signal(self._signals[name])

    def _of_signal(self, signal: SignalLike) -> Iterator[Formula]:
        term = ir.Signal(signal.name, signal.per_gpu)
        is_on, start = self._encoder.rails(term), self._encoder.rails(signal.condition)
        if not signal.for_seconds:
            yield self._on_each(term, disj(negation(start.true), is_on.true))
        if not signal.keep_for_seconds:
            ended = start.false if signal.until is None else self._encoder.rails(signal.until).true
            yield self._on_each(term, disj(negation(conj(ended, negation(start.true))), is_on.false))

    def _order(self, low: ir.Term, comparator: Comparator, high: ir.Term) -> Formula:
        rails = self._encoder.rails(ir.Compare((comparator,), (low, high)))
        return self._on_each(low, negation(rails.false))

    def _of_readings(self) -> Iterator[Formula]:
        """Yield how readings agree where the device and its driver are right; the evaluator takes them as they come."""
        yield from self._of_orders()
        yield from self._of_flags()
        yield from self._of_counts()

    def _of_orders(self) -> Iterator[Formula]:
        for low, high in ORDERS:
            if self._has(low, high):
                yield self._order(field_read(low), Comparator.LE, field_read(high))

    def _of_memory(self) -> Iterator[Formula]:
        """``gpu_memory`` and ``gpu_memory_free`` are derived where both used and total are known (GPU)."""
        if not self._has("gpu_memory_used", "gpu_memory_total"):
            return
        used, total = field_read("gpu_memory_used"), field_read("gpu_memory_total")
        unknown = disj(self._universe.missing(used), self._universe.missing(total))
        if self._has("gpu_memory"):
            empty = self._encoder.rails(ir.Compare((Comparator.EQ,), (total, ir.Constant(0, total.datatype))))
            yield every(disj(negation(self._universe.missing(field_read("gpu_memory"))), unknown, empty.true))
        if self._has("gpu_memory_free"):
            yield every(disj(negation(self._universe.missing(field_read("gpu_memory_free"))), unknown))

    def _of_flags(self) -> Iterator[Formula]:
        """A reason that is there makes what is summed up of it so; a sum that is so has one of its reasons (GPU)."""
        for whole, parts in _SUMS:
            if not self._has(whole):
                continue
            summed = self._encoder.rails(field_read(whole))
            reasons = [self._encoder.rails(field_read(name)) for name in parts if self._has(name)]
            yield from (every(negation(conj(reason.true, summed.false))) for reason in reasons)
            if len(reasons) == len(parts):
                yield every(negation(conj(summed.true, *(reason.false for reason in reasons))))

    def _of_paths(self) -> Iterator[Formula]:
        """Of a path that is known so are its parts (transfer)."""
        gone = [self._universe.missing(field_read(name)) for name in _OF_PATH if self._has(name)]
        for first, second in pairwise(gone):
            yield disj(negation(first), second)
            yield disj(first, negation(second))

    def _of_counts(self) -> Iterator[Formula]:
        """A node with GPUs has a board; two GPUs have two indexes."""
        if self._has("gpu_count"):
            count = field_read("gpu_count")
            none = self._encoder.rails(ir.Compare((Comparator.LT,), (count, ir.Constant(1, count.datatype))))
            yield disj(negation(none.true), every(FALSE))

    def _of_operands(self) -> Iterator[Formula]:
        """What is computed from facts is missing where one of them is."""
        for builder in list(self._universe.builders.values()):
            if builder.exact or _can_do_without(builder.term):
                continue
            for operand in base_units(builder.term):
                if isinstance(operand, ir.Aggregate):
                    continue
                variable, whole = self._universe.variable(operand), self._universe.variables.get(builder.key)
                if variable is not None and whole is not None and variable.missing:
                    gone = disj(atom(variable, variable.known), atom(whole, whole.missing))
                    yield every(gone) if whole.per_gpu else gone


def _can_do_without(term: ir.Term) -> bool:
    """Return whether *term* may be known where a part of it is missing."""
    forgiving = (ir.IsMissing, ir.And, ir.Or, ir.Aggregate, ir.Member)
    return any(
        isinstance(t, forgiving) or (isinstance(t, ir.Apply) and t.function == "coalesce") for t in ir.walk(term)
    )
