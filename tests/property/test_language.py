"""Reading, printing and checking: laws that hold for every text."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.diagnostics import CATALOGUE, Severity
from gpurules.language import Environment, parse, parse_definition
from gpurules.language.syntax import nodes
from gpurules.language.terms import ir
from gpurules.language.terms.printer import quote, show, spell
from gpurules.model import conjunction, disjunction, negation
from gpurules.model.units import Dimension, QuantityError, format_amount, parse_amount
from tests.cases import examples
from tests.factories import checked
from tests.strategies import conditions

TOKENS = (
    "gpu_memory", "gpu_temperature", "file_type", "path", "active_training", "transfer_size", "nonsense", "80",
    "100MB", "100mb", "85C", "22:00", "1h30m", "'model'", '"x', "'", "(", ")", "[", "]", ",", "AND", "OR", "NOT",
    "IN", "BETWEEN", "IS", "MISSING", "CONTAINS", "GLOB", "MATCHES", "TRUE", "==", "!=", "<", ">=", "=", "&&", "||",
    "!", "+", "-", "*", "/", "%", "any", "max", "count", "avg_over_time", "predict_linear", "coalesce",
    "# remark\n", "\n", "\u00a0", "≥", "\x00", "🙂", "1e999", "é",
)  # fmt: skip
scrambled = st.lists(st.sampled_from(TOKENS), max_size=14).map(" ".join)
texts = st.text(max_size=40) | scrambled


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a valid condition with a few characters dropped, doubled, replaced or swapped."""
    text = draw(conditions())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(text) - 1)))
        piece = draw(st.sampled_from([*TOKENS, "", "x", " "]))
        text = text[:place] + piece + text[place + draw(st.integers(0, 3)) :]
    return text


@given(conditions())
def test_what_is_printed_reads_back_as_the_same_tree(text: str) -> None:
    tree = parse(text).tree
    assert tree is not None
    printed = show(tree)
    assert parse(printed).tree == tree
    again = parse(printed).tree
    assert again is not None
    assert show(again) == printed


@given(st.lists(st.sampled_from(["'a'", '"b"', "1", "-2", "30s", "- 5MB", "'it''s'".replace("''", "\\'")]), min_size=1))
def test_a_list_that_is_printed_reads_back_as_the_same(members: list[str]) -> None:
    tree = parse_definition(f"[{', '.join(members)}]").tree
    assert isinstance(tree, nodes.ListLiteral)
    assert parse_definition(show(tree)).tree == tree


@given(st.text())
def test_every_text_is_the_same_after_it_is_quoted_and_read(text: str) -> None:
    tree = parse(quote(text)).tree
    assert isinstance(tree, nodes.Text)
    assert tree.value == text


@given(conditions())
def test_a_checked_condition_that_is_spelled_means_the_same(text: str) -> None:
    first = checked(text)
    spelled = spell(first.term)
    second = checked(spelled)
    assert not [f for f in second.findings if CATALOGUE[f.code].severity is Severity.ERROR], spelled
    assert spell(second.term) == spelled


@given(conditions())
def test_every_node_stands_where_it_is_written(text: str) -> None:
    tree = parse(text).tree
    assert tree is not None
    stack: list[nodes.Definition] = [tree]
    while stack:
        node = stack.pop()
        assert 0 <= node.span.start < node.span.end <= len(text)
        for child in nodes.children(node):
            assert node.span.start <= child.span.start and child.span.end <= node.span.end
            stack.append(child)
        if isinstance(node, nodes.Name):
            assert text[node.span.start : node.span.end] == node.name
        if isinstance(node, nodes.Quantity):
            assert text[node.span.start : node.span.end] == node.spelling


@pytest.mark.parametrize("reader", [parse, parse_definition])
@given(text=texts | mutated())
def test_no_text_stops_the_parser_and_every_finding_stands_in_it(reader: object, text: str) -> None:
    found = reader(text)  # type: ignore[operator]
    assert (found.tree is None) <= bool(found.findings)
    for finding in found.findings:
        assert 0 <= finding.span.start <= finding.span.end <= len(text)
        assert finding.message
        assert all(0 <= e.span.start <= e.span.end <= len(text) for e in finding.edits)


