"""Partial evaluation: rules specialized to a snapshot, and the residual program that is left for each transfer.

A rule is split into the parts that the snapshot decides and those that look at transfer or workload. Where there are
many rules, both are looked up by the values that they compare with constants; what does not fit that is compiled, and
where it looks at transfer or workload run one by one behind a flag.

When some of many rules change, three things are taken from the specializer before, each a function of nothing but what
is compared: what a rule is to the indexes, of the rule; a column, of the conditions in it and their positions; and a
compiled function, of the rules in it and where their signals and windows are. A rule is the same only if it is the same
object.
"""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import TypeAlias

from gpurules.backends.ambient_index import AmbientIndex, AmbientRule, ambient_rule
from gpurules.backends.contextual_index import (
    MIN_SHARING,
    ContextualCells,
    ContextualIndex,
    IndexedRule,
    indexed_rule,
    select_indexable,
)
from gpurules.backends.emitter import Block, Emitter, NameSupply
from gpurules.backends.existential_rewrite import ExistentialRewrite
from gpurules.backends.facts import Facts, SlotKey, SlotLayout, slot_key
from gpurules.backends.python import GeneratedSource, RuleTerm, in_chunks, scope_of, set_bit, workload_lines
from gpurules.bitset import mask_of
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


class _RulePlan:
    """What one rule is to the indexes, worked out once."""

    __slots__ = ("_ambient", "_is_asked", "indexed", "rule")

    def __init__(self, rule: RuleTerm) -> None:
        self.rule = rule
        self.indexed: IndexedRule | None = indexed_rule(rule)
        self._ambient: AmbientRule | None = None
        self._is_asked = False

    @property
    def ambient(self) -> AmbientRule | None:
        """What a snapshot decides of it; None where that cannot be looked up."""
        if not self._is_asked:
            self._ambient, self._is_asked = ambient_rule(self.rule), True
        return self._ambient


_Bind: TypeAlias = Callable[..., tuple[int, int, Residual | None]]


class Specializer:
    """Rules compiled to be bound to snapshots. Immutable, for any thread.

    What can be looked up is: the parts of rules that a transfer decides in an index, those that the snapshot decides in
    how rules stand. All else is compiled; ``is_compiled`` says that there is any.
    """

    def __init__(
        self,
        rules: Sequence[RuleTerm],
        layout: SlotLayout | None = None,
        min_indexed: int = MIN_INDEXED,
        before: "Specializer | None" = None,
    ) -> None:
        """Compile *rules*; those that can be looked up are if they are at least *min_indexed*.

        If that many rules are compiled, "some GPU above a limit" is tested by the largest value. What is the same as
        *before* is taken from there.
        """
        self._layout, self._width = layout, len(rules)
        known = before if before is not None and (before._layout is None) is (layout is None) else None
        self._plans = _plans(rules, known)
        fitting = select_indexable({n: one.indexed for n, one in enumerate(self._plans) if one.indexed}, MIN_SHARING)
        indexed = fitting if len(fitting) >= min_indexed else {}
        self.index: ContextualIndex | None = (
            ContextualIndex(indexed, self._width, known.index if known else None) if indexed else None
        )
        self._indexed = mask_of(indexed, self._width)
        ambient = self._to_look_up(indexed)
        if len(ambient) < min_indexed:
            ambient = {}
        self._ambient_index: AmbientIndex | None = (
            AmbientIndex(ambient, self._width, layout, known._ambient_index if known else None) if ambient else None
        )
        rewrite = ExistentialRewrite(layout) if len(rules) - len(ambient) >= min_indexed else None
        self._functions: dict[object, _Bind] = {}
        self._binds: list[tuple[int, _Bind]] = []
        for first, chunk in in_chunks(rules):
            rest = {number: rule for number, rule in enumerate(chunk) if first + number not in ambient}
            if rest:
                open_ones = frozenset([number for number in rest if first + number in indexed])
                self._binds.append((first, self._compiled(rest, open_ones, rewrite, known)))
        self.is_compiled = bool(self._binds)
        if self.index is not None:
            names = NameSupply()
            source = self.index.source(names)
            self._cells: ContextualCells = GeneratedSource(source, names.bound).function("cells")

    def _to_look_up(self, indexed: Collection[int]) -> dict[int, AmbientRule]:
        """Return the rules, by position, where all that the snapshot decides can be looked up."""
        return {
            position: found
            for position, plan in enumerate(self._plans)
            if (position in indexed or not plan.rule.contextual)
            and (found := plan.ambient) is not None
            and (found.signal is None or self._layout is not None)
        }

    def _compiled(
        self,
        rules: Mapping[int, RuleTerm],
        open_ones: frozenset[int],
        rewrite: ExistentialRewrite | None,
        before: "Specializer | None",
    ) -> _Bind:
        """Return the function of *rules* by their bits, as it was *before* if nothing that it is made of changed."""
        places = [self._places(slot) for rule in rules.values() for slot in map(slot_key, rule.reads.derived)]
        key = tuple([(number, id(rule)) for number, rule in rules.items()]), open_ones, rewrite is None, tuple(places)
        function = before._functions.get(key) if before is not None else None
        if function is None:
            function = generate_specializer(rules, self._layout, open_ones, rewrite).function("bind")
        self._functions[key] = function
        return function

    def _places(self, slot: SlotKey) -> tuple[int | None, int | None]:
        """Return where a signal or window is in the rows of GPUs and of the node."""
        layout = self._layout
        return (None, None) if layout is None else (layout.gpu.get(slot), layout.node.get(slot))

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


def _plans(rules: Sequence[RuleTerm], before: Specializer | None) -> tuple[_RulePlan, ...]:
    """Return what each of *rules* is to the indexes; of a rule that was there *before* it is known."""
    known = {id(plan.rule): plan for plan in before._plans} if before is not None else {}
    return tuple([known.get(id(rule)) or _RulePlan(rule) for rule in rules])
