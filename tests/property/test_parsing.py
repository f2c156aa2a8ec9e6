"""The steps that texts are parsed by build what Lark builds of them."""

from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from gpurules.language.syntax.parser import STARTS, made_tables
from gpurules.language.syntax.tables import Walker, grammar_text, kept_tables, tables_of
from tests.property.test_language import texts
from tests.strategies import conditions


@lru_cache(maxsize=1)
def lark() -> Lark:
    return Lark(grammar_text(), parser="lalr", lexer="basic", start=list(STARTS), maybe_placeholders=False)


@lru_cache(maxsize=1)
def walker() -> Walker:
    kept = kept_tables()
    assert kept is not None, "run `make docs`"
    return Walker(tables_of(kept))


def by_lark(text: str, start: str) -> Any:
    def shown(node: Any) -> Any:
        if isinstance(node, Token):
            return (node.type, node.start_pos, node.end_pos)
        assert isinstance(node, Tree)
        return (str(node.data), [shown(child) for child in node.children])

    try:
        return shown(lark().parse(text, start))
    except UnexpectedInput:
        return None


def by_steps(text: str, start: str) -> Any:
    tokens = walker().tables.tokens(text)
    steps = None if tokens is None else walker().steps([token.lastgroup for token in tokens], start)
    if tokens is None or steps is None:
        return None
    values: list[Any] = []
    rest = iter(tokens)
    for method, width in steps:
        if method is None:
            token = next(rest)
            values.append((token.lastgroup, *token.span(token.lastindex or 0)))
        else:
            values[-width:] = [(method, values[-width:])]
    (tree,) = values
    return tree


@given(conditions() | texts, st.sampled_from(STARTS))
def test_a_text_is_parsed_as_lark_parses_it(text: str, start: str) -> None:
    assert by_steps(text, start) == by_lark(text, start)


@pytest.mark.parametrize(
    "text",
    [
        "a ?" + 60 * " " + ";",
        "a > 1 # b",
        "# only a remark",
        "a #b\n > 1",
        "",
        " ",
        "a >",
        "a ? b",
        "a > 1 #",
        "[1, 2,]",
    ],
)
@pytest.mark.parametrize("start", STARTS)
def test_what_is_ignored_stands_anywhere_and_is_no_token(text: str, start: str) -> None:
    assert by_steps(text, start) == by_lark(text, start)


def test_a_shape_longer_than_is_remembered_is_parsed_alike() -> None:
    text = " AND ".join(f"a > {n}" for n in range(500))
    assert by_steps(text, "start") == by_lark(text, "start")


def test_the_tables_that_ship_are_those_of_the_grammar() -> None:
    kept = kept_tables()
    assert kept is not None
    assert tables_of(kept) == tables_of(made_tables())
