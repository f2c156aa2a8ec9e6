"""A ruleset prepared for compiled languages, and the plan by which its functions are emitted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gpurules.backends.native.comments import comment_lines
from gpurules.backends.native.emitter import NativeEmitter, Output
from gpurules.backends.native.identifiers import Identifiers, snake
from gpurules.backends.native.schema import StateSchema, labels_of, schema_of
from gpurules.backends.native.spelling import NativeFunction, Spelling
from gpurules.backends.python import RuleTerm
from gpurules.fields import Field, Scope
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.model import Kind

MIN_KEYED = 24
"""From how many rules on those that compare one text with constants are looked up by it."""
MIN_KEYS = 4
MAX_STRAIGHT = 64
"""With more rules than that, those that each transfer decides are gone through in a loop."""
CONTEXTUAL = frozenset({"delay", "paused", "stage"})
"""The targets that depend on the transfer itself."""


@dataclass(frozen=True, slots=True)
class NativeClaim:
    """The claim of a rule on one target of the decision.

    Units: seconds, bytes or bytes/second, as the target has it. ``jitter`` is a share of a delay.
    Missing: ``area`` None: the client chooses it.
    """

    target: str
    value: int | float = 0
    jitter: float = 0.0
    area: str | None = None
    on_full: str = "direct"


@dataclass(frozen=True, slots=True)
class NativeRule:
    """An enabled rule: its position in the file, its condition and its claims."""

    name: str
    place: str
    text: str
    term: RuleTerm
    priority: int = 0
    stop: bool = False
    claims: tuple[NativeClaim, ...] = ()
    actions: str = "[]"


@dataclass(frozen=True, slots=True)
class NativeProgram:
    """A ruleset, ready to be emitted. Rules are ordered by priority, then by their order in the file.

    Units: ``max_delay`` in seconds. ``left_out`` are rules that the target cannot express, with the reason.
    """

    name: str
    version: str
    rules: tuple[NativeRule, ...]
    file_types: tuple[tuple[str, str], ...] = ()
    max_delay: float = 300.0
    max_priority: float = 100.0
    timezone: str = "UTC"
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def terms(self) -> list[ir.Term]:
        """The parts of all conditions, lowered."""
        return [part for rule in self.rules for part in rule.term.parts]

    def cut(self, position: int) -> int:
        """Return the position of the first rule that a match of the rule at *position* suppresses."""
        limit = self.rules[position].priority
        return next((i for i, rule in enumerate(self.rules) if rule.priority < limit), len(self.rules))


@dataclass(frozen=True, slots=True)
class Parts:
    """The functions of one rule.

    Missing: ``state`` (decided by a state) or ``open`` (decided per transfer) None: there is no such part.
    """

    position: int
    identifier: str
    per_gpu: bool
    of_workload: bool
    state: NativeFunction | None
    open: NativeFunction | None

    @property
    def is_open(self) -> bool:
        """Whether the rule is decided per transfer."""
        return self.open is not None or self.of_workload

    @property
    def is_per_gpu_open(self) -> bool:
        """Whether, per transfer, the whole rule must be true on one GPU."""
        return self.of_workload or (self.open is not None and self.open.per_gpu)


@dataclass(frozen=True, slots=True)
class Key:
    """A string by which rules are looked up, and the rules for each of its values."""

    field: Field
    rules: dict[str, tuple[int, ...]]


@dataclass
class NativePlan:
    """The language-independent plan of the emitted program."""

    program: NativeProgram
    schema: StateSchema
    transfer_labels: tuple[Field, ...]
    workload_labels: tuple[Field, ...]
    output: Output = field(default_factory=Output)
    rules: list[Parts] = field(default_factory=list)
    keys: tuple[Key, ...] = ()

    def targets(self, target: str) -> bool:
        """Return whether any rule claims *target*."""
        return any(claim.target == target for rule in self.program.rules for claim in rule.claims)

    def is_contextual(self, rule: Parts) -> bool:
        """Return whether the claims of a rule depend on the transfer."""
        return any(claim.target in CONTEXTUAL for claim in self.program.rules[rule.position].claims)

    def reads(self, *names: str) -> bool:
        """Return whether a rule reads one of the fields *names*."""
        return any(ir.reads(term, name) for term in self.program.terms for name in names)

    @property
    def has_jitter(self) -> bool:
        """Whether a delay has jitter."""
        return any(claim.jitter for rule in self.program.rules for claim in rule.claims)

    @property
    def reads_clock(self) -> bool:
        """Whether a rule reads the age of the telemetry, so that a bound state changes with time."""
        return any(column.name == "telemetry_age" for column in self.schema.node)  # its windows come from the agent

    @property
    def unkeyed(self) -> list[Parts]:
        """The rules that are decided per transfer and not looked up by a key."""
        keyed = {position for key in self.keys for positions in key.rules.values() for position in positions}
        return [rule for rule in self.rules if rule.is_open and rule.position not in keyed]


def plan(program: NativeProgram, spelling: Spelling, schema: StateSchema | None = None) -> NativePlan:
    """Return the plan of *program*.

    Raises:
        UnsupportedError: the target cannot express a condition.
    """
    terms = program.terms
    made = NativePlan(
        program,
        schema_of(terms) if schema is None else schema,
        labels_of(terms, Scope.TRANSFER),
        labels_of(terms, Scope.WORKLOAD),
    )
    names = Identifiers()
    for position, rule in enumerate(program.rules):
        made.rules.append(_parts(made, position, names.claim(snake(rule.name)), spelling))
    made.keys = tuple(_keys(made))
    return made


def _parts(made: NativePlan, position: int, identifier: str, spelling: Spelling) -> Parts:
    rule = made.program.rules[position]
    emitter = NativeEmitter(spelling, made.schema, made.output, rule.term.of_workload)
    functions = [
        _function(emitter, f"{stem}_{identifier}", parts, rule)
        for stem, parts in (("state", rule.term.ambient), ("transfer", rule.term.contextual))
    ]
    return Parts(position, identifier, rule.term.per_gpu, rule.term.of_workload, *functions)


def _function(emitter: NativeEmitter, name: str, parts: Sequence[ir.Term], rule: NativeRule) -> NativeFunction | None:
    """Return the function that is true where all *parts* are TRUE, on one GPU if one of them is about GPUs."""
    if not parts:
        return None
    term = ir.And(tuple(parts)) if len(parts) > 1 else parts[0]
    comment = [*comment_lines(f"{rule.name} ({rule.place}, priority {rule.priority})"), *comment_lines(rule.text)]
    return NativeFunction(name, "bool", ir.is_per_gpu(term), emitter.body(emitter.holds(term)), comment)


def _keys(made: NativePlan) -> list[Key]:
    """Return the strings that many rules compare with a constant, those that distinguish most rules first."""
    open_rules = [rule for rule in made.rules if rule.is_open]
    if len(open_rules) < MIN_KEYED:
        return []
    of_fields: dict[str, tuple[Field, dict[int, tuple[str, ...]]]] = {}
    for parts in open_rules:
        for read, values in _equalities(made.program.rules[parts.position].term):
            of_fields.setdefault(read.name, (read, {}))[1][parts.position] = values
    found: list[Key] = []
    taken: set[int] = set()
    by_distinct = sorted(of_fields.values(), key=lambda f: (-len({v for vs in f[1].values() for v in vs}), f[0].name))
    for read, rules in by_distinct:
        buckets: dict[str, list[int]] = {}
        for position, values in rules.items():
            if position not in taken:
                for value in values:
                    buckets.setdefault(value, []).append(position)
        if len(buckets) >= MIN_KEYS:
            taken |= {position for positions in buckets.values() for position in positions}
            found.append(Key(read, {value: tuple(buckets[value]) for value in sorted(buckets)}))
    return found


def _equalities(rule: RuleTerm) -> list[tuple[Field, tuple[str, ...]]]:
    """Return the fields of a transfer or workload that must equal one of a few strings for the rule to match."""
    found: list[tuple[Field, tuple[str, ...]]] = []
    for part in rule.contextual:
        match part:
            case ir.Compare((Comparator.EQ,), (ir.Read(read), ir.Constant(str(value)))):
                found.append((read, (value,)))
            case ir.Member(ir.Read(read), members) if all(
                isinstance(m, ir.Constant) and isinstance(m.value, str) for m in members
            ):
                values = dict.fromkeys(m.value for m in members if isinstance(m, ir.Constant))
                found.append((read, tuple(str(value) for value in values)))
            case _:
                continue
    return [(read, values) for read, values in found if read.datatype.kind is Kind.STRING]
