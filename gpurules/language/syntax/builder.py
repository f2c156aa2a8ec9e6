"""What the parser makes of each grammar rule: the nodes of the syntax tree."""

import re
from collections.abc import Callable
from typing import Any, TypeAlias, TypeGuard

from gpurules.diagnostics import Edit, Finding, Span
from gpurules.language.syntax import nodes
from gpurules.model import Dimension, QuantityError, parse_amount

Token: TypeAlias = re.Match[str]
"""A token: the match of its pattern, whose only named group is the token's kind and spans it."""


def spelling(token: Token) -> str:
    """Return the text of a token."""
    return token[token.lastindex or 0]


def _is_token(child: object) -> TypeGuard[Token]:
    return isinstance(child, re.Match)


class Builder:
    """Makes nodes as the parser reduces; ``findings`` collects what only the content of a token shows.

    Each method is called with the children of the grammar rule of its name: tokens, and what was made before.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def start(self, children: list[Any]) -> Any:
        """Make a whole condition."""
        return children[0]

    definition = start

    def disjunction(self, children: list[Any]) -> nodes.Or:
        """Make ``a OR b``."""
        parts = tuple(children[::2])
        return nodes.Or(parts, span=parts[0].span.to(parts[-1].span))

    def conjunction(self, children: list[Any]) -> nodes.And:
        """Make ``a AND b``."""
        parts = tuple(children[::2])
        return nodes.And(parts, span=parts[0].span.to(parts[-1].span))

    def not_(self, children: list[Any]) -> nodes.Not:
        """Make ``NOT a``."""
        return nodes.Not(children[1], span=span_of(children[0]).to(children[1].span))

    def comparator(self, children: list[Any]) -> nodes.Comparator:
        """Make ``<`` and its relatives, ``=`` and ``<>`` in their canonical spelling."""
        return _COMPARATORS[spelling(children[0])]

    def text_operator(self, children: list[Any]) -> nodes.TextOperator:
        """Make ``CONTAINS`` and its relatives."""
        return nodes.TextOperator(spelling(children[0]).upper())

    def comparison(self, children: list[Any]) -> nodes.Compare:
        """Make ``a < b``, ``a < b < c``."""
        rest = tuple(zip(children[1::2], children[2::2], strict=True))
        return nodes.Compare(children[0], rest, span=children[0].span.to(children[-1].span))

    def sum(self, children: list[Any]) -> nodes.Sum:
        """Make ``a + b - c``."""
        return nodes.Sum(children[0], _signed(children), span=children[0].span.to(children[-1].span))

    def product(self, children: list[Any]) -> nodes.Product:
        """Make ``a * b / c``."""
        return nodes.Product(children[0], _signed(children), span=children[0].span.to(children[-1].span))

    def arguments(self, children: list[Any]) -> tuple[Any, ...]:
        """Make ``a, b, c``."""
        return tuple(children[::2])

    conditions = literals = arguments

    def membership(self, children: list[Any]) -> nodes.Membership:
        """Make ``a IN (b, c)``."""
        members = next(c for c in children[1:] if isinstance(c, tuple))
        span = children[0].span.to(span_of(children[-1]))
        return nodes.Membership(children[0], members, _is_negated(children), span=span)

    def list_membership(self, children: list[Any]) -> nodes.ListMembership:
        """Make ``a IN name``."""
        name = nodes.Name(spelling(children[-1]), span=span_of(children[-1]))
        return nodes.ListMembership(children[0], name, _is_negated(children), span=children[0].span.to(name.span))

    def between(self, children: list[Any]) -> nodes.Between:
        """Make ``a BETWEEN b AND c``."""
        subject, low, high = (c for c in children if not _is_token(c))
        return nodes.Between(subject, low, high, _is_negated(children), span=subject.span.to(high.span))

    def text_test(self, children: list[Any]) -> nodes.TextTest:
        """Make ``a CONTAINS 'x'``."""
        subject, operator, pattern = (c for c in children if not _is_token(c))
        return nodes.TextTest(operator, subject, pattern, _is_negated(children), span=subject.span.to(pattern.span))

    def missing_test(self, children: list[Any]) -> nodes.MissingTest:
        """Make ``a IS MISSING``."""
        span = children[0].span.to(span_of(children[-1]))
        return nodes.MissingTest(children[0], len(children) == 4, span=span)

    def negative(self, children: list[Any]) -> nodes.Negative:
        """Make ``-a``."""
        return nodes.Negative(children[1], span=span_of(children[0]).to(children[1].span))

    def quantity(self, children: list[Any]) -> nodes.Quantity:
        """Make ``30s``; a malformed one is reported, and stands for 0."""
        token = children[0]
        text = spelling(token)
        try:
            amount = parse_amount(text)
            return nodes.Quantity(text, amount.value, amount.dimension, span=span_of(token))
        except QuantityError as error:
            code = "GPR009" if error.limit else "GPR116"
            edits = () if error.meant is None else (Edit(span_of(token), error.meant),)
            self.findings.append(Finding(code, span_of(token), str(error), error.hint, edits))
            return nodes.Quantity(text, 0, Dimension.NONE, span=span_of(token))

    def text(self, children: list[Any]) -> nodes.Text:
        """Make ``'x'``; a wrong escape is reported."""
        span = span_of(children[0])
        value, wrong = _unescaped(spelling(children[0]))
        if wrong is not None:
            place = Span(span.start + wrong, span.start + wrong + 2)
            self.findings.append(
                Finding("GPR003", place, "unknown escape in a string", r"escapes are \\ \' \" \n \t \uXXXX")
            )
        return nodes.Text(value, span=span)

    def true(self, children: list[Any]) -> nodes.Boolean:
        """Make ``TRUE``."""
        return nodes.Boolean(True, span=span_of(children[0]))

    def false(self, children: list[Any]) -> nodes.Boolean:
        """Make ``FALSE``."""
        return nodes.Boolean(False, span=span_of(children[0]))

    def name(self, children: list[Any]) -> nodes.Name:
        """Make ``gpu_memory``."""
        return nodes.Name(spelling(children[0]), span=span_of(children[0]))

    def call(self, children: list[Any]) -> nodes.Call:
        """Make ``f(a, b)``."""
        function = nodes.Name(spelling(children[0]), span=span_of(children[0]))
        arguments = children[2] if len(children) == 4 else ()
        return nodes.Call(function, arguments, span=function.span.to(span_of(children[-1])))

    def window(self, children: list[Any]) -> nodes.Window:
        """Make ``gpu_memory[1m]``."""
        name = nodes.Name(spelling(children[0]), span=span_of(children[0]))
        return nodes.Window(name, self.quantity([children[2]]), span=name.span.to(span_of(children[3])))

    def group(self, children: list[Any]) -> nodes.Group:
        """Make ``( a )``."""
        return nodes.Group(children[1], span=span_of(children[0]).to(span_of(children[2])))

    def list(self, children: list[Any]) -> nodes.ListLiteral:
        """Make ``['a', 'b']``."""
        return nodes.ListLiteral(children[1], span=span_of(children[0]).to(span_of(children[-1])))


def span_of(token: Token) -> Span:
    """Return where a token stands."""
    return Span(*token.span(token.lastindex or 0))


def _signed(children: list[Any]) -> tuple[tuple[nodes.Sign, Any], ...]:
    return tuple((_SIGNS[spelling(sign)], part) for sign, part in zip(children[1::2], children[2::2], strict=True))


def _is_negated(children: list[Any]) -> bool:
    return _is_token(children[1]) and children[1].lastgroup == "NOT"


_COMPARATORS = {"=": nodes.Comparator.EQ, "<>": nodes.Comparator.NE} | {c.value: c for c in nodes.Comparator}
_SIGNS = {sign.value: sign for sign in nodes.Sign}
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}


def _unescaped(literal: str) -> tuple[str, int | None]:
    """Return the value of a string token, and the offset in it of the first wrong escape."""
    body = literal[1:-1]
    if "\\" not in body:
        return body, None
    wrong: list[int] = []

    def replaced(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2] not in _ESCAPES:
            wrong.append(match.start() + 1)
        return _ESCAPES.get(match[2], match[2])

    value = re.sub(r"\\(?:u([0-9A-Fa-f]{4})|(.))", replaced, body)
    return value, wrong[0] if wrong else None


METHODS: dict[str, Callable[[Builder, list[Any]], Any]] = {
    name: method for name, method in vars(Builder).items() if not name.startswith("_")
}
"""What builds each rule of the grammar."""
