"""Rules as one function that decides all of them, with nothing prepared: for a snapshot that is asked about once.

It passes over the GPUs once for all that "some GPU has x > c" needs: the largest and smallest values. Nodes have the
same number of GPUs in every snapshot, and nearly always all readings: for that case there is no loop.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple, TypeAlias

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
from gpurules.model import BOOL

MaskFunction: TypeAlias = Callable[..., int]

_EXACT = 2**53
"""Smaller integers are floats exactly."""

MAX_UNROLLED = 64
"""How many readings a function compares one by one, instead of in a loop over the GPUs."""


def generate_mask(rules: Sequence[RuleTerm], layout: SlotLayout | None) -> GeneratedSource:
    """Return the source of ``mask(…)``: an integer with the bit of each TRUE rule."""
    names, body = NameSupply(), Block("    ")
    _emit_mask(rules, layout, names, body)
    body.add("return m")
    return GeneratedSource("\n".join([f"def mask({PARAMETERS}):", *body.lines, ""]), names.bound)


def _emit_mask(
    rules: Sequence[RuleTerm], layout: SlotLayout | None, names: NameSupply, body: Block, gpus: int = 0
) -> None:
    """Emit the lines that find the mask ``m``; those for *gpus* GPUs all of whose readings are present, if not 0."""
    body.add("m = 0")
    workload_lines(rules, body)
    rewrite = ExistentialRewrite(layout)
    rewritten = [(rule, rule.parts) if rule.of_workload else rewrite.rewrite(rule, rule.parts) for rule in rules]
    parts = [part for _, listed in rewritten for part in listed]
    emitter = Emitter(names, layout, lambda _: body)
    lines = [f"m |= {names.bind(1 << number)}" for number in range(len(rules))]
    limits = _limits(rewrite.extremes, parts)
    if gpus:
        alone = {
            id(listed[0]): line
            for (rule, listed), line in zip(rewritten, lines, strict=True)
            if len(listed) == 1 and not rule.of_workload
        }
        tests = _emit_unrolled(limits, gpus, (emitter, body), alone)
    else:
        alone, tests = {}, {}
        _emit_extremes(limits, emitter, body)
    rule_writer = _RuleWriter(names, layout, body, _shared_fields([listed for _, listed in rewritten]))
    for (rule, listed), line in zip(rewritten, lines, strict=True):
        if rule.per_gpu or rule.of_workload:
            set_bit(Emitter(names, layout, lambda _: body, scope_of(rule)), rule, listed, (body, line))
        elif id(listed[0]) not in alone or id(listed[0]) not in tests:
            rule_writer.add([tests.get(id(part), part) for part in listed], line)


def _shared_fields(rules: Iterable[Sequence[ir.Term]]) -> frozenset[Field]:
    """Return the fields that more than one rule reads."""
    uses = Counter(field for parts in rules for field in {field for part in parts for field in ir.fields(part)})
    return frozenset([field for field, count in uses.items() if count > 1])


class _Limits(NamedTuple):
    """An extreme, and the conditions on it: the one that is reached first comes first."""

    extreme: ir.Aggregate
    tests: list[tuple[float, ir.Compare]]

    @property
    def sign(self) -> str:
        """How values compare that are further out."""
        return ">" if self.extreme.function == "max" else "<"

    @property
    def attribute(self) -> str:
        """The attribute of a GPU that the extreme is of; empty if it is not just that."""
        operand = self.extreme.operand
        is_plain = isinstance(operand, ir.Read) and operand.field.scope is Scope.GPU and not operand.field.declared
        return operand.field.attribute if isinstance(operand, ir.Read) and is_plain else ""

    @property
    def is_of_floats(self) -> bool:
        """Whether all values are floats, which compare faster with floats; and the limits can be that as well."""
        operand = self.extreme.operand
        is_ratio = isinstance(operand, ir.Read) and operand.field.name == "gpu_memory"
        return is_ratio and all(abs(limit) < _EXACT for limit, _ in self.tests)

    @property
    def start(self) -> float:
        """A value just beyond the first limit. What is further off makes no difference."""
        first, step = self.tests[0][0], 1.0 if self.is_of_floats else 1
        if self.sign == ">":
            return first - step if first - step < first else -inf
        return first + step if first + step > first else inf


def _limits(extremes: Iterable[ir.Aggregate], parts: Iterable[ir.Term]) -> list[_Limits]:
    """Return each of *extremes* with its conditions in *parts*."""
    found = {id(extreme): _Limits(extreme, []) for extreme in extremes}
    for part in parts:
        if isinstance(part, ir.Compare) and id(part.operands[0]) in found:
            limit = part.operands[-1]
            assert isinstance(limit, ir.Constant) and isinstance(limit.value, int | float)
            found[id(part.operands[0])].tests.append((limit.value, part))
    for limits in found.values():
        is_largest = limits.sign == ">"
        limits.tests.sort(key=lambda test: (test[0] if is_largest else -test[0], len(test[1].comparators[0].value) < 2))
    return [*found.values()]


def _emit_extremes(listed: Iterable[_Limits], emitter: Emitter, body: Block) -> None:
    """Emit one loop that finds all extremes, and make their variables known."""
    head, loop = emitter.loop(body)
    for limits in listed:
        name, value = emitter.names.fresh("x"), emitter.value(limits.extreme.operand, loop)
        body.add(f"{name} = {emitter.names.bind(limits.start)}")
        loop.add(f"if {value} is not None and {value} {limits.sign} {name}:")
        loop.add(f"    {name} = {value}")
        emitter.know(limits.extreme, name, body)
    if loop.lines:
        body.lines += [body.indent + head, *loop.lines]


def _emit_unrolled(
    listed: Iterable[_Limits], gpus: int, place: tuple[Emitter, Block], alone: Mapping[int, str]
) -> dict[int, ir.Term]:
    """Emit tests without a loop, for *gpus* GPUs none of whose readings is missing; if that is not so, ``_misfit``.

    *alone* are the lines to run where a condition holds, by its identity. Return, by the identity of each condition on
    an extreme, what is known instead.
    """
    (emitter, body), known = place, dict[int, ir.Term]()
    inner = Block(body.indent + "    ", above=body)
    variables = [emitter.names.fresh("g") for _ in range(gpus)]
    inner.add(f"({', '.join(variables)},) = gpus")
    for limits in listed:
        here, tested = inner, set[tuple[float, str]]()
        for limit, part in limits.tests:
            comparator = part.comparators[0].value
            if (limit, comparator) not in tested:  # and nothing is, within this one, that a looser one rules out
                tested.add((limit, comparator))
                bound = emitter.names.bind(float(limit) if limits.is_of_floats else limit)
                compared = f"{limits.attribute} {comparator} {bound}"
                here.add(f"if {' or '.join([f'{variable}.{compared}' for variable in variables])}:")
                here = Block(here.indent + "    ", lines=here.lines)
            known[id(part)] = ir.Aggregate("any", part, BOOL)
            if id(part) in alone:
                here.add(alone[id(part)])
                continue
            name = emitter.names.fresh("b")
            here.add(f"{name} = True")
            body.add(f"{name} = False")
            emitter.know(known[id(part)], name, body)
    body.add("try:")
    body.lines += inner.lines
    body.add("except _misfits:")
    body.add("    return _misfit(s, t, w, n)")
    return known


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


class FunctionFrame(NamedTuple):
    """What stands around the search for the mask: the head of a function, lines before and after, and constants.

    Lines before set ``s t w n``: snapshot, transfer, workload, and facts of the node. Those after use them and ``m``.
    ``z``, the context, is one of the constants.
    """

    head: str
    before: Sequence[str]
    after: Sequence[str]
    constants: Mapping[str, object]


def framed_function(rules: Sequence[RuleTerm], frame: FunctionFrame, gpus: int = 0) -> Any:
    """Return the function *frame* with the mask of *rules* found in it.

    With *gpus* it is for that number of GPUs, all with all readings; on others it returns what ``_misfit``, one of
    the constants, gives for ``s t w n``.
    """
    names, body = NameSupply(), Block("    ")
    for line in (*frame.before, "gpus = s.gpus"):
        body.add(line)
    _emit_mask(rules, None, names, body, gpus)
    for line in frame.after:
        body.add(line)
    constants = {"_misfits": _MISFITS, "rows": (), **names.bound, **frame.constants}
    source = "\n".join([f"def {frame.head}:", *body.lines, ""])
    return GeneratedSource(source, constants).function(frame.head.partition("(")[0])


_MISFITS = (TypeError, ValueError)
"""What Python raises where a missing reading is compared, and where there are more GPUs or fewer."""


def can_unroll(rules: Sequence[RuleTerm], gpus: int) -> bool:
    """Return whether a function for exactly this number of GPUs is any faster, and not too long."""
    rewrite = ExistentialRewrite(None)
    parts = [part for r in rules if not r.of_workload for part in rewrite.rewrite(r, r.parts)[1]]
    limits = _limits(rewrite.extremes, parts)
    readings = gpus * sum(len(listed.tests) for listed in limits)
    return 0 < readings <= MAX_UNROLLED and all(listed.attribute for listed in limits)
