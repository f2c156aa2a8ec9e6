"""PromQL as a small tree, and the door to the parser that reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gpurules.errors import GpurulesError, UnavailableError

MAX_LENGTH = 4096
MAX_DEPTH = 60
"""Bounds on what is parsed: rules that people write are far below, and the parser is native code."""
_OPENING, _CLOSING = "([{", ")]}"


class PromqlError(GpurulesError):
    """A text is not an expression in PromQL, or one beyond every bound."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number."""

    value: float


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """A literal string."""

    value: str


@dataclass(frozen=True, slots=True)
class SeriesPattern:
    """Series by name and matchers, each ``(label, operator, value)``.

    Units: ``seconds`` of a range. Missing: ``seconds`` None: an instant.
    """

    name: str
    matchers: tuple[tuple[str, str, str], ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function of arguments."""

    function: str
    arguments: tuple["Promql", ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """An aggregation; ``labels`` are those that stay, or go where it is ``without``.

    Missing: ``labels`` None: neither ``by`` nor ``without`` is given.
    """

    function: str
    operand: "Promql"
    labels: tuple[str, ...] | None = None
    without: bool = False
    has_parameter: bool = False


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions joined by an operator.

    Missing: ``labels`` None: all labels match; else those of ``on``, or all others where it is ``ignoring``.
    """

    operator: str
    left: "Promql"
    right: "Promql"
    labels: tuple[str, ...] | None = None
    ignoring: bool = False
    is_bool: bool = False
    is_grouped: bool = False


@dataclass(frozen=True, slots=True)
class Negation:
    """The opposite number."""

    operand: "Promql"


@dataclass(frozen=True, slots=True)
class Foreign:
    """What has no counterpart: a subquery, an offset, ``@``."""

    what: str


Promql: TypeAlias = Number | StringLiteral | SeriesPattern | FunctionCall | Grouping | Binary | Negation | Foreign


def parse_promql(text: str) -> Promql:
    """Return the tree of an expression.

    Raises:
        PromqlError: it is not one.
        UnavailableError: the parser is not installed.
    """
    try:
        import promql_parser
    except ImportError:
        raise UnavailableError(
            "importing Prometheus rules requires promql-parser; install it with pip install 'gpurules[prometheus]'"
        ) from None
    if len(text) > MAX_LENGTH:
        raise PromqlError(f"the expression is longer than {MAX_LENGTH} characters")
    if _depth(text) > MAX_DEPTH:
        raise PromqlError(f"the expression is nested deeper than {MAX_DEPTH}")
    try:
        return _Reader(promql_parser).tree(promql_parser.parse(text))
    except ValueError as error:
        raise PromqlError(" ".join(str(error).split())[:200] or "it cannot be parsed") from None


def _depth(text: str) -> int:
    """Return how deep brackets, signs and powers nest at most, and no less; quotes may make it too much."""
    depth = deepest = 0
    for character in text:
        depth += (character in _OPENING) - (character in _CLOSING)
        deepest = max(deepest, depth)
    return deepest + text.count("^") + sum(text.count(run) for run in ("--", "+-", "- -"))


@dataclass(slots=True)
class _Reader:
    library: Any  # a foreign module
    operators: Mapping[str, str] = field(default_factory=dict)

    def tree(self, node: Any) -> Promql:
        library = self.library
        match node:
            case library.ParenExpr():
                return self.tree(node.expr)
            case library.NumberLiteral():
                return Number(float(node.val))
            case library.StringLiteral():
                return StringLiteral(str(node.val))
            case library.UnaryExpr():
                return Negation(self.tree(node.expr))
            case library.VectorSelector():
                return self.selector(node, None)
            case library.MatrixSelector():
                return self.selector(node.vector_selector, node.range.total_seconds())
            case library.Call():
                return FunctionCall(str(node.func.name), tuple(self.tree(part) for part in node.args))
            case library.AggregateExpr():
                return self.grouping(node)
            case library.BinaryExpr():
                return self.binary(node)
            case library.SubqueryExpr():
                return Foreign("a subquery")
            case _:
                return Foreign("an expression of an unknown kind")

    def selector(self, node: Any, seconds: float | None) -> Promql:
        if node.offset is not None:
            return Foreign("offset")
        if node.at is not None:
            return Foreign("@")
        signs = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
        found, name = [], node.name or ""
        for matcher in node.matchers.matchers:
            sign = signs[str(matcher.op).rpartition(".")[2]]
            if matcher.name == "__name__" and sign == "=" and not name:
                name = matcher.value
            else:
                found.append((str(matcher.name), sign, str(matcher.value)))
        if not name or node.matchers.or_matchers:
            return Foreign("a selector without a name")
        return SeriesPattern(str(name), tuple(found), seconds)

    def grouping(self, node: Any) -> Promql:
        labels = None if node.modifier is None else tuple(map(str, node.modifier.labels))
        without = node.modifier is not None and str(node.modifier.type).endswith("Without")
        return Grouping(str(node.op), self.tree(node.expr), labels, without, node.param is not None)

    def binary(self, node: Any) -> Promql:
        modifier, labels, ignoring, is_bool, grouped = node.modifier, None, False, False, False
        if modifier is not None:
            is_bool = bool(modifier.return_bool)
            grouped = str(modifier.card).endswith(("ManyToOne", "OneToMany"))
            if modifier.matching is not None:
                labels = tuple(map(str, modifier.matching.labels))
                ignoring = str(modifier.matching.type).endswith("Exclude")
        left, right = self.tree(node.lhs), self.tree(node.rhs)
        return Binary(str(node.op), left, right, labels, ignoring, is_bool, grouped)
