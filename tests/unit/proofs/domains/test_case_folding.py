"""``lower(x)`` as globs of x."""

import sys
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from gpurules.language.syntax.nodes import TextOperator
from gpurules.language.terms.values import text_test
from gpurules.proofs.domains.case_folding import case_insensitive_glob, is_lower

OPERATORS = (TextOperator.STARTSWITH, TextOperator.ENDSWITH, TextOperator.CONTAINS)
texts = st.text("aAiIkK\u212a\u0130\u0307.*[", max_size=5)
patterns = st.text("aik.*[", max_size=3)


@given(texts, patterns, st.sampled_from([None, *OPERATORS]))
def test_a_glob_finds_what_the_test_in_lower_case_finds(text: str, pattern: str, operator: TextOperator | None) -> None:
    glob = case_insensitive_glob(operator, pattern)
    assert glob is not None
    found = text.lower() == pattern if operator is None else text_test(operator, text.lower(), pattern)
    assert fnmatchcase(text, glob) is found


@given(texts, st.text("aik.**", max_size=5))
def test_a_glob_in_lower_case_is_a_glob_of_the_text(text: str, pattern: str) -> None:
    glob = case_insensitive_glob(TextOperator.GLOB, pattern)
    assert glob is not None
    assert fnmatchcase(text, glob) is text_test(TextOperator.GLOB, text.lower(), pattern)


def test_no_other_character_becomes_an_ascii_one() -> None:
    others = {
        chr(code)
        for code in range(128, sys.maxunicode + 1)
        if not 0xD800 <= code < 0xE000 and any(character.isascii() for character in chr(code).lower())
    }
    assert others == {"\u212a", "\u0130"}


def test_what_is_not_in_lower_case_is_never_found() -> None:
    assert [is_lower(text) for text in ("a.pt", "A", "1")] == [True, False, True]
    assert case_insensitive_glob(None, "\u00e4") is None
    assert [case_insensitive_glob(TextOperator.GLOB, glob) for glob in ("a?", "[a]*", "\u00e4*")] == [None, None, None]
