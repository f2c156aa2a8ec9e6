"""Text to syntax tree: the one door to Lark. It never raises for what the user wrote; it reports."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from gpurules.diagnostics import Finding, Span
from gpurules.language import nodes, syntax_errors
from gpurules.model import Dimension, QuantityError, parse_amount
from gpurules.resources import resource_root

MAX_BYTES = 64 * 1024
MAX_NESTING = 200
MAX_HEIGHT = 600


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text says.

    ``tree`` is None where it can not be parsed; ``fragments`` are then the parts that can be, so that their names and
    types are checked all the same.
    """

    text: str
    tree: nodes.Definition | None
    findings: tuple[Finding, ...] = ()
    fragments: tuple[nodes.Expr, ...] = ()


class Builder(Transformer[Token, nodes.Definition]):
    """Makes nodes as the parser reduces; ``findings`` collects what only the content of a token shows."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[Finding] = []

    def start(self, children: list[Any]) -> Any:
        return children[0]

    definition = start

    def disjunction(self, children: list[Any]) -> nodes.Or:
        parts = tuple(children[::2])
        return nodes.Or(parts, span=parts[0].span.to(parts[-1].span))

    def conjunction(self, children: list[Any]) -> nodes.And:
        parts = tuple(children[::2])
        return nodes.And(parts, span=parts[0].span.to(parts[-1].span))

    def not_(self, children: list[Any]) -> nodes.Not:
        return nodes.Not(children[1], span=_span(children[0]).to(children[1].span))

    def comparator(self, children: list[Any]) -> nodes.Comparator:
        spelling = {"=": "==", "<>": "!="}.get(children[0], str(children[0]))
        return nodes.Comparator(spelling)

    def text_operator(self, children: list[Any]) -> nodes.TextOperator:
        return nodes.TextOperator(children[0].upper())

    def comparison(self, children: list[Any]) -> nodes.Compare:
        rest = tuple(zip(children[1::2], children[2::2], strict=True))
        return nodes.Compare(children[0], rest, span=children[0].span.to(children[-1].span))

    def sum(self, children: list[Any]) -> nodes.Sum:
        return nodes.Sum(children[0], _signed(children), span=children[0].span.to(children[-1].span))

    def product(self, children: list[Any]) -> nodes.Product:
        return nodes.Product(children[0], _signed(children), span=children[0].span.to(children[-1].span))

    def arguments(self, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children[::2])

    conditions = literals = arguments

    def membership(self, children: list[Any]) -> nodes.Membership:
        members = next(c for c in children[1:] if isinstance(c, tuple))
        span = children[0].span.to(_span(children[-1]))
        return nodes.Membership(children[0], members, _is_negated(children), span=span)

    def list_membership(self, children: list[Any]) -> nodes.ListMembership:
        name = nodes.Name(str(children[-1]), span=_span(children[-1]))
        return nodes.ListMembership(children[0], name, _is_negated(children), span=children[0].span.to(name.span))

    def between(self, children: list[Any]) -> nodes.Between:
        subject, low, high = (c for c in children if not isinstance(c, Token))
        return nodes.Between(subject, low, high, _is_negated(children), span=subject.span.to(high.span))

    def text_test(self, children: list[Any]) -> nodes.TextTest:
        subject, operator, pattern = (c for c in children if not isinstance(c, Token))
        return nodes.TextTest(operator, subject, pattern, _is_negated(children), span=subject.span.to(pattern.span))

    def missing_test(self, children: list[Any]) -> nodes.MissingTest:
        span = children[0].span.to(_span(children[-1]))
        return nodes.MissingTest(children[0], len(children) == 4, span=span)

    def negative(self, children: list[Any]) -> nodes.Negative:
        return nodes.Negative(children[1], span=_span(children[0]).to(children[1].span))

    def quantity(self, children: list[Any]) -> nodes.Quantity:
        token = children[0]
        try:
            amount = parse_amount(token)
            return nodes.Quantity(str(token), amount.value, amount.dimension, span=_span(token))
        except QuantityError as error:
            code = "GPR009" if error.limit else "GPR116"
            self.findings.append(Finding(code, _span(token), str(error), error.hint))
            return nodes.Quantity(str(token), 0, Dimension.NONE, span=_span(token))

    def text(self, children: list[Any]) -> nodes.Text:
        span = _span(children[0])
        value, wrong = _unescaped(children[0])
        if wrong is not None:
            place = Span(span.start + wrong, span.start + wrong + 2)
            self.findings.append(
                Finding("GPR003", place, "unknown escape in a string", r"escapes are \\ \' \" \n \t \uXXXX")
            )
        return nodes.Text(value, span=span)

    def true(self, children: list[Any]) -> nodes.Boolean:
        return nodes.Boolean(True, span=_span(children[0]))

    def false(self, children: list[Any]) -> nodes.Boolean:
        return nodes.Boolean(False, span=_span(children[0]))

    def name(self, children: list[Any]) -> nodes.Name:
        return nodes.Name(str(children[0]), span=_span(children[0]))

    def call(self, children: list[Any]) -> nodes.Call:
        function = nodes.Name(str(children[0]), span=_span(children[0]))
        arguments = children[2] if len(children) == 4 else ()
        return nodes.Call(function, arguments, span=function.span.to(_span(children[-1])))

    def window(self, children: list[Any]) -> nodes.Window:
        name = nodes.Name(str(children[0]), span=_span(children[0]))
        return nodes.Window(name, self.quantity([children[2]]), span=name.span.to(_span(children[3])))

    def group(self, children: list[Any]) -> nodes.Group:
        return nodes.Group(children[1], span=_span(children[0]).to(_span(children[2])))

    def list(self, children: list[Any]) -> nodes.ListLiteral:
        return nodes.ListLiteral(children[1], span=_span(children[0]).to(_span(children[-1])))


def _span(token: Token) -> Span:
    return Span(token.start_pos or 0, token.end_pos or 0)


def _signed(children: list[Any]) -> tuple[tuple[nodes.Sign, Any], ...]:
    return tuple((nodes.Sign(sign), part) for sign, part in zip(children[1::2], children[2::2], strict=True))


def _is_negated(children: list[Any]) -> bool:
    return isinstance(children[1], Token) and children[1].type == "NOT"


_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}


def _unescaped(token: str) -> tuple[str, int | None]:
    """Return the value of a string token, and the offset in it of the first wrong escape."""
    body = token[1:-1]
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


@lru_cache(maxsize=1)
def _lark() -> tuple[Callable[[str, str], Any], Builder]:
    """Return the parser, built at its first use, and the builder it calls."""
    builder = Builder()
    grammar = resource_root("grammars").joinpath("condition.lark").read_text(encoding="utf-8")
    lark = Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        start=["start", "definition"],
        transformer=builder,
        maybe_placeholders=False,
    )
    return lark.parse, builder


def _too_large(text: str) -> Finding | None:
    if len(text) * 4 > MAX_BYTES and len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return Finding(
            "GPR009", Span(0, 1), "the condition is longer than 64 KiB", "split it into several rules, or use define"
        )
    return None


def too_deep(tree: nodes.Definition) -> Finding | None:
    """Return a finding where *tree* is nested deeper than the limits; without recursion, so that no depth can hurt."""
    stack: list[tuple[nodes.Definition, int, int]] = [(tree, 0, 0)]
    while stack:
        node, nesting, height = stack.pop()
        nesting += isinstance(node, nodes.Group | nodes.Call | nodes.Not | nodes.Negative)
        if nesting > MAX_NESTING or height > MAX_HEIGHT:
            return Finding(
                "GPR009",
                node.span,
                f"the condition is nested deeper than {MAX_NESTING}",
                "name parts of it under define",
            )
        stack.extend((child, nesting, height + 1) for child in nodes.children(node))
    return None


_LOCK = threading.Lock()


def _attempt(text: str, start: str) -> tuple[nodes.Definition | None, list[Finding]]:
    """Parse once: a tree, or one finding."""
    with _LOCK:  # the builder collects findings, so one text at a time
        return _parsed(text, start)


def _parsed(text: str, start: str) -> tuple[nodes.Definition | None, list[Finding]]:
    parse, builder = _lark()
    builder.findings = []
    try:
        tree = parse(text, start)
    except UnexpectedToken as error:
        token = error.token
        at_end = token.type == "$END"
        span = Span(len(text), len(text)) if at_end else _span(token)
        return None, [syntax_errors.unexpected(text, span, frozenset(error.accepts or error.expected))]
    except UnexpectedCharacters as error:
        return None, [syntax_errors.unreadable(text, error.pos_in_stream or 0)]
    except (UnexpectedInput, VisitError) as error:  # pragma: no cover
        return None, [Finding("GPR003", Span(0, len(text)), str(error))]
    return tree, builder.findings


def _parse(text: str, start: str) -> Parsed:
    large = _too_large(text)
    if large is not None:
        return Parsed(text, None, (large,))
    tree, findings = _attempt(text, start)
    if tree is not None:
        deep = too_deep(tree)
        return Parsed(text, tree, tuple(findings)) if deep is None else Parsed(text, None, (deep,))
    return _recovered(text, findings[0])


def _recovered(text: str, first: Finding) -> Parsed:
    """Parse what stands between the AND and OR around the mistake, so that one mistake does not hide another."""
    findings, fragments = [first], []
    for part in syntax_errors.segments(text):
        if part.start <= first.span.start <= part.end or not text[part.start : part.end].strip():
            continue
        padded = re.sub(r"[^\r\n]", " ", text[: part.start]) + text[part.start : part.end]
        tree, found = _attempt(padded, "start")
        findings.extend(found)
        if tree is not None and not isinstance(tree, nodes.ListLiteral) and too_deep(tree) is None:
            fragments.append(tree)
    return Parsed(text, None, tuple(findings), tuple(fragments))


def parse(text: str) -> Parsed:
    """Return the syntax tree of the condition *text*, with every mistake found in it."""
    return _parse(text, "start")


def parse_definition(text: str) -> Parsed:
    """Return the syntax tree of a ``define``: a condition, any other expression, or a list of literals."""
    return _parse(text, "definition")
