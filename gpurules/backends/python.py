"""The generated-Python back end: conditions and whole rulesets as functions, the ones that run."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import CodeType
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

from gpurules.backends.backend import Result, over_gpus
from gpurules.backends.emitter import RUNTIME, Block, Emitter, NameSupply
from gpurules.backends.facts import Facts, SlotLayout
from gpurules.fields import AMBIENT, Scope
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import lower
from gpurules.model import Truth

CHUNK = 400
MAX_CODES = 256
"""How many pieces of compiled source are kept for equivalent rules (50 KB each at the very most)."""

PARAMETERS = "s, gpus, t, w, n, z, rows=(), nr=()"


CLOCK = "telemetry_age"
"""The field that says how old the telemetry is."""


class Reads(NamedTuple):
    """What a condition reads.

    ``derived`` are its signals and windows, which are in rows of derived state; ``node`` the fields of the node that it
    reads of this instant, windows left out; ``is_contextual`` says that it reads a transfer or workload.
    """

    derived: tuple[ir.Signal | ir.Window, ...]
    node: frozenset[str]
    is_contextual: bool
    reads_clock: bool


_USUAL = {one: one for one in (Reads((), frozenset(), is_contextual, False) for is_contextual in (False, True))}
"""What most conditions read, kept once."""


@dataclass(frozen=True)
class RuleTerm:
    """What a rule is to this back end: a condition, whether it is per GPU, and whether only on the workload's GPUs.

    What is worked out of it is kept, and is there again for a program that takes it over from another one.
    """

    term: ir.Term
    per_gpu: bool
    of_workload: bool = False
    name: str = ""

    @cached_property
    def parts(self) -> tuple[ir.Term, ...]:
        """The conditions that must all be TRUE for the rule to match, lowered."""
        lowered = lower(self.term)
        return lowered.parts if isinstance(lowered, ir.And) else (lowered,)

    @cached_property
    def reads(self) -> "Reads":
        """What the condition reads."""
        derived: list[ir.Signal | ir.Window] = []
        node: list[str] = []
        is_contextual = reads_clock = False
        for part in ir.walk(self.term):
            if isinstance(part, ir.Signal):
                derived.append(part)
            elif isinstance(part, ir.Read | ir.Window):
                is_contextual |= part.field.scope not in AMBIENT
                reads_clock |= ir.reads(part, CLOCK) if isinstance(part, ir.Window) else part.field.name == CLOCK
                if isinstance(part, ir.Window):
                    derived.append(part)
                elif part.field.scope is Scope.NODE:
                    node.append(part.field.name)
        found = Reads(tuple(derived), frozenset(node), is_contextual, reads_clock)
        return _USUAL.get(found, found)

    @cached_property
    def name_checksum(self) -> int:
        """A number that follows from the name alone."""
        return crc32(self.name.encode())

    @cached_property
    def _split(self) -> tuple[tuple[ir.Term, ...], tuple[ir.Term, ...]]:
        parts = [(part, ir.is_contextual(part)) for part in self.parts]
        ambient = tuple([part for part, is_contextual in parts if not is_contextual])
        return tuple([part for part, is_contextual in parts if is_contextual]), ambient

    @property
    def contextual(self) -> tuple[ir.Term, ...]:
        """Those of the parts that look at transfer or workload."""
        return self._split[0]

    @property
    def ambient(self) -> tuple[ir.Term, ...]:
        """Those of the parts that a snapshot decides."""
        return self._split[1]


@dataclass(frozen=True, slots=True)
class GeneratedSource:
    """Source that was generated, with the constants it is bound to."""

    source: str
    constants: Mapping[str, object]

    def function(self, name: str) -> Any:
        """Return the function *name* of the source."""
        namespace: dict[str, object] = {"__builtins__": _BUILTINS, **RUNTIME, **self.constants}
        exec(_code(self.source), namespace)
        return namespace[name]


@lru_cache(maxsize=MAX_CODES)
def _code(source: str) -> CodeType:
    """Return *source* compiled. Constants are not in it, so that rules of one form share it, and so does a reload."""
    code: CodeType = compile(source, "<gpurules>", "exec", dont_inherit=True)
    return code


_BUILTINS = {"zip": zip, "range": range, "len": len}

Truths: TypeAlias = Callable[..., list[Truth]]


def arguments(facts: Facts) -> tuple[Any, ...]:
    """Return *facts* as the arguments of a generated function."""
    return (
        facts.snapshot,
        facts.gpus,
        facts.transfer,
        facts.workload,
        facts.node,
        facts.context,
        facts.rows,
        facts.node_row,
    )


def generate_truths(term: ir.Term, per_gpu: bool, layout: SlotLayout | None) -> GeneratedSource:
    """Return the source of ``truths(…)``: a condition's value for each GPU (or, if not per GPU, one)."""
    names, body = NameSupply(), Block("    ")
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
    return GeneratedSource("\n".join([f"def truths({PARAMETERS}):", *body.lines, ""]), names.bound)


def truths_function(term: ir.Term, per_gpu: bool, layout: SlotLayout | None) -> Truths:
    """Return a function of the facts that gives the value of a condition for each GPU, or one value."""
    function: Truths = generate_truths(term, per_gpu, layout).function("truths")
    return function


class PythonBackEnd:
    """Evaluates by generated Python."""

    name = "python"

    def evaluate(self, term: ir.Term, per_gpu: bool, facts: Facts) -> Result:
        """Return the value of the condition *term*; compiles again at each call."""
        return result_of(truths_function(term, per_gpu, facts.layout), per_gpu, facts)


def result_of(truths: Truths, per_gpu: bool, facts: Facts) -> Result:
    """Return the value of a compiled condition on *facts*."""
    found = truths(*arguments(facts))
    if not per_gpu:
        return Result(found[0])
    return over_gpus(found, facts.gpus)


def scope_of(rule: RuleTerm) -> tuple[str, str]:
    """Return the variables with the GPUs that a rule looks at, and their rows."""
    return ("wg", "wr") if rule.of_workload else ("gpus", "rows")


def workload_lines(rules: Iterable[RuleTerm], block: Block) -> None:
    """Emit the variables with the workload's GPUs, where a rule needs them."""
    if any(rule.of_workload for rule in rules):
        block.add("wi = [i for i in range(len(gpus)) if gpus[i].index in w.gpu_devices]")
        block.add("wg = [gpus[i] for i in wi]")
        block.add("wr = [rows[i] for i in wi] if rows else []")


def set_bit(emitter: Emitter, rule: RuleTerm, parts: Sequence[ir.Term], action: tuple[Block, str]) -> None:
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


def in_chunks(rules: Sequence[RuleTerm]) -> Iterator[tuple[int, Sequence[RuleTerm]]]:
    """Yield *rules* in runs, each with the position of its first: a function of thousands of rules compiles badly.

    Where a run ends depends on the names in it, so that a rule more or less leaves the other runs as they are.
    """
    first = 0
    for after, rule in enumerate(rules, start=1):
        is_end = after - first >= CHUNK or (len(rules) > CHUNK and rule.name_checksum % (CHUNK // 2) == 0)
        if is_end or after == len(rules):
            yield first, rules[first:after]
            first = after
