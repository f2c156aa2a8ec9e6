"""The syntax tree: what was written, with its spans. Nodes have no behavior."""

from dataclasses import field
from enum import StrEnum
from typing import TypeAlias

from gpurules.diagnostics import Span
from gpurules.model import Dimension
from gpurules.records import Record, record


class Comparator(StrEnum):
    """How two values are compared."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    @property
    def mirrored(self) -> "Comparator":
        """The comparator that holds with the sides exchanged: ``a < b`` is ``b > a``."""
        return _MIRRORED[self]

    @property
    def opposite(self) -> "Comparator":
        """The comparator that holds where this one does not, of two values that are known."""
        return _OPPOSITE[self]


_MIRRORED = {
    Comparator.EQ: Comparator.EQ,
    Comparator.NE: Comparator.NE,
    Comparator.LT: Comparator.GT,
    Comparator.LE: Comparator.GE,
    Comparator.GT: Comparator.LT,
    Comparator.GE: Comparator.LE,
}
_OPPOSITE = {
    Comparator.EQ: Comparator.NE,
    Comparator.NE: Comparator.EQ,
    Comparator.LT: Comparator.GE,
    Comparator.LE: Comparator.GT,
    Comparator.GT: Comparator.LE,
    Comparator.GE: Comparator.LT,
}


class TextOperator(StrEnum):
    """How a text is searched."""

    CONTAINS = "CONTAINS"
    STARTSWITH = "STARTSWITH"
    ENDSWITH = "ENDSWITH"
    GLOB = "GLOB"
    MATCHES = "MATCHES"


class Sign(StrEnum):
    """How a part of a sum or product joins the parts before it."""

    PLUS = "+"
    MINUS = "-"
    TIMES = "*"
    OVER = "/"


@record
class Node(Record):
    """Base of every node: it knows where it stands."""

    span: Span = field(kw_only=True, compare=False, repr=False)


@record
class Quantity(Node):
    """A number, with its unit if it has one, as it was spelled; ``value`` is in the canonical unit."""

    spelling: str
    value: int | float
    dimension: Dimension


@record
class Text(Node):
    """A string."""

    value: str


@record
class Boolean(Node):
    """TRUE or FALSE."""

    value: bool


@record
class Name(Node):
    """The name of a field, signal, define or input."""

    name: str


@record
class Window(Node):
    """``name[duration]``."""

    name: Name
    duration: Quantity


@record
class Call(Node):
    """``function(arguments)``."""

    function: Name
    arguments: tuple["Expr", ...]


@record
class Group(Node):
    """``( … )``, kept so that what was written can be printed."""

    inner: "Expr"


@record
class Negative(Node):
    """``-operand``."""

    operand: "Expr"


@record
class Sum(Node):
    """``first ± part ± part …``: flat, however long."""

    first: "Expr"
    rest: tuple[tuple[Sign, "Expr"], ...]


@record
class Product(Node):
    """``first ×÷ part ×÷ part …``: flat, however long."""

    first: "Expr"
    rest: tuple[tuple[Sign, "Expr"], ...]


@record
class Compare(Node):
    """``first < part < part …``: a comparison, or a chain of them."""

    first: "Expr"
    rest: tuple[tuple[Comparator, "Expr"], ...]


@record
class Membership(Node):
    """``subject [NOT] IN (members)``."""

    subject: "Expr"
    members: tuple["Expr", ...]
    negated: bool


@record
class ListMembership(Node):
    """``subject [NOT] IN name``, the name of a list."""

    subject: "Expr"
    name: Name
    negated: bool


@record
class Between(Node):
    """``subject [NOT] BETWEEN low AND high``, the bounds included."""

    subject: "Expr"
    low: "Expr"
    high: "Expr"
    negated: bool


@record
class TextTest(Node):
    """``subject [NOT] CONTAINS pattern``, and its relatives."""

    operator: TextOperator
    subject: "Expr"
    pattern: "Expr"
    negated: bool


@record
class MissingTest(Node):
    """``subject IS [NOT] MISSING``."""

    subject: "Expr"
    negated: bool


@record
class Not(Node):
    """``NOT operand``."""

    operand: "Expr"


@record
class And(Node):
    """``part AND part …``: flat."""

    parts: tuple["Expr", ...]


@record
class Or(Node):
    """``part OR part …``: flat."""

    parts: tuple["Expr", ...]


@record
class ListLiteral(Node):
    """``[literal, literal]``, in definitions only."""

    members: tuple["Expr", ...]


Test: TypeAlias = Membership | ListMembership | Between | TextTest | MissingTest
"""Every node that tests a value, comparisons aside."""

Expr: TypeAlias = (
    Quantity
    | Text
    | Boolean
    | Name
    | Window
    | Call
    | Group
    | Negative
    | Sum
    | Product
    | Compare
    | Membership
    | ListMembership
    | Between
    | TextTest
    | MissingTest
    | Not
    | And
    | Or
)
"""Every node that stands for a value."""

Definition: TypeAlias = Expr | ListLiteral
"""What a ``define`` can be."""


def children(node: Definition) -> tuple[Definition, ...]:
    """Return the parts of *node*, in order."""
    match node:
        case Quantity() | Text() | Boolean() | Name():
            return ()
        case Window(name, duration):
            return (name, duration)
        case Call(function, arguments):
            return (function, *arguments)
        case Group(inner):
            return (inner,)
        case Negative(operand) | Not(operand):
            return (operand,)
        case Sum(first, rest) | Product(first, rest) | Compare(first, rest):
            return (first, *(part for _, part in rest))
        case Membership(subject, members):
            return (subject, *members)
        case ListMembership(subject, name):
            return (subject, name)
        case Between(subject, low, high):
            return (subject, low, high)
        case TextTest(_, subject, pattern):
            return (subject, pattern)
        case MissingTest(subject):
            return (subject,)
        case And(parts) | Or(parts):
            return parts
        case ListLiteral(members):
            return members
