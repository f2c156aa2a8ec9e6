"""Partial evaluation: rules specialized to a snapshot, and the residual program that is left for each transfer.

A rule is split into the parts that the snapshot decides and those that look at transfer or workload. Where there are
many rules, both are looked up by the values that they compare with constants; what does not fit that is compiled, and
where it looks at transfer or workload run one by one behind a flag.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from gpurules.backends.ambient_index import AmbientIndex, ambient_parts
from gpurules.backends.contextual_index import (
    MIN_SHARING,
    ContextualCells,
    ContextualIndex,
    IndexedPart,
    indexed_parts,
    select_indexable,
)
from gpurules.backends.emitter import Block, Emitter, NameSupply
from gpurules.backends.existential_rewrite import ExistentialRewrite
from gpurules.backends.facts import Facts, SlotLayout
from gpurules.backends.python import GeneratedSource, RuleTerm, in_chunks, scope_of, set_bit, workload_lines
from gpurules.language.terms import ir
from gpurules.model import Transfer, Workload

MIN_INDEXED = 8
"""With fewer rules than that a flag for each is quicker than an index (``python benchmarks/scale.py``).

And with fewer, a loop over the GPUs for each is as quick as looking up how rules stand, or as values that they share.
"""

MIN_LOOKED_UP = 256
"""With fewer rules than that, and a snapshot that is asked about once, to run them is quicker than to look them up."""

MAX_REMEMBERED, MAX_REMEMBERED_BYTES = 4096, 1024 * 1024
"""How many masks are remembered for one snapshot, and how much memory those of many rules take."""

Residual: TypeAlias = Callable[[Transfer, Workload], int]
"""What is left of a program on one snapshot: from a transfer to the mask of matching rules."""


class _Source:
    """The two functions that ``bind`` is made of: what the snapshot decides, and the residual inside it."""

    def __init__(self, layout: SlotLayout | None, rewrite: ExistentialRewrite | None) -> None:
        self.names, self.layout, self.rewrite = NameSupply(), layout, rewrite
        self.ambient = Block("    ")
        self.residual = Block("        ", above=self.ambient)
        self.live: list[str] = []

    def add(self, rule: RuleTerm, bit: str, is_indexed: bool) -> None:
        """Emit one rule: decided now where it can be; else its index is asked, or the residual behind a flag."""
        parts, contextual = rule.parts, rule.contextual
        if rule.of_workload:
            inner = Block(self.residual.indent, above=self.residual)
            set_bit(self._emitter(inner, scope_of(rule)), rule, parts, (inner, f"x |= {bit}"))
            self.live.append("True")
            self.residual.lines += inner.lines
            return
        inner = Block(self.residual.indent + "    ", above=self.residual)
        emitter = Emitter(self.names, self.layout, lambda t: inner if ir.is_contextual(t) else self.ambient)
        if not contextual:
            self._decide_now(emitter, rule, parts, f"m |= {bit}")
            return
        if is_indexed:
            self._decide_now(emitter, rule, rule.ambient, f"a |= {bit}")
            return
        flag = self.names.fresh("f")
        self.live.append(flag)
        self.ambient.add(f"{flag} = False")
        self._decide_now(emitter, rule, rule.ambient, f"{flag} = True")
        if any(ir.is_per_gpu(p) for p in contextual):
            set_bit(emitter, rule, parts, (inner, f"x |= {bit}"))
        else:
            tests = " and ".join([emitter.holds(p, inner) for p in contextual])
            inner.lines += [f"{inner.indent}if {tests}:", f"{inner.indent}    x |= {bit}"]
        self.residual.lines += [f"{self.residual.indent}if {flag}:", *inner.lines]

    def _decide_now(self, emitter: Emitter, rule: RuleTerm, parts: Sequence[ir.Term], line: str) -> None:
        """Emit: run *line* where all *parts* hold, which the snapshot decides."""
        if self.rewrite is not None:
            rule, parts = self.rewrite.rewrite(rule, parts)
        set_bit(emitter, rule, parts, (self.ambient, line))

    def _emitter(self, block: Block, scope: tuple[str, str]) -> Emitter:
        return Emitter(self.names, self.layout, lambda _: block, scope)

    def text(self) -> str:
        """Return the source of ``bind``."""
        lines = ["def bind(s, gpus, n, z, rows, nr):", "    m = a = 0", *self.ambient.lines]
        if self.live:
            lines += [f"    if not ({' or '.join(self.live)}):", "        return m, a, None"]
            lines += ["    def residual(t, w):", "        x = m", *self.residual.lines, "        return x"]
        return "\n".join([*lines, f"    return m, a, {'residual' if self.live else 'None'}", ""])


def generate_specializer(
    rules: Mapping[int, RuleTerm],
    layout: SlotLayout | None,
    indexed: Collection[int] = (),
    rewrite: ExistentialRewrite | None = None,
) -> GeneratedSource:
    """Return the source of ``bind(…)``: decides what the snapshot decides, and returns two masks and a residual.

    *rules*, and those of them that are *indexed*, are known by their bits. The first mask has the rules that are TRUE,
    the second those among *indexed* that are if the index says so. The residual is a function of transfer and workload
    that gives the first mask and all other rules that are TRUE; None where nothing depends on them.
    """
    source = _Source(layout, rewrite)
    workload_lines(rules.values(), source.residual)
    for number, rule in rules.items():
        source.add(rule, source.names.bind(1 << number), number in indexed)
    return GeneratedSource(source.text(), source.names.bound)


class Specializer:
    """Rules compiled to be bound to snapshots. Immutable, for any thread.

    What can be looked up is: the parts of rules that a transfer decides in an index, those that the snapshot decides in
    how rules stand. All else is compiled; ``is_compiled`` says that there is any.
    """

    def __init__(
        self, rules: Sequence[RuleTerm], layout: SlotLayout | None = None, min_indexed: int = MIN_INDEXED
    ) -> None:
        """Compile *rules*; those that can be looked up are if they are at least *min_indexed*.

        If that many rules are compiled, "some GPU above a limit" is tested by the largest value.
        """
        fitting: Mapping[int, Sequence[IndexedPart]] = {
            position: parts for position, rule in enumerate(rules) if (parts := indexed_parts(rule))
        }
        fitting = select_indexable(fitting, MIN_SHARING)
        indexed = fitting if len(fitting) >= min_indexed else {}
        listed = [(position, part, of) for position, parts in indexed.items() for part, of in parts]
        self.index = ContextualIndex(listed, len(rules)) if indexed else None
        ambient = {
            position: (rule, found)
            for position, rule in enumerate(rules)
            if (position in indexed or not rule.contextual) and (found := ambient_parts(rule, layout)) is not None
        }
        if len(ambient) < min_indexed:
            ambient = {}
        self._ambient_index = AmbientIndex(ambient, len(rules), layout) if ambient else None
        self._width = len(rules)
        self._indexed = _mask_of(indexed, self._width)
        rewrite = ExistentialRewrite(layout) if len(rules) - len(ambient) >= min_indexed else None
        self._binds: list[tuple[int, Callable[..., Any]]] = []
        for first, chunk in in_chunks(rules):
            rest = {number: rule for number, rule in enumerate(chunk) if first + number not in ambient}
            if rest:
                open_ones = {number for number in rest if first + number in indexed}
                function = generate_specializer(rest, layout, open_ones, rewrite).function("bind")
                self._binds.append((first, function))
        self.is_compiled = bool(self._binds)
        if self.index is not None:
            names = NameSupply()
            source = self.index.source(names)
            self._cells: ContextualCells = GeneratedSource(source, names.bound).function("cells")

    def specialize(self, facts: Facts) -> tuple[int, Residual | None]:
        """Return the mask of the rules that are TRUE on *facts* whatever the transfer, and the residual.

        Missing: the residual is None where nothing depends on transfer and workload.
        """
        found = 0 if self._ambient_index is None else self._ambient_index.mask(facts)
        active = found & self._indexed
        base = found ^ active
        residuals: list[tuple[int, Residual]] = []
        for first, function in self._binds:
            settled, open_ones, residual = function(
                facts.snapshot, facts.gpus, facts.node, facts.context, facts.rows, facts.node_row
            )
            base |= settled << first
            active |= open_ones << first
            if residual is not None:
                residuals.append((first, residual))
        if active:
            return base, self._looked_up(facts, base, active, residuals)
        if not residuals:
            return base, None
        if len(self._binds) == 1 and not found:
            return base, residuals[0][1]
        return base, _joined(base, residuals)

    def _looked_up(self, facts: Facts, base: int, active: int, residuals: list[tuple[int, Residual]]) -> Residual:
        """Return the residual that asks the index which of the *active* rules are TRUE, and runs the others."""
        index, cells, snapshot, context = self.index, self._cells, facts.snapshot, facts.context
        assert index is not None
        remembered: dict[tuple[Hashable, ...], int] = {}
        most = min(MAX_REMEMBERED, 8 * MAX_REMEMBERED_BYTES // self._width)

        def indexed(transfer: Transfer, workload: Workload) -> int:
            key = cells(snapshot, transfer, workload, context)
            mask = remembered.get(key)
            if mask is None:
                if len(remembered) >= most:
                    remembered.clear()
                mask = remembered[key] = base | index.mask(key, active)
            return mask

        return _joined(base, [(0, indexed), *residuals]) if residuals else indexed


def _joined(base: int, residuals: list[tuple[int, Residual]]) -> Residual:
    """Return one function that gives the mask of all chunks."""

    def joined(transfer: Transfer, workload: Workload) -> int:
        mask = base
        for first, residual in residuals:
            mask |= residual(transfer, workload) << first
        return mask

    return joined


def _mask_of(positions: Iterable[int], width: int) -> int:
    """Return the mask of *positions*, all below *width*."""
    bits = bytearray(width // 8 + 1)
    for position in positions:
        bits[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(bits, "little")
