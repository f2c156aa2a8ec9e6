"""Index over the ambient parts of rules: one lookup per reading instead of running each rule.

For each GPU one look-up per reading, an AND of masks, and an OR over the GPUs, so evaluating a thousand rules on
a snapshot costs microseconds, and is never compiled. Signals are rows of truths; those that are on count.

This is exact: the ambient part of a rule is a conjunction, each conjunct reads one subject, and Kleene's AND is TRUE
only if every conjunct is. A column clears the bit of a rule unless its conjuncts are TRUE in the cell (so for FALSE and
for UNKNOWN), and leaves the bits of rules without a conjunct on its subject.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import compress
from operator import not_, or_
from typing import Any, TypeAlias

from gpurules.backends.bitmap_columns import Column, columns_of
from gpurules.backends.emitter import Block, Emitter, NameSupply
from gpurules.backends.facts import Facts, SlotLayout, slot_key
from gpurules.backends.python import GeneratedSource, RuleTerm
from gpurules.backends.subjects import SubjectTerm, by_subject, subject_of
from gpurules.bitset import mask_of
from gpurules.language.terms import ir
from gpurules.model import Value

AmbientCells: TypeAlias = Callable[..., tuple[tuple[Any, ...], list[tuple[Any, ...]]]]
"""A function of ``s, gpus, n, z, rows, nr``: the cells of what the node has, and for each GPU of what it has."""


class AmbientRule:
    """The parts of one rule that a snapshot decides, as an index can hold them. Immutable.

    Those that are about the node or are the same for all GPUs are ``of_node``.
    Missing: ``signal`` is None where it needs none to be on.
    """

    __slots__ = ("of_gpu", "of_node", "per_gpu", "signal")

    def __init__(
        self, rule: RuleTerm, readings: Sequence[tuple[ir.Term, SubjectTerm]], signal: ir.Signal | None
    ) -> None:
        self.per_gpu, self.signal = rule.per_gpu, signal
        is_of_gpu = [rule.per_gpu and ir.is_per_gpu(part) for part, _ in readings]
        self.of_gpu = by_subject(compress(readings, is_of_gpu))
        self.of_node = by_subject(compress(readings, map(not_, is_of_gpu)))


def ambient_rule(rule: RuleTerm) -> AmbientRule | None:
    """Return the parts of a rule that a snapshot decides, if they can all be looked up, with one signal at most."""
    readings: list[tuple[ir.Term, SubjectTerm]] = []
    signals: list[ir.Signal] = []
    for part in rule.ambient:
        if isinstance(part, ir.Signal):
            signals.append(part)
            continue
        of = subject_of(part)
        if of is None:
            return None
        readings.append((part, of))
    return None if rule.of_workload or len(signals) > 1 else AmbientRule(rule, readings, *signals or (None,))


class _Switches:
    """Signals in one kind of row, and the rules that each is needed by; no rule needs two."""

    def __init__(self, places: Mapping[int, Sequence[int]], width: int) -> None:
        """Take, for each place in the row, the positions of the rules that need the signal there to be on."""
        self._places = tuple(places)
        self._rules = tuple([mask_of(positions, width) for positions in places.values()])
        self._free = (1 << width) - 1 - reduce(or_, self._rules, 0)

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._places)

    def mask(self, row: Sequence[Value]) -> int:
        """Return the rules that no signal rules out."""
        return reduce(or_, compress(self._rules, [row[place] for place in self._places]), self._free)


class AmbientIndex:
    """Columns for what readings decide, and switches for signals. Immutable, for any thread."""

    def __init__(
        self,
        rules: Mapping[int, AmbientRule],
        width: int,
        layout: SlotLayout | None,
        before: "AmbientIndex | None" = None,
    ) -> None:
        """Index *rules* by position (of *width*); columns *before* that would be the same are taken from there.

        Without a layout none of them may need a signal.
        """
        self._layout, self._width = layout, width
        on_gpus = [position for position, rule in rules.items() if rule.per_gpu and not self._is_node_enough(rule)]
        self._rules, self._on_gpus = mask_of(rules, width), mask_of(on_gpus, width)
        of_node = [(position, rule.of_node) for position, rule in rules.items() if rule.of_node]
        of_gpu = [(position, rule.of_gpu) for position, rule in rules.items() if rule.of_gpu]
        self._of_node: tuple[Column, ...] = tuple(columns_of(of_node, width, before._of_node if before else ()))
        self._of_gpu: tuple[Column, ...] = tuple(columns_of(of_gpu, width, before._of_gpu if before else ()))
        self._node_switches, self._gpu_switches = self._switches(rules, frozenset(on_gpus))
        names = NameSupply()
        self._cells: AmbientCells = GeneratedSource(self.source(names), names.bound).function("cells")

    def _is_node_enough(self, rule: AmbientRule) -> bool:
        """Return whether only a signal of a rule is about GPUs, and the row of the node says that it is on for one."""
        signal, layout = rule.signal, self._layout
        if signal is None or rule.of_gpu or layout is None:
            return False
        return signal.per_gpu and slot_key(signal) in layout.node

    def _switches(self, rules: Mapping[int, AmbientRule], on_gpus: frozenset[int]) -> tuple[_Switches, _Switches]:
        """Return the signals in the row of the node, and those in the rows of GPUs."""
        needed: dict[bool, dict[int, list[int]]] = {False: {}, True: {}}
        for position, rule in rules.items():
            if rule.signal is not None:
                per_gpu = position in on_gpus and rule.signal.per_gpu
                needed[per_gpu].setdefault(self._place(rule.signal, per_gpu), []).append(position)
        return _Switches(needed[False], self._width), _Switches(needed[True], self._width)

    def _place(self, signal: ir.Signal, per_gpu: bool) -> int:
        assert self._layout is not None
        return (self._layout.gpu if per_gpu else self._layout.node)[slot_key(signal)]

    def source(self, names: NameSupply) -> str:
        """Return the source of ``cells(s, gpus, n, z, rows, nr)``."""
        node = Block("    ")
        emitter = Emitter(names, self._layout, lambda _: node)
        found = self._emitted(self._of_node, emitter, node, "n")
        head, loop = emitter.loop(node)
        own = self._emitted(self._of_gpu, emitter, loop, "g")
        lines = [*node.lines, "    out = []"]
        if self._on_gpus:
            lines += [f"    {head}", *loop.lines, f"        out.append(({own}))"]
        return "\n".join(["def cells(s, gpus, n, z, rows, nr):", *lines, f"    return ({found}), out", ""])

    @staticmethod
    def _emitted(columns: Iterable[Column], emitter: Emitter, block: Block, prefix: str) -> str:
        """Emit the look-ups of *columns* into *block*; return the names of their cells."""
        found = ""
        for number, column in enumerate(columns):
            cell = f"c{prefix}{number}"
            value = emitter.value(column.subject, block)
            for line in column.emit(cell, value, emitter.names):
                block.add(line)
            found += f"{cell}, "
        return found

    def masks(self, facts: Facts) -> tuple[int, list[int]]:
        """Return the node rules whose ambient parts are all TRUE, and those about GPUs, by GPU."""
        of_node, of_gpus = self._cells(
            facts.snapshot, facts.gpus, facts.node, facts.context, facts.rows, facts.node_row
        )
        mask = self._rules & self._node_switches.mask(facts.node_row)
        for column, cell in zip(self._of_node, of_node, strict=True):
            mask &= column.mask(cell)
        on_gpus, found = mask & self._on_gpus, list[int]()
        for place, cells in enumerate(of_gpus):
            here = self._gpu_switches.mask(facts.rows[place]) & on_gpus if self._gpu_switches else on_gpus
            for column, cell in zip(self._of_gpu, cells, strict=True):
                here &= column.mask(cell)
            found.append(here)
        return mask ^ on_gpus, found

    def mask(self, facts: Facts) -> int:
        """Return the rules whose ambient parts are all TRUE, on one GPU if they are about GPUs."""
        of_node, of_gpus = self.masks(facts)
        return reduce(or_, of_gpus, of_node)
