"""The generated-Python back end: conditions and whole rulesets as functions, the ones that run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, TypeAlias

from gpurules.backends.backend import Result, over_gpus
from gpurules.backends.emitter import RUNTIME, Block, Emitter, Names
from gpurules.backends.facts import Facts, Layout
from gpurules.language import ir
from gpurules.language.lowering import lower
from gpurules.model import Truth

CHUNK = 400
_PARAMETERS = "s, gpus, t, w, n, z, rows, nr"


@dataclass(frozen=True, slots=True)
class RuleTerm:
    """What a rule is to this back end: a condition, whether it is per GPU, and whether only on the workload's GPUs."""

    term: ir.Term
    per_gpu: bool
    of_workload: bool = False


@dataclass(frozen=True, slots=True)
class Generated:
    """Source that was generated, with the constants it is bound to."""

    source: str
    constants: Mapping[str, object]

    def function(self, name: str) -> Any:
        """Return the function *name* of the source."""
        code: CodeType = compile(self.source, "<gpurules>", "exec", dont_inherit=True)
        namespace: dict[str, object] = {"__builtins__": _BUILTINS, **RUNTIME, **self.constants}
        exec(code, namespace)
        return namespace[name]


_BUILTINS = {"zip": zip, "range": range, "len": len}

Truths: TypeAlias = Callable[..., list[Truth]]
MaskFunction: TypeAlias = Callable[..., int]


def arguments(facts: Facts) -> tuple[Any, ...]:
    """Return *facts* as the arguments of a generated function."""
    return (
        facts.snapshot,
        facts.gpus,
        facts.transfer,
        facts.workload,
        facts.node,
        facts.situation,
        facts.rows,
        facts.node_row,
    )


def generate_truths(term: ir.Term, per_gpu: bool, layout: Layout | None) -> Generated:
    """Return the source of ``truths(…)``: a condition's value for each GPU (or, if not per GPU, one)."""
    names, body = Names(), Block("    ")
    emitter = Emitter(names, layout, lambda _: body)
    lowered = lower(term)
    if per_gpu:
        head, loop = emitter.loop(body)
        true, false = emitter.holds(lowered, loop), emitter.holds(lowered, loop, False)
        loop.add(f"out.append(True if {true} else False if {false} else None)")
        body.add("out = []")
        body.add(head)
        body.lines += loop.lines
        body.add("return out")
    else:
        true, false = emitter.holds(lowered, body), emitter.holds(lowered, body, False)
        body.add(f"return [True if {true} else False if {false} else None]")
    return Generated("\n".join([f"def truths({_PARAMETERS}):", *body.lines, ""]), names.bound)


def truths_function(term: ir.Term, per_gpu: bool, layout: Layout | None) -> Truths:
    """Return a function of the facts that gives the value of a condition for each GPU, or one value."""
    function: Truths = generate_truths(term, per_gpu, layout).function("truths")
    return function


class PythonBackEnd:
    """Evaluates by generated Python."""

    name = "python"

    def evaluate(self, term: ir.Term, per_gpu: bool, facts: Facts) -> Result:
        """Return the value of the condition *term*; compiles anew at each call."""
        return result_of(truths_function(term, per_gpu, facts.layout), per_gpu, facts)


def result_of(truths: Truths, per_gpu: bool, facts: Facts) -> Result:
    """Return what a compiled condition comes to on *facts*."""
    found = truths(*arguments(facts))
    if not per_gpu:
        return Result(found[0])
    return over_gpus(found, facts.gpus)


def _scope(rule: RuleTerm) -> tuple[str, str]:
    return ("wg", "wr") if rule.of_workload else ("gpus", "rows")


def _workload_lines(rules: Sequence[RuleTerm], block: Block) -> None:
    if any(rule.of_workload for rule in rules):
        block.add("wi = [i for i in range(len(gpus)) if gpus[i].index in w.gpu_devices]")
        block.add("wg = [gpus[i] for i in wi]")
        block.add("wr = [rows[i] for i in wi] if rows else []")


def _parts(term: ir.Term) -> tuple[ir.Term, ...]:
    return term.parts if isinstance(term, ir.And) else (term,)


def _set_bit(emitter: Emitter, rule: RuleTerm, parts: Sequence[ir.Term], action: tuple[Block, str]) -> None:
    """Emit into a block: run the line *action* where all *parts* of a rule are TRUE (on one GPU, if it is per GPU)."""
    block, line = action
    shared = [p for p in parts if not ir.is_per_gpu(p)]
    tests = [emitter.holds(p, block) for p in shared]
    if not rule.per_gpu:
        block.add(f"if {' and '.join(tests) or 'True'}:")
        block.add(f"    {line}")
        return
    around = Block(block.indent + ("    " if tests else ""), above=block)
    head, loop = emitter.loop(around)
    own = [emitter.holds(p, loop) for p in parts if ir.is_per_gpu(p)]
    if tests:
        block.add(f"if {' and '.join(tests)}:")
    block.lines += [around.indent + head, *loop.lines]
    block.lines.append(f"{loop.indent}if {' and '.join(own) or 'True'}:")
    block.lines += [f"{loop.indent}    {line}", f"{loop.indent}    break"]


