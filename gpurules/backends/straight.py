"""Rules as one function that decides all of them, with nothing prepared: for a snapshot that is asked about once.

It passes over the GPUs once for all that "some GPU has x > c" needs: the largest and smallest values.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any, TypeAlias

from gpurules.backends.emitter import Block, Emitter, NameSupply
from gpurules.backends.existential_rewrite import ExistentialRewrite
from gpurules.backends.facts import SlotLayout
from gpurules.backends.python import (
    PARAMETERS,
    GeneratedSource,
    RuleTerm,
    in_chunks,
    scope_of,
    set_bit,
    workload_lines,
)
from gpurules.fields import Field, Scope
from gpurules.language.terms import ir

MaskFunction: TypeAlias = Callable[..., int]


def generate_mask(
    rules: Sequence[RuleTerm], layout: SlotLayout | None, ending: Sequence[str] = ("return m",)
) -> GeneratedSource:
    """Return the source of ``mask(…)``: an integer with the bit of each TRUE rule.

    *ending* is what is done with it, ``m``, instead of returning it.
    """
    names, body = NameSupply(), Block("    ")
    body.add("m = 0")
    workload_lines(rules, body)
    rewrite = ExistentialRewrite(layout)
    rewritten = [(rule, rule.parts) if rule.of_workload else rewrite.rewrite(rule, rule.parts) for rule in rules]
    parts = [part for _, listed in rewritten for part in listed]
    _emit_extremes(rewrite.extremes, parts, Emitter(names, layout, lambda _: body), body)
    rule_writer = _RuleWriter(names, layout, body, _shared_fields([listed for _, listed in rewritten]))
    for number, (rule, listed) in enumerate(rewritten):
        line = f"m |= {names.bind(1 << number)}"
        if rule.per_gpu or rule.of_workload:
            set_bit(Emitter(names, layout, lambda _: body, scope_of(rule)), rule, listed, (body, line))
        else:
            rule_writer.add(listed, line)
    for line in ending:
        body.add(line)
    return GeneratedSource("\n".join([f"def mask({PARAMETERS}):", *body.lines, ""]), names.bound)


def _shared_fields(rules: Iterable[Sequence[ir.Term]]) -> frozenset[Field]:
    """Return the fields that more than one rule reads."""
    uses = Counter(field for parts in rules for field in {field for part in parts for field in ir.fields(part)})
    return frozenset([field for field, count in uses.items() if count > 1])


def _emit_extremes(extremes: Iterable[ir.Aggregate], parts: Sequence[ir.Term], emitter: Emitter, body: Block) -> None:
    """Emit one loop that finds all *extremes*, and make their variables known.

    Each starts just beyond the limit in *parts* that is reached first: what is further off makes no difference.
    """
    limits: dict[int, list[float]] = {}
    for part in parts:
        if isinstance(part, ir.Compare) and isinstance(part.operands[-1], ir.Constant):
            limit = part.operands[-1].value
            if isinstance(limit, int | float):
                limits.setdefault(id(part.operands[0]), []).append(limit)
    head, loop = emitter.loop(body)
    starts: list[str] = []
    for extreme in extremes:
        name, value = emitter.names.fresh("x"), emitter.value(extreme.operand, loop)
        is_largest = extreme.function == "max"
        start = _start(extreme, limits[id(extreme)])
        test = f"{value} {'>' if is_largest else '<'} {name}"
        starts.append(f"{name} = {emitter.names.bind(start)}")
        loop.add(f"if {value} is not None and {test}:")
        loop.add(f"    {name} = {value}")
        emitter.know(extreme, name, body)
    if starts:
        body.lines += [body.indent + line for line in [*starts, head]] + loop.lines


def _start(extreme: ir.Aggregate, limits: Sequence[float]) -> float:
    """Return a value just beyond the first of *limits*: a float, if readings are, since those compare faster."""
    is_ratio = isinstance(extreme.operand, ir.Read) and extreme.operand.field.name == "gpu_memory"
    if extreme.function == "max":
        first = min(limits)
        start = float(first - 1) if is_ratio else first - 1
        return start if start < first else -inf
    first = max(limits)
    start = float(first + 1) if is_ratio else first + 1
    return start if start > first else inf


def _always(block: Block) -> Callable[[ir.Term], Block]:
    return lambda _: block


class _RuleWriter:
    """Emits rules that are not about single GPUs; what one alone reads is read where the parts before it are TRUE."""

    def __init__(self, names: NameSupply, layout: SlotLayout | None, body: Block, shared: frozenset[Field]) -> None:
        self._names, self._layout, self._body, self._shared = names, layout, body, shared

    def add(self, parts: Sequence[ir.Term], line: str) -> None:
        """Emit: run *line* where all *parts* hold."""
        place, own, tests = Block(self._body.indent, above=self._body), list[str](), list[str]()
        for part in sorted(parts, key=self._cost):
            inner = Block(place.indent + ("    " if tests else ""), above=place)
            home = inner if self._shared.isdisjoint(ir.fields(part)) else self._body
            test = Emitter(self._names, self._layout, _always(home)).holds(part, home)
            if inner.lines:
                if tests:
                    own.append(f"{place.indent}if {' and '.join(tests)}:")
                own += inner.lines
                place, tests = inner, []
            tests.append(test)
        self._body.lines += [*own, f"{place.indent}if {' and '.join(tests) or 'True'}:", f"{place.indent}    {line}"]

    def _cost(self, part: ir.Term) -> int:
        """Return when a part is tested: first what is at hand, then attributes, then all else."""
        inside = [*ir.walk(part)]
        if any(id(term) in self._names.present for term in inside):
            return 0
        is_read = all(isinstance(term, ir.Compare | ir.Constant | ir.Read) for term in inside)
        return 1 if is_read and all(field.scope is not Scope.NODE for field in ir.fields(part)) else 2


def mask_functions(rules: Sequence[RuleTerm], layout: SlotLayout | None) -> list[tuple[int, MaskFunction]]:
    """Return functions of the facts, each with its first rule: bit 0 of what it returns says whether that is TRUE."""
    return [(first, generate_mask(chunk, layout).function("mask")) for first, chunk in in_chunks(rules)]


def decision_function(rules: Sequence[RuleTerm], ending: Sequence[str], constants: Mapping[str, object]) -> Any:
    """Return a function of the facts that finds the mask ``m`` and then runs *ending*, which may use *constants*."""
    generated = generate_mask(rules, None, ending)
    return GeneratedSource(generated.source, {**generated.constants, **constants}).function("mask")
