"""Text to syntax tree: the one door to Lark. It never raises for what the user wrote; it reports.

Lark makes the tables of the grammar, and says what is wrong with a text. Texts without a mistake are parsed by those
tables, without loading Lark: ten times as fast, and the trees are the same (``tests/property`` holds the two together).
"""

import re
from functools import lru_cache
from typing import Any

from gpurules.diagnostics import Finding, Span
from gpurules.language.syntax import nodes, syntax_errors
from gpurules.language.syntax.builder import METHODS, Builder
from gpurules.language.syntax.depth import MAX_HEIGHT, MAX_NESTING, make_room, may_be_deep, measure
from gpurules.language.syntax.tables import Walker, fingerprint, grammar_text, kept_tables, tables_of
from gpurules.records import Record, record

MAX_BYTES = 64 * 1024
STARTS = ("start", "definition")


@record
class Parsed(Record):
    """What a text says.

    ``tree`` is None where it cannot be parsed; ``fragments`` are then the parts that can be, so that their names and
    types are checked all the same.
    """

    text: str
    tree: nodes.Definition | None
    findings: tuple[Finding, ...] = ()
    fragments: tuple[nodes.Expr, ...] = ()


@lru_cache(maxsize=1)
def _lark() -> Any:
    """Return Lark's parser of the grammar, built where it is first needed: to say what is wrong, and to make tables."""
    from lark import Lark

    return Lark(grammar_text(), parser="lalr", lexer="basic", start=list(STARTS), maybe_placeholders=False)


def made_tables() -> dict[str, Any]:
    """Return the tables that Lark makes of the grammar, as they are kept beside it: the same ones at every run."""
    lark = _lark()
    parser, lexer = lark.parser.parser, lark.parser.lexer
    table, rules = parser._parse_table, sorted(lark.rules, key=lambda rule: repr(_reduction(rule)))
    order = _numbered(table)
    patterns = {terminal.name: terminal.pattern.to_regexp() for terminal in lexer.terminals}

    def action(argument: Any) -> int:
        return -1 - rules.index(argument) if argument in rules else order[argument]

    return {
        "grammar": fingerprint(grammar_text()),
        "tokens": "|".join(f"(?P<{n}>{p})" for n, p in patterns.items() if n not in lexer.ignore_types),
        "ignored": "|".join(p for n, p in patterns.items() if n in lexer.ignore_types),
        "reductions": [_reduction(rule) for rule in rules],
        "states": [{s: action(a) for s, (_, a) in sorted(table.states[state].items())} for state in order],
        "starts": {start: order[state] for start, state in sorted(table.start_states.items())},
        "ends": {start: order[state] for start, state in sorted(table.end_states.items())},
    }


def _numbered(table: Any) -> dict[int, int]:
    """Return a number for each state of *table*, in the order in which they are reached: Lark's own change."""
    order, rest = dict[int, int](), sorted(table.start_states.items(), reverse=True)
    while rest:
        _, state = rest.pop()
        if state not in order:
            order[state] = len(order)
            targets = [(symbol, to) for symbol, (_, to) in table.states[state].items() if isinstance(to, int)]
            rest += sorted(targets, reverse=True)
    return order


def _reduction(rule: Any) -> tuple[str, int, str | None, bool]:
    symbol = str(rule.origin.name)
    method = None if symbol.startswith("_") else str(rule.alias or symbol)  # with _: what Lark makes of ( … )+
    return symbol, len(rule.expansion), method, bool(rule.options.expand1 and not rule.alias)


@lru_cache(maxsize=1)
def _walker() -> Walker:
    """Return the stepper for a text, from the shipped tables, or rebuilt if the grammar has changed."""
    return Walker(tables_of(kept_tables() or made_tables()))


def _too_large(text: str) -> Finding | None:
    if len(text) * 4 > MAX_BYTES and len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return Finding(
            "GPR009", Span(0, 1), "the condition is longer than 64 KiB", "split it into several rules, or use define"
        )
    return None


def too_deep(tree: nodes.Definition) -> Finding | None:
    """Return a finding where *tree* is nested deeper than the limits; else make room for walks over it."""
    nesting, height, deepest = measure(tree)
    if nesting > MAX_NESTING or height > MAX_HEIGHT:
        message = f"the condition is nested deeper than {MAX_NESTING}"
        return Finding("GPR009", deepest.span, message, "move parts of it to define")
    make_room(height)
    return None


def _attempt(text: str, start: str) -> tuple[nodes.Definition | None, list[Finding]]:
    """Parse once: a tree, or one finding."""
    walker = _walker()
    tokens = walker.tables.tokens(text)
    steps = None if tokens is None else walker.steps([token.lastgroup for token in tokens], start)
    if tokens is None or steps is None:
        return None, [_mistake(text, start)]
    builder, values, rest = Builder(), list[Any](), iter(tokens)
    for method, width in steps:
        if method is None:
            values.append(next(rest))
        else:
            made = METHODS[method](builder, values[-width:])
            del values[-width:]
            values.append(made)
    return values[0], builder.findings


def _mistake(text: str, start: str) -> Finding:
    """Return what is wrong with a text that cannot be parsed."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    try:
        _lark().parse(text, start)
    except UnexpectedToken as error:
        token = error.token
        at_end = token.type == "$END"
        span = Span(len(text), len(text)) if at_end else Span(token.start_pos or 0, token.end_pos or 0)
        return syntax_errors.unexpected_token(text, span, frozenset(error.accepts or error.expected))
    except UnexpectedCharacters as error:
        return syntax_errors.unreadable(text, error.pos_in_stream or 0)
    raise AssertionError("Lark parses what its own tables do not")


def _parse(text: str, start: str) -> Parsed:
    large = _too_large(text)
    if large is not None:
        return Parsed(text, None, (large,))
    tree, findings = _attempt(text, start)
    if tree is not None:
        deep = too_deep(tree) if may_be_deep(text) else None
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


def accepted_terminals(text: str) -> frozenset[str]:
    """Return the terminals of the grammar that can follow *text*, the start of a condition.

    Of a text that has a mistake it is asked what can follow its last part, after the last AND or OR.

    >>> sorted(accepted_terminals("gpu_memory IS"))
    ['MISSING', 'NOT']
    """
    from lark.exceptions import UnexpectedInput

    if _too_large(text) is not None:
        return frozenset()
    for part in (text, text[list(syntax_errors.segments(text))[-1].start :]):
        try:
            read = _lark().parse_interactive(part, "start")
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