def generate_mask(rules: Sequence[RuleTerm], first: int, layout: Layout | None) -> Generated:
    """Return the source of ``mask(…)``: an integer with the bit of each TRUE rule, counted from *first*."""
    names, body = Names(), Block("    ")
    body.add("m = 0")
    _workload_lines(rules, body)
    for number, rule in enumerate(rules, start=first):
        emitter = Emitter(names, layout, lambda _: body, _scope(rule))
        _set_bit(emitter, rule, _parts(lower(rule.term)), (body, f"m |= {names.bind(1 << number)}"))
    return Generated("\n".join([f"def mask({_PARAMETERS}):", *body.lines, "    return m", ""]), names.bound)


class _Binding:
    """The two functions that ``bind`` is made of: what the snapshot decides, and the residual inside it."""

    def __init__(self, layout: Layout | None) -> None:
        self.names, self.layout = Names(), layout
        self.ambient = Block("    ")
        self.residual = Block("        ", above=self.ambient)
        self.live: list[str] = []

    def add(self, rule: RuleTerm, bit: str) -> None:
        """Emit one rule: decided now where it can be, else in the residual, behind a flag for what is decided now."""
        parts = _parts(lower(rule.term))
        contextual = [p for p in parts if ir.is_contextual(p)]
        if rule.of_workload:
            inner = Block(self.residual.indent, above=self.residual)
            _set_bit(self._emitter(inner, _scope(rule)), rule, parts, (inner, f"x |= {bit}"))
            self.live.append("True")
            self.residual.lines += inner.lines
            return
        inner = Block(self.residual.indent + "    ", above=self.residual)
        emitter = Emitter(self.names, self.layout, lambda t: inner if ir.is_contextual(t) else self.ambient)
        if not contextual:
            _set_bit(emitter, rule, parts, (self.ambient, f"m |= {bit}"))
            return
        flag = self.names.fresh("f")
        self.live.append(flag)
        self.ambient.add(f"{flag} = False")
        settled = [p for p in parts if not ir.is_contextual(p)]
        _set_bit(emitter, rule, settled, (self.ambient, f"{flag} = True"))
        if any(ir.is_per_gpu(p) for p in contextual):
            _set_bit(emitter, rule, parts, (inner, f"x |= {bit}"))
        else:
            tests = " and ".join([emitter.holds(p, inner) for p in contextual])
            inner.lines += [f"{inner.indent}if {tests}:", f"{inner.indent}    x |= {bit}"]
        self.residual.lines += [f"{self.residual.indent}if {flag}:", *inner.lines]

    def _emitter(self, block: Block, scope: tuple[str, str]) -> Emitter:
        return Emitter(self.names, self.layout, lambda _: block, scope)

    def source(self) -> str:
        """Return the source of ``bind``."""
        lines = ["def bind(s, gpus, n, z, rows, nr):", "    m = 0", *self.ambient.lines]
        if self.live:
            lines += [f"    if not ({' or '.join(self.live)}):", "        return m, None"]
            lines += ["    def residual(t, w):", "        x = m", *self.residual.lines, "        return x"]
        return "\n".join([*lines, f"    return m, {'residual' if self.live else 'None'}", ""])


def generate_bind(rules: Sequence[RuleTerm], first: int, layout: Layout | None) -> Generated:
    """Return the source of ``bind(…)``: decides what the snapshot decides, and returns that mask and a residual.

    The residual is a function of transfer and workload that gives the whole mask; None where nothing depends on them.
    """
    binding = _Binding(layout)
    _workload_lines(rules, binding.residual)
    for number, rule in enumerate(rules, start=first):
        binding.add(rule, binding.names.bind(1 << number))
    return Generated(binding.source(), binding.names.bound)


def _chunks(rules: Sequence[RuleTerm]) -> list[tuple[int, Sequence[RuleTerm]]]:
    return [(first, rules[first : first + CHUNK]) for first in range(0, len(rules), CHUNK)]


def mask_functions(rules: Sequence[RuleTerm], layout: Layout | None) -> list[MaskFunction]:
    """Return functions of the facts whose results, joined by OR, have the bit of every rule that is TRUE."""
    return [generate_mask(chunk, first, layout).function("mask") for first, chunk in _chunks(rules)]


def bind_functions(rules: Sequence[RuleTerm], layout: Layout | None) -> list[Callable[..., Any]]:
    """Return functions ``bind(s, gpus, n, z, rows, nr)``, one for each chunk of rules."""
    return [generate_bind(chunk, first, layout).function("bind") for first, chunk in _chunks(rules)]
