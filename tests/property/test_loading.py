"""Whatever a file holds: a ruleset, or diagnostics with their places; never another error."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.diagnostics import DiagnosedError, Diagnostic, Severity
from gpurules.linter import lints
from gpurules.rules import Condition, ConditionError, Ruleset, RulesetError, examine, loads
from tests.cases import examples
from tests.strategies import ruleset_texts

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "rulesets").glob("*.yaml"))]
PIECES = (
    ":", "- ", "\n", "  ", "{", "}", "[", "]", '"', "'", "&a ", "*a", "<<: ", "|", ">", "#",
    "!!python/object:os.system ", "\t", "\x00", "\ufeff", "\u2028", "🙂", "condition", "rules", "null", "~", "1e999",
    "-1", "22:00", "${limit}", "${", "yes", "%", "@", "...", "---", "? ", "\r", "\x85",
    "extends: [gpurules:thermal]\n", "version: 2\n", "- name: hot\n",
)  # fmt: skip


def outcome(text: str | bytes) -> Ruleset | None:
    """Load a text in every way, and check what each promises."""
    linted = lints(text)
    source = text if isinstance(text, str) else text.decode("utf-8", "replace")
    for diagnostic in linted:
        check(diagnostic, source)
    examined = examine(text, None)
    assert {(d.code, d.place) for d in examined.diagnostics} <= {(d.code, d.place) for d in linted}
    errors = [d for d in examined.diagnostics if d.severity is Severity.ERROR]
    try:
        ruleset = loads(text)
    except RulesetError as error:
        assert list(error.diagnostics) == errors
        return None
    assert errors == []
    assert ruleset.diagnostics == examined.diagnostics
    return ruleset


def check(diagnostic: Diagnostic, source: str) -> None:
    lines = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert diagnostic.message
    if diagnostic.path is not None:
        return
    assert 1 <= diagnostic.line <= len(lines) + 1
    assert (diagnostic.line, diagnostic.column) <= (diagnostic.end_line, diagnostic.end_column)
    if diagnostic.line <= len(lines):
        assert 1 <= diagnostic.column <= len(lines[diagnostic.line - 1]) + 2
    json.dumps(diagnostic.to_dict())


@st.composite
def mangled(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(SHIPPED))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from([*PIECES, ""])) + text[place + draw(st.integers(0, 30)) :]
    return text


@st.composite
def misshapen(draw: st.DrawFn) -> str:
    """Draw a ruleset in which some values are of the wrong kind."""
    document = json.loads(draw(ruleset_texts()))
    odd = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
        max_leaves=4,
    )
    for _ in range(draw(st.integers(1, 3))):
        holder = document
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(holder[key], dict | list) and holder[key] and draw(st.booleans()):
                holder = holder[key]
                continue
            holder[key] = draw(odd)
            break
    return json.dumps(document)


@settings(max_examples=examples(100))
@given(ruleset_texts())
def test_a_drawn_ruleset_loads(text: str) -> None:
    assert outcome(text) is not None


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_text_is_a_ruleset_or_diagnosed(text: str) -> None:
    outcome(text)


@given(st.binary(max_size=60) | st.binary(max_size=10).map(lambda tail: b"version: 1\nname: x\nrules: " + tail))
def test_any_bytes_are_a_ruleset_or_diagnosed(data: bytes) -> None:
    outcome(data)


@settings(max_examples=examples(100))
@given(mangled())
def test_a_mangled_ruleset_is_a_ruleset_or_diagnosed(text: str) -> None:
    outcome(text)


@settings(max_examples=examples(100))
@given(misshapen())
def test_a_ruleset_with_values_of_the_wrong_kind_is_diagnosed(text: str) -> None:
    outcome(text)


@settings(max_examples=examples(100))
@given(ruleset_texts())
def test_the_version_is_that_of_the_meaning(text: str) -> None:
    compact, indented = loads(text), loads(json.dumps(json.loads(text), indent=3))
    assert compact.version == indented.version
    renamed = loads(text.replace('"r0"', '"another"'))
    assert renamed.version != compact.version


@given(st.text(max_size=30))
def test_a_condition_is_one_or_says_why_not(text: str) -> None:
    try:
        condition = Condition(text)
    except ConditionError as error:
        assert isinstance(error, DiagnosedError)
        assert error.diagnostics
        assert all(d.path is None and d.line >= 1 and d.column >= 1 for d in error.diagnostics)
    else:
        assert condition.text == text


@pytest.mark.parametrize("place", range(0, 3000, 97))
def test_a_shipped_ruleset_cut_anywhere_is_a_ruleset_or_diagnosed(place: int) -> None:
    for text in SHIPPED[:3]:
        outcome(text[:place])
