"""The checked tree: smaller than the syntax tree, every term typed, every constant in its canonical unit.

Names are resolved: definitions are put in place, inputs are constants. A term is immutable and may be shared.
"""

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import TypeAlias

from gpurules.diagnostics import Span
from gpurules.fields import AMBIENT, Field, Scope
from gpurules.language.syntax.nodes import Comparator, Sign, TextOperator
from gpurules.model import BOOL, NUMBER, Datatype, Value
from gpurules.records import Record, record

NOWHERE = Span(0, 0)


@record
class Base(Record):
    """Base of every term: where it was written."""

    span: Span = field(default=NOWHERE, kw_only=True, compare=False, repr=False)


@record
class Constant(Base):
    """A value known before evaluation; ``spelling`` is how it was written."""

    value: Value
    datatype: Datatype
    spelling: str = field(default="", kw_only=True, compare=False, repr=False)


@record
class Read(Base):
    """The value of a field."""

    field: Field

    @property
    def datatype(self) -> Datatype:
        """The type of the field."""
        return self.field.datatype


@record
class Signal(Base):
    """Whether a signal is on: of each GPU, or of the node."""

    name: str
    per_gpu: bool

    @property
    def datatype(self) -> Datatype:
        """A bool."""
        return BOOL


@record
class Window(Base):
    """A function of the samples of a field in the last ``seconds``.

    Of a definition of an expression ``operand`` is the expression, and ``field`` stands for its value at each sample.
    Missing: ``operand`` is None for a field itself.
    """

    function: str
    field: Field
    seconds: float
    parameter: float | None
    datatype: Datatype
    operand: "Term | None" = None

    @property
    def sample(self) -> "Term":
        """What a sample is the value of."""
        return Read(self.field) if self.operand is None else self.operand


@record
class Negative(Base):
    """The opposite number."""

    operand: "Term"
    datatype: Datatype


@record
class Arithmetic(Base):
    """``first`` joined with each of ``rest`` in turn: a sum or a product, flat."""

    first: "Term"
    rest: tuple[tuple[Sign, "Term"], ...]
    datatype: Datatype


@record
class Apply(Base):
    """A scalar function of its arguments."""

    function: str
    arguments: tuple["Term", ...]
    datatype: Datatype


@record
class Aggregate(Base):
    """A function over all GPUs in scope."""

    function: str
    operand: "Term"
    datatype: Datatype


@record
class Compare(Base):
    """``operands[0] < operands[1] < …``: the AND of its links."""

    comparators: tuple[Comparator, ...]
    operands: tuple["Term", ...]

    @property
    def datatype(self) -> Datatype:
        """A bool."""
        return BOOL


@record
class Member(Base):
    """Whether the subject equals one of the members."""

    subject: "Term"
    members: tuple["Term", ...]

    @property
    def datatype(self) -> Datatype:
        """A bool."""
        return BOOL


@record
class TextTest(Base):
    """Whether the subject has the pattern in it, at its start, …"""

    operator: TextOperator
    subject: "Term"
    pattern: "Term"

    @property
    def datatype(self) -> Datatype:
        """A bool."""
        return BOOL


@record
class IsMissing(Base):
    """Whether the operand is missing (of a bool: unknown)."""

    operand: "Term"

    @property
    def datatype(self) -> Datatype:
        """A bool."""
        return BOOL


@record
class Not(Base):
    """Kleene's negation."""

    operand: "Term"

    @property
    def datatype(self) -> Datatype:
        """A bool."""
        return BOOL


@record
class And(Base):
    """Kleene's conjunction."""

    parts: tuple["Term", ...]

    @property
    def datatype(self) -> Datatype:
        """A bool."""
        return BOOL


@record
class Or(Base):
    """Kleene's disjunction."""

    parts: tuple["Term", ...]

    @property
    def datatype(self) -> Datatype:
        """A bool."""
        return BOOL


Term: TypeAlias = (
    Constant
    | Read
    | Signal
    | Window
    | Negative
    | Arithmetic
    | Apply
    | Aggregate
    | Compare
    | Member
    | TextTest
    | IsMissing
    | Not
    | And
    | Or
)
"""Every term of the checked tree."""

TRUE = Constant(True, BOOL)
FALSE = Constant(False, BOOL)
UNKNOWN = Constant(None, BOOL)
ZERO = Constant(0, NUMBER)


def children(term: Term) -> tuple[Term, ...]:
    """Return the parts of *term*, in order."""
    match term:  # without patterns for the attributes, which take several times as long
        case Constant() | Read():
            return ()
        case Compare():
            return term.operands
        case And() | Or():
            return term.parts
        case Not() | Negative() | IsMissing() | Aggregate():
            return (term.operand,)
        case Signal() | Window():
            return ()
        case Member():
            return (term.subject, *term.members)
        case TextTest():
            return (term.subject, term.pattern)
        case Arithmetic():
            return (term.first, *(part for _, part in term.rest))
        case Apply():
            return term.arguments


_LEAVES = frozenset({Constant, Read, Signal, Window})


def walk(term: Term, leaves: tuple[type[Term], ...] = ()) -> Iterable[Term]:
    """Return *term* and every term in it, each shared term once, without recursion; *leaves* are not entered."""
    if isinstance(term, leaves):
        return (term,)
    found = [term]  # nearly all are comparisons with constants, or an AND or OR of some: these take no stack
    for part in children(term):
        found.append(part)
        if type(part) in _LEAVES or isinstance(part, leaves):
            continue
        inside = children(part)
        for inner in inside:
            if type(inner) not in _LEAVES:
                return _walked(term, leaves)
        found += inside
    return {id(part): part for part in found}.values()


def _walked(term: Term, leaves: tuple[type[Term], ...]) -> Iterator[Term]:
    seen: set[int] = set()
    stack = [term]
    while stack:
        current = stack.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            if not isinstance(current, leaves):
                stack.extend(reversed(children(current)))


def fields(term: Term) -> frozenset[Field]:
    """Return every field that *term* reads, windows included."""
    found: set[Field] = set()
    for part in walk(term):
        if isinstance(part, Window) and part.operand is not None:
            found |= fields(part.operand)
        elif isinstance(part, Read | Window):
            found.add(part.field)
    return frozenset(found)


def scopes(term: Term) -> frozenset[Scope]:
    """Return the scopes that *term* reads; a signal counts as a fact of its GPUs or of the node."""
    found = {f.scope for f in fields(term)}
    found |= {Scope.GPU if t.per_gpu else Scope.NODE for t in walk(term) if isinstance(t, Signal)}
    return frozenset(found)


def windows(term: Term) -> list[Window]:
    """Return every window in *term*, each shared one once."""
    return [part for part in walk(term) if isinstance(part, Window)]


def reads(term: Term, name: str) -> bool:
    """Return whether *term* reads the field *name*."""
    return any(read.name == name for read in fields(term))


def is_contextual(term: Term) -> bool:
    """Return whether *term* reads a transfer or workload."""
    return any(isinstance(part, Read | Window) and part.field.scope not in AMBIENT for part in walk(term))


def is_per_gpu(term: Term) -> bool:
    """Return whether *term* has a value for each GPU: it reads one outside an aggregate."""
    return any(
        part.per_gpu if isinstance(part, Signal) else isinstance(part, Read | Window) and part.field.is_per_gpu
        for part in walk(term, leaves=(Aggregate,))
    )