@given(texts | mutated() | conditions())
def test_no_text_stops_the_checker_and_every_finding_stands_in_it(text: str) -> None:
    found = checked(text)
    for finding in found.findings:
        assert 0 <= finding.span.start <= finding.span.end <= max(len(text), 1), finding
        assert finding.code in CATALOGUE
    if any(CATALOGUE[f.code].severity is Severity.ERROR for f in found.findings):
        return
    assert found.per_gpu == ir.is_per_gpu(found.term)


@given(texts, texts, scrambled)
def test_no_text_stops_an_environment_of_definitions_and_signals(one: str, two: str, condition: str) -> None:
    environment = Environment(
        definitions={"nonsense": parse_definition(one), "path": parse_definition("nonsense")},
        signals={"file_type": parse(two)},
    )
    environment.condition(parse(condition))
    environment.definition("nonsense")
    environment.definition("path")
    environment.signal("file_type")


@given(st.text(alphabet="0123456789._eE+-%KMGTPiBbsmhdC°WJHz:/µ ", max_size=12))
def test_a_text_is_a_quantity_or_says_why_not(text: str) -> None:
    try:
        amount = parse_amount(text)
    except QuantityError as error:
        assert str(error)
    else:
        assert amount.value >= 0
        assert abs(amount.value) <= 1.8e308


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(Dimension))
def test_every_amount_can_be_shown(value: float, dimension: Dimension) -> None:
    assert re.search(r"\d", format_amount(value, dimension))


truths = st.sampled_from([True, False, None])


@given(st.lists(truths, max_size=5), st.randoms(use_true_random=False))
def test_and_and_or_do_not_depend_on_the_order(values: list[bool | None], chance: random.Random) -> None:
    shuffled = chance.sample(values, len(values))
    assert conjunction(values) is conjunction(shuffled)
    assert disjunction(values) is disjunction(shuffled)


@given(truths, truths, truths)
def test_kleenes_laws_hold(a: bool | None, b: bool | None, c: bool | None) -> None:
    assert negation(negation(a)) is a
    assert negation(conjunction([a, b])) is disjunction([negation(a), negation(b)])
    assert negation(disjunction([a, b])) is conjunction([negation(a), negation(b)])
    assert conjunction([a, disjunction([b, c])]) is disjunction([conjunction([a, b]), conjunction([a, c])])
    assert disjunction([a, conjunction([b, c])]) is conjunction([disjunction([a, b]), disjunction([a, c])])
    assert conjunction([a, a]) is a
    assert disjunction([a, a]) is a
    assert conjunction([a, disjunction([a, b])]) is a
    assert conjunction([a, True]) is a
    assert disjunction([a, False]) is a


@given(truths, truths, truths, truths)
def test_knowing_more_never_turns_true_into_false(a: bool | None, b: bool | None, x: bool, y: bool) -> None:
    """What is TRUE or FALSE with parts unknown stays so, whatever they turn out to be."""
    known_a, known_b = (x if a is None else a), (y if b is None else b)
    for connective in (conjunction, disjunction):
        before, after = connective([a, b]), connective([known_a, known_b])
        assert before is None or before is after


@settings(max_examples=examples(60))
@given(
    st.lists(st.sampled_from(["gpu_memory > 80", "active_training", "gpu_throttled", "TRUE"]), min_size=2, max_size=40)
)
def test_a_flat_chain_is_one_node_however_long(parts: list[str]) -> None:
    for word, kind in ((" AND ", nodes.And), (" or ", nodes.Or), (" && ", nodes.And), (" || ", nodes.Or)):
        tree = parse(word.join(parts)).tree
        assert isinstance(tree, kind)
        assert len(tree.parts) == len(parts)
