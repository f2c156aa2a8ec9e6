"""The door to JSON."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.strict_json import canonical, dumps, loads

HOSTILE = ["\x00", "\x1b[31m", "\x9b2J", "\x7f", "\u202e", "\u2066", "\u2028", "\ufeff", "\ud800", "\udcff", "a\nb\rc"]
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(categories=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def refuse(word: str) -> object:
    raise AssertionError(f"{word} is not JSON")


def is_drawn(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or ord(character) > 0xFFFF


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_what_is_not_drawn_is_escaped_and_comes_back_as_it_was(text, ascii_only):
    written = dumps({text: [text]}, ascii_only=ascii_only)
    assert all(map(is_drawn, written))
    assert loads(written) == {text: [text]}


@given(JSONS)
def test_whatever_is_written_is_strict_and_drawn(data):
    for written in (dumps(data), dumps(data, indent=2).replace("\n", ""), dumps(data, compact=True), canonical(data)):
        json.loads(written, parse_constant=refuse)
        assert all(map(is_drawn, written))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_null_wherever_it_is(number):
    data = {"a": number, "b": [1, {"c": (number, 2.5)}]}
    assert loads(dumps(data)) == loads(canonical(data)) == {"a": None, "b": [1, {"c": [None, 2.5]}]}


def test_letters_of_all_scripts_are_written_as_they_are():
    assert dumps("é語🚀") == '"é語🚀"'


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "1" * 5000 + "x", b"\xff", "nul"])
def test_what_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError):
        loads(text)
