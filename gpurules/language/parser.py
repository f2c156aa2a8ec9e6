"""Text to syntax tree: the one door to Lark. It never raises for what the user wrote; it reports."""

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpurules.diagnostics import Finding, Span
from gpurules.language import nodes, syntax_errors
from gpurules.language.builder import Builder, span_of
from gpurules.language.depth import MAX_HEIGHT, MAX_NESTING, make_room, measured
from gpurules.resources import resource_root

MAX_BYTES = 64 * 1024
SHORT = 40
"""A text so short can not be deep: every level takes a character."""


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


@lru_cache(maxsize=1)
def _lark() -> tuple[Any, Builder]:
    """Return the parser, built at its first use, and the builder it calls."""
    from lark import Lark

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
    return lark, builder


def _too_large(text: str) -> Finding | None:
    if len(text) * 4 > MAX_BYTES and len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return Finding(
            "GPR009", Span(0, 1), "the condition is longer than 64 KiB", "split it into several rules, or use define"
        )
    return None


def too_deep(tree: nodes.Definition) -> Finding | None:
    """Return a finding where *tree* is nested deeper than the limits; else make room for walks over it."""
    nesting, height, deepest = measured(tree)
    if nesting > MAX_NESTING or height > MAX_HEIGHT:
        message = f"the condition is nested deeper than {MAX_NESTING}"
        return Finding("GPR009", deepest.span, message, "name parts of it under define")
    make_room(height)
    return None


_LOCK = threading.Lock()


def _attempt(text: str, start: str) -> tuple[nodes.Definition | None, list[Finding]]:
    """Parse once: a tree, or one finding."""
    with _LOCK:  # the builder collects findings, so one text at a time
        return _parsed(text, start)


def _parsed(text: str, start: str) -> tuple[nodes.Definition | None, list[Finding]]:
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    lark, builder = _lark()
    builder.findings = []
    try:
        tree = lark.parse(text, start)
    except UnexpectedToken as error:
        token = error.token
        at_end = token.type == "$END"
        span = Span(len(text), len(text)) if at_end else span_of(token)
        return None, [syntax_errors.unexpected(text, span, frozenset(error.accepts or error.expected))]
    except UnexpectedCharacters as error:
        return None, [syntax_errors.unreadable(text, error.pos_in_stream or 0)]
    return tree, builder.findings


def _parse(text: str, start: str) -> Parsed:
    large = _too_large(text)
    if large is not None:
        return Parsed(text, None, (large,))
    tree, findings = _attempt(text, start)
    if tree is not None:
        deep = too_deep(tree) if len(text) > SHORT else None
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


def accepted(text: str) -> frozenset[str]:
    """Return the terminals of the grammar that can follow *text*, the start of a condition.

    Of a text that has a mistake it is asked what can follow its last part, after the last AND or OR.

    >>> sorted(accepted("gpu_memory IS"))
    ['MISSING', 'NOT']
    """
    from lark.exceptions import UnexpectedInput

    if _too_large(text) is not None:
        return frozenset()
    with _LOCK:
        lark, _ = _lark()
        for part in (text, text[list(syntax_errors.segments(text))[-1].start :]):
            try:
                read = lark.parse_interactive(part, "start")
                read.exhaust_lexer()
                return frozenset(read.accepts())
            except UnexpectedInput:
                continue
    return frozenset()


def parse(text: str) -> Parsed:
    """Return the syntax tree of the condition *text*, with every mistake found in it."""
    return _parse(text, "start")


def parse_definition(text: str) -> Parsed:
    """Return the syntax tree of a ``define``: a condition, any other expression, or a list of literals."""
    return _parse(text, "definition")
