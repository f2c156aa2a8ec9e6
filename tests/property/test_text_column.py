"""Tests on a text, looked up for many rules at once, are what each is alone."""

from collections.abc import Iterable
from itertools import product
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.backends.literals import SearchText, literal_finder
from gpurules.backends.subjects import MISSING, SubjectParts
from gpurules.backends.text_column import TextColumn
from gpurules.backends.text_tests import glob_pattern, pattern_of
from gpurules.fields import FIELDS
from gpurules.language.syntax.nodes import TextOperator
from gpurules.language.terms import ir, patterns, values
from gpurules.language.terms.patterns import globber
from gpurules.model import STRING
from tests.cases import examples

PATH = ir.Read(FIELDS["path"])
TEXTS = st.text(alphabet="ab/é\ud800", max_size=6)
GLOBS = st.text(alphabet="ab**?[]", max_size=7)
LITERALS = st.lists(st.builds(SearchText, st.booleans(), TEXTS, st.booleans()), max_size=20, unique=True)


def has(literal: SearchText, text: str) -> bool:
    """Return whether *text* has *literal* where it belongs."""
    if literal.at_start and literal.at_end:
        return text == literal.text
    if literal.at_start or literal.at_end:
        return text.startswith(literal.text) if literal.at_start else text.endswith(literal.text)
    return literal.text in text


@given(LITERALS, st.lists(TEXTS, min_size=1, max_size=10), st.sampled_from([1, 8, 10**9]))
def test_the_literals_found_are_those_that_are_there(literals: list[SearchText], texts: list[str], least: int) -> None:
    with patch.object(patterns, "MIN_IN_ONE_PASS", least):
        find = literal_finder(literals)
    for text in texts:
        assert sorted(find(text)) == [n for n, literal in enumerate(literals) if has(literal, text)]


def agree(glob: str, texts: Iterable[str]) -> None:
    """Check that every text that *glob* covers has its literals, and that no other has if they are said to suffice."""
    found, covers = glob_pattern(glob), globber(glob)
    for text in texts:
        if found is not None:
            fits = all(has(literal, text) for literal in found.literals)
            assert fits or not covers(text), (glob, text)
            assert found.glob == glob or fits == covers(text), (glob, text)


def test_every_short_glob_is_covered_by_its_literals() -> None:
    texts = ["".join(letters) for length in range(5) for letters in product("ab", repeat=length)]
    for length in range(6):
        for letters in product("ab*", repeat=length):
            agree("".join(letters), texts)


@given(GLOBS, st.lists(st.text(alphabet="ab[]", max_size=7), max_size=30))
def test_a_glob_has_the_literals_that_it_says_and_no_more_if_they_suffice(glob: str, texts: list[str]) -> None:
    agree(glob, [*texts, glob.replace("*", ""), glob.replace("*", "ab"), glob.replace("?", "a").replace("*", "")])


TESTS = st.builds(
    lambda operator, pattern, is_not: (operator, pattern, is_not),
    st.sampled_from([o for o in TextOperator if o is not TextOperator.MATCHES]),
    st.text(alphabet="ab*", max_size=4) | st.sampled_from(["a*b", "b*a", "ab*ba", "a*a", "a*b*", "é"]),
    st.booleans(),
)


@settings(max_examples=examples(100))
@given(st.lists(st.lists(TESTS, min_size=1, max_size=4), min_size=1, max_size=20), st.lists(TEXTS, max_size=20))
def test_rules_with_several_tests_match_where_all_of_them_hold(
    rules: list[list[tuple[TextOperator, str, bool]]], texts: list[str]
) -> None:
    parts: dict[int, list[ir.Term]] = {}
    for position, tests in enumerate(rules, start=3):
        for operator, pattern, is_not in tests:
            term = ir.TextTest(operator, PATH, ir.Constant(pattern, STRING))
            assert pattern_of(term) is not None
            parts.setdefault(position, []).append(ir.Not(term) if is_not else term)
    listed = {position: SubjectParts(PATH, tuple(terms)) for position, terms in parts.items()}
    column = TextColumn(PATH, listed, len(rules) + 3)
    for text in [*texts, "aba", "abba", ""]:
        mask = column.mask(column.cell(text))
        assert mask & 0b111 == 0b111, "rules that say nothing about the text are not ruled out"
        for position, tests in enumerate(rules, start=3):
            wanted = all(values.text_test(o, text, pattern) is not is_not for o, pattern, is_not in tests)
            assert bool(mask >> position & 1) is wanted
    assert column.mask(MISSING) & ((1 << len(rules) + 3) - 1) == 0b111
