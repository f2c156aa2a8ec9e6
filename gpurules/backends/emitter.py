"""Checked terms to Python expressions: the heart of the generated-Python back end.

Kleene's logic needs no third value at run time: for each condition there are two Python expressions, one that holds
exactly where it is TRUE and one exactly where it is FALSE. A value that may be missing is first put in a local
variable. Nothing of the user's text gets into the source: constants are bound under names of our own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from gpurules.backends import facts
from gpurules.backends.facts import SlotLayout, slot_key
from gpurules.fields import Field, Scope
from gpurules.language.syntax.nodes import Comparator, TextOperator
from gpurules.language.terms import ir, values
from gpurules.language.terms.functions import FUNCTIONS
from gpurules.language.terms.patterns import globber, matcher
from gpurules.model import Kind

MAX_DEPTH = 40
_ARITHMETIC = {"+": "_add", "-": "_subtract", "*": "_multiply", "/": "_divide"}
_KNOWN_DEFAULT = dict.fromkeys(("active_training", "active_inference"), "False") | dict.fromkeys(
    ("active_workloads", "pending_transfers", "pending_bytes"), "0"
)


@dataclass(slots=True)
class Block:
    """Lines of one function or loop body, and the local variables they have set."""

    indent: str
    lines: list[str] = field(default_factory=list)
    known: dict[object, str] = field(default_factory=dict)
    above: "Block | None" = None

    def find(self, key: object) -> str | None:
        """Return the variable that holds *key*, set here or in a block around."""
        block: Block | None = self
        while block is not None:
            if key in block.known:
                return block.known[key]
            block = block.above
        return None

    def add(self, line: str) -> None:
        """Add a line."""
        self.lines.append(self.indent + line)


@dataclass(slots=True)
class NameSupply:
    """The constants that generated source uses, and fresh names for variables.

    ``kept`` holds the terms that variables are known by: a term that were freed could leave its identity to another.
    ``present`` has the identities of terms whose variables are never None.
    """

    bound: dict[str, object] = field(default_factory=dict)
    counter: int = 0
    kept: list[ir.Term] = field(default_factory=list)
    present: set[int] = field(default_factory=set)
    _constants: dict[tuple[type, object], str] = field(default_factory=dict)

    def fresh(self, prefix: str = "v") -> str:
        """Return a name that nothing has yet."""
        self.counter += 1
        return f"{prefix}{self.counter}"

    def bind(self, value: object) -> str:
        """Return the name under which *value* is bound."""
        if value is None or value is True or value is False:
            return repr(value)
        key = (type(value), value)
        try:
            if key not in self._constants:
                self._constants[key] = self.fresh("k")
                self.bound[self._constants[key]] = value
            return self._constants[key]
        except TypeError:
            name = self.fresh("k")
            self.bound[name] = value
            return name


RUNTIME: dict[str, object] = {
    "_add": values.add,
    "_subtract": values.subtract,
    "_multiply": values.multiply,
    "_divide": values.divide,
    "_negative": values.negative,
    "_total": values.total,
    "_mean": values.mean,
    "_text_test": values.text_test,
    "_typed": facts.coerce,
    "_read_node": facts.read_node,
    "_file_type": facts.transfer_file_type,
    "_framework": facts.transfer_framework,
    "_file_name": facts.transfer_name,
    "_file_extension": facts.transfer_extension,
    "_age": facts.age,
    "_NO_NODE": facts.NO_NODE,
}
"""What generated source may call."""


class Emitter:
    """Emits terms into blocks: what is the same for all GPUs outside their loop, the rest inside.

    ``outside(term)`` chooses the block for a term that is not per GPU; ``gpus`` and ``rows`` are the variables that
    hold the GPUs in scope and their rows of derived state.
    """

    def __init__(
        self,
        names: NameSupply,
        layout: SlotLayout | None,
        outside: Callable[[ir.Term], Block],
        scope: tuple[str, str] = ("gpus", "rows"),
    ) -> None:
        self.names = names
        self.layout = layout
        self.outside = outside
        self.gpus, self.rows = scope

    def loop(self, around: Block) -> tuple[str, Block]:
        """Return the head of a loop over the GPUs in scope, and the block of its body."""
        head = f"for g in {self.gpus}:" if self.layout is None else f"for g, r in zip({self.gpus}, {self.rows}):"
        return head, Block(around.indent + "    ", above=around)

    # conditions: an expression that holds exactly where the term is TRUE, or exactly where it is FALSE

    def holds(self, term: ir.Term, block: Block, wanted: bool = True) -> str:
        """Return an expression that holds exactly where *term* is TRUE (or, where *wanted* is False, FALSE)."""
        return self._holds(term, block, wanted)[0]

    def _holds(self, term: ir.Term, block: Block, wanted: bool) -> tuple[str, int]:
        match term:
            case ir.Constant(value):
                return ("True" if value is wanted else "False"), 0
            case ir.Signal():
                text = self._signal(term)
                return (text if wanted else f"not {text}"), 0
            case ir.Not(operand):
                return self._holds(operand, block, not wanted)
            case ir.And(parts):
                return self._joined(parts, "and" if wanted else "or", block, wanted)
            case ir.Or(parts):
                return self._joined(parts, "or" if wanted else "and", block, wanted)
            case ir.Compare():
                return self._compare(term, block, wanted), 1
            case ir.Member():
                return self._member(term, block, wanted), 1
            case ir.TextTest():
                return self._text_test(term, block, wanted), 1
            case ir.IsMissing(operand):
                return f"{self.value(operand, block)} is {'' if wanted else 'not '}None", 0
            case _:
                name = self.value(term, block)
                return (name if wanted else f"{name} is False"), 0

    def _joined(self, parts: tuple[ir.Term, ...], word: str, block: Block, wanted: bool) -> tuple[str, int]:
        inner = [self._holds(part, block, wanted) for part in parts]
        depth = max([d for _, d in inner]) + 1
        text = "(" + f" {word} ".join([t for t, _ in inner]) + ")"
        if depth < MAX_DEPTH:
            return text, depth
        name = self.names.fresh("b")
        self._home(parts[0] if len(parts) == 1 else ir.And(parts), block).add(f"{name} = {text}")
        return name, 0

    def _home(self, term: ir.Term, block: Block) -> Block:
        """Return the block in which the value of *term* is computed."""
        return block if ir.is_per_gpu(term) else self.outside(term)

    def _compare(self, term: ir.Compare, block: Block, wanted: bool) -> str:
        operands = [(self.value(o, block), self._may_be_missing(o)) for o in term.operands]
        links = list(zip(term.comparators, operands, operands[1:], strict=False))
        if wanted:
            present = self._present(operands, term.comparators == (Comparator.EQ,))
            tests = present + [f"{left} {c} {right}" for c, (left, _), (right, _) in links]
            return "(" + " and ".join(tests) + ")"
        broken = []
        for comparator, left, right in links:
            present = self._present([left, right], comparator is Comparator.NE)
            broken.append(" and ".join([*present, f"{left[0]} {comparator.opposite.value} {right[0]}"]))
        return "(" + " or ".join(broken) + ")"

    @staticmethod
    def _present(operands: list[tuple[str, bool]], is_equality: bool) -> list[str]:
        """Return tests that values that may be missing are present; none if equality with a known value implies it."""
        doubtful = list(dict.fromkeys([name for name, may in operands if may]))
        if is_equality and len(doubtful) <= 1 and not all(may for _, may in operands):
            return []
        return [f"{name} is not None" for name in doubtful]

    def _member(self, term: ir.Member, block: Block, wanted: bool) -> str:
        subject = self.value(term.subject, block)
        word = "in" if wanted else "not in"
        if all(isinstance(m, ir.Constant) and m.value is not None for m in term.members):
            members = self.names.bind(frozenset([m.value for m in term.members if isinstance(m, ir.Constant)]))
            return (
                f"({subject} {word} {members})" if wanted else f"({subject} is not None and {subject} {word} {members})"
            )
        items = [self.value(m, block) for m in term.members]
        listed = ", ".join(items)
        if wanted:
            return f"({subject} is not None and {subject} in ({listed},))"
        return f"({subject} is not None and {subject} not in ({listed},) and None not in ({listed},))"

    def _text_test(self, term: ir.TextTest, block: Block, wanted: bool) -> str:
        subject, negation = self.value(term.subject, block), "" if wanted else "not "
        pattern = term.pattern
        if not isinstance(pattern, ir.Constant):
            operator, name = self.names.bind(term.operator), self.value(pattern, block)
            return f"(_text_test({operator}, {subject}, {name}) is {wanted})"
        text = str(pattern.value)
        match term.operator:
            case TextOperator.CONTAINS:
                test = f"{self.names.bind(text)} in {subject}"
            case TextOperator.STARTSWITH:
                test = f"{subject}.startswith({self.names.bind(text)})"
            case TextOperator.ENDSWITH:
                test = f"{subject}.endswith({self.names.bind(text)})"
            case TextOperator.GLOB:
                test = f"{self.names.bind(globber(text))}({subject})"
            case TextOperator.MATCHES:
                test = f"{self.names.bind(matcher(text))}({subject})"
        return f"({subject} is not None and {negation}{test})" if wanted else f"({subject} is not None and not {test})"

    # values: the name of a local variable or bound constant; None is missing

    def know(self, term: ir.Term, name: str, block: Block) -> None:
        """Have *term* read from the variable *name*, which is set in *block* and never None."""
        block.known[self.gpus, id(term)] = name
        self.names.kept.append(term)
        self.names.present.add(id(term))

    def _may_be_missing(self, term: ir.Term) -> bool:
        if id(term) in self.names.present:
            return False
        if isinstance(term, ir.Read):
            return not (term.field.always_known and term.field.name in _KNOWN_DEFAULT)
        return not isinstance(term, ir.Signal) and not (isinstance(term, ir.Constant) and term.value is not None)

    def value(self, term: ir.Term, block: Block) -> str:
        """Return the name that holds the value of *term* in *block*."""
        match term:
            case ir.Constant(value):
                return self.names.bind(value)
            case ir.Signal():
                return self._signal(term)
            case ir.Read(wanted):
                key: object = ("read", wanted.name)
            case ir.Window():
                key = (self.gpus, slot_key(term))
            case _:
                key = (self.gpus, id(term))
                self.names.kept.append(term)
        home = self._home(term, block)
        found = home.find(key)
        if found is None:
            found = self._computed(term, home)
            home.known[key] = found
        return found

    def _signal(self, term: ir.Signal) -> str:
        if self.layout is None:
            raise AssertionError("without history, signals are put in place before emission")
        key = slot_key(term)
        return f"r[{self.layout.gpu[key]}]" if term.per_gpu else f"nr[{self.layout.node[key]}]"

    def _computed(self, term: ir.Term, home: Block) -> str:
        name = self.names.fresh()
        match term:
            case ir.Read(wanted):
                home.add(f"{name} = {reading(wanted, self.names)}")
            case ir.Window():
                home.add(f"{name} = {self._window(term, home)}")
            case ir.Aggregate():
                self._aggregate(term, name, home)
            case ir.Negative(operand):
                home.add(f"{name} = _negative({self.value(operand, home)})")
            case ir.Arithmetic(first, rest):
                result = self.value(first, home)
                for sign, part in rest:
                    home.add(f"{name} = {_ARITHMETIC[sign]}({result}, {self.value(part, home)})")
                    result = name
            case ir.Apply(function, arguments):
                scalar = self.names.bind(values.SCALARS[function])
                home.add(f"{name} = {scalar}({', '.join([self.value(a, home) for a in arguments])})")
            case _:
                true, false = self.holds(term, home), self.holds(term, home, False)
                home.add(f"{name} = True if {true} else False if {false} else None")
        return name

    def _window(self, term: ir.Window, home: Block) -> str:
        if self.layout is not None:
            key = slot_key(term)
            return f"r[{self.layout.gpu[key]}]" if term.field.is_per_gpu else f"nr[{self.layout.node[key]}]"
        sample = self.value(term.sample, home)
        match term.function:
            case "count_over_time":
                return f"None if {sample} is None else 1"
            case "stddev_over_time" | "changes":
                return f"None if {sample} is None else 0.0"
            case function:
                return "None" if FUNCTIONS[function].needs_two else sample

    def _aggregate(self, term: ir.Aggregate, name: str, home: Block) -> None:
        head, body = self.loop(home)
        operand = term.operand
        if term.operand.datatype.kind is Kind.BOOL:
            true = self.holds(operand, body)
            false = "" if term.function == "count" else self.holds(operand, body, False)
        else:
            item = self.value(operand, body)
        match term.function:
            case "any":
                start = "False"
                body.lines += _lines(body, f"if {true}:", f"    {name} = True", "    break")
                body.lines += _lines(body, f"if {name} is False and not {false}:", f"    {name} = None")
            case "all":
                start = f"True if {self.gpus} else None"
                body.lines += _lines(body, f"if {false}:", f"    {name} = False", "    break")
                body.lines += _lines(body, f"if {name} and not {true}:", f"    {name} = None")
            case "count":
                start = "0"
                body.lines += _lines(body, f"if {true}:", f"    {name} += 1")
            case "max" | "min":
                start, sign = "None", ">" if term.function == "max" else "<"
                test = f"if {item} is not None and ({name} is None or {item} {sign} {name}):"
                body.lines += _lines(body, test, f"    {name} = {item}")
            case _:
                start = "[]"
                body.add(f"{name}.append({item})")
        home.add(f"{name} = {start}")
        home.add(head)
        home.lines += body.lines
        if term.function in ("sum", "avg"):
            home.add(f"{name} = {'_total' if term.function == 'sum' else '_mean'}({name})")


def _lines(block: Block, *lines: str) -> list[str]:
    return [block.indent + line for line in lines]


def reading(wanted: Field, names: NameSupply) -> str:
    """Return the expression that reads a field: of ``g``, ``t``, ``w``, or the node."""
    match wanted.scope:
        case Scope.NODE:
            read, given, key = f"_read_node({names.bind(wanted)}, n, s, z)", names.fresh("n"), names.bind(wanted.name)
            if wanted.datatype.kind is Kind.BOOL:  # two operations that Python specializes, instead of a call
                is_plain = f"{key} in n and (({given} := n[{key}]) is True or {given} is False)"
                read = f"{given} if {is_plain} else {read}"
            default = _KNOWN_DEFAULT.get(wanted.name)
            if default is None:
                return read
            return f"{default} if n is _NO_NODE else {read}"
        case Scope.GPU:
            holder = "g"
        case Scope.TRANSFER:
            holder = "t"
        case Scope.WORKLOAD:
            holder = "w"
    if wanted.declared:
        return f"_typed({holder}.labels.get({names.bind(wanted.name)}), {names.bind(wanted.datatype)})"
    match wanted.scope, wanted.attribute:
        case Scope.TRANSFER, "age":
            return "_age(t.created, s.timestamp)"
        case Scope.WORKLOAD, "age":
            return "_age(w.started, s.timestamp)"
        case Scope.TRANSFER, "file_type":
            return "t.file_type or _file_type(t, z)"
        case Scope.TRANSFER, "framework":
            return "_framework(t, w)"
        case Scope.TRANSFER, ("file_name" | "file_extension") as attribute:
            return f"_{attribute}(t)"
        case _, attribute:
            return f"{holder}.{attribute}"
