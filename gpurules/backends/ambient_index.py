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
from operator import or_
from typing import Any, TypeAlias

from gpurules.backends.bitmap_columns import Column, SubjectTerm, columns_of, subject_of
from gpurules.backends.emitter import Block, Emitter, NameSupply
from gpurules.backends.facts import Facts, SlotLayout, slot_key
from gpurules.backends.python import GeneratedSource, RuleTerm
from gpurules.language.terms import ir
from gpurules.model import Value

AmbientCells: TypeAlias = Callable[..., tuple[tuple[Any, ...], list[tuple[Any, ...]]]]
"""A function of ``s, gpus, n, z, rows, nr``: the cells of what the node has, and for each GPU of what it has."""

AmbientPart: TypeAlias = tuple[ir.Term, SubjectTerm | ir.Signal]


def ambient_parts(rule: RuleTerm, layout: SlotLayout | None) -> tuple[AmbientPart, ...] | None:
    """Return the parts of a rule that a snapshot decides, if they can all be looked up; else None."""
    if rule.of_workload:
        return None
    found: list[AmbientPart] = []
    signals = 0
    for part in rule.ambient:
        if isinstance(part, ir.Signal):
            signals += 1
            found.append((part, part))
            continue
        of = subject_of(part)
        if of is None:
            return None
        found.append((part, of))
    return None if signals > 1 or (signals and layout is None) else tuple(found)


class _Switches:
    """Signals in one kind of row, and the rules that each is needed by; no rule needs two."""

    def __init__(self, places: Mapping[int, int], width: int) -> None:
        """Take, for each place in the row, the mask of rules that need the signal there to be on."""
        self._places, self._rules = tuple(places), tuple(places.values())
        self._free = (1 << width) - 1 - reduce(or_, self._rules, 0)

    def mask(self, row: Sequence[Value]) -> int:
        """Return the rules that no signal rules out."""
        return reduce(or_, compress(self._rules, [row[place] for place in self._places]), self._free)


class AmbientIndex:
    """Columns for what readings decide, and switches for signals. Immutable, for any thread."""

    def __init__(
        self, rules: Mapping[int, tuple[RuleTerm, tuple[AmbientPart, ...]]], width: int, layout: SlotLayout | None
    ) -> None:
        """Index *rules* by position (of *width*); for each there are ``standing_parts``."""
        self._layout, self._width = layout, width
        self._rules = self._on_gpus = 0
        readings: dict[bool, list[tuple[int, ir.Term, SubjectTerm]]] = {False: [], True: []}
        switches: dict[bool, dict[int, int]] = {False: {}, True: {}}
        for position, (rule, parts) in rules.items():
            bit, own = 1 << position, [(part, of) for part, of in parts if ir.is_per_gpu(part)]
            is_node_enough = len(own) == 1 and own[0][1] is own[0][0] and self._is_in_node_row(own[0][1])
            is_on_gpus = rule.per_gpu and not is_node_enough
            self._rules |= bit
            self._on_gpus |= bit if is_on_gpus else 0
            for part, of in parts:
                per_gpu = is_on_gpus and ir.is_per_gpu(part)
                if isinstance(of, ir.Signal):
                    place = self._place(of, per_gpu)
                    switches[per_gpu][place] = switches[per_gpu].get(place, 0) | bit
                else:
                    readings[per_gpu].append((position, part, of))
        self._of_node, self._of_gpu = (tuple(columns_of(readings[per_gpu], width)) for per_gpu in (False, True))
        self._node_switches, self._gpu_switches = (_Switches(switches[per_gpu], width) for per_gpu in (False, True))
        self._has_gpu_switches = bool(switches[True])
        names = NameSupply()
        self._cells: AmbientCells = GeneratedSource(self.source(names), names.bound).function("cells")

    def _is_in_node_row(self, of: SubjectTerm | ir.Signal) -> bool:
        """Return whether the row of the node says of a signal that it is on for some GPU."""
        return isinstance(of, ir.Signal) and self._layout is not None and slot_key(of) in self._layout.node

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
            here = self._gpu_switches.mask(facts.rows[place]) & on_gpus if self._has_gpu_switches else on_gpus
            for column, cell in zip(self._of_gpu, cells, strict=True):
                here &= column.mask(cell)
            found.append(here)
        return mask ^ on_gpus, found

    def mask(self, facts: Facts) -> int:
        """Return the rules whose ambient parts are all TRUE, on one GPU if they are about GPUs."""
        of_node, of_gpus = self.masks(facts)
        return reduce(or_, of_gpus, of_node)
