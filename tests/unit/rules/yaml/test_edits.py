"""Entries taken away, added and put in order, in the style of what stands beside them."""

import pytest

from gpurules.diagnostics import LineIndex, LocatedEdit
from gpurules.rules.yaml.edits import reorder_keys, with_entry, without_item, without_key
from gpurules.rules.yaml.nodes import YamlMapping, YamlSequence
from gpurules.rules.yaml.reader import read_yaml


def mapping(text: str) -> YamlMapping:
    root = read_yaml(text).root
    assert isinstance(root, YamlMapping)
    return root


def made(text: str, edits: tuple[LocatedEdit, ...]) -> str:
    """Return *text* with the one edit made; the text itself where there is none."""
    for edit in edits:
        starts = LineIndex(text)
        offsets = {starts.position(offset): offset for offset in range(len(text) + 1)}
        place = edit.location
        start, end = offsets[place.line, place.column], offsets[place.end_line, place.end_column]
        text = text[:start] + edit.replacement + text[end:]
    return text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\nb: 2\nc: 3\n", "a: 1\nc: 3\n"),
        ("a: 1\nb:\n  - x\n  - y\n# of c\nc: 3\n", "a: 1\n# of c\nc: 3\n"),
        ("b: 2\nc: 3\n", "c: 3\n"),
        ("a: 1\nb: |\n  some\n  text\n\nc: 3\n", "a: 1\n\nc: 3\n"),
        ("a: 1\nb: 2  # why", "a: 1\n"),
        ("a: 1\r\nb: 2\r\nc: 3\r\n", "a: 1\r\nc: 3\r\n"),
        ("{a: 1, b: {x: [2, 3]}, c: 3}", "{a: 1, c: 3}"),
        ("{a: 1, b: 2}", "{a: 1}"),
        ("{b: 2, c: 3}", "{c: 3}"),
        ("b: 2\n", "b: 2\n"),
        ("x: &x {b: 2}\n", "x: &x {b: 2}\n"),
    ],
)
def test_an_entry_is_taken_away_with_its_line(before: str, after: str) -> None:
    assert made(before, without_key(mapping(before), "b")) == after


def test_an_entry_that_was_merged_in_stays() -> None:
    text = "x: &x {b: 2}\ny: {<<: *x, a: 1}\n"
    merged = mapping(text).values["y"]
    assert isinstance(merged, YamlMapping)
    assert without_key(merged, "b") == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("k: [1, 2, 3]\n", "k: [1, 3]\n"),
        ("k: [1, 2]\n", "k: [1]\n"),
        ("k:\n  - a: 1\n  - b: 2\n    c: 3  # x\n  - d: 4\nl: 5\n", "k:\n  - a: 1\n  - d: 4\nl: 5\n"),
        ("k:\n- a\n- b", "k:\n- a\n"),
        ("k: [2]\n", "k: [2]\n"),
    ],
)
def test_an_item_is_taken_away(before: str, after: str) -> None:
    listed = mapping(before).values["k"]
    assert isinstance(listed, YamlSequence)
    assert made(before, without_item(listed, min(1, len(listed.items) - 1))) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("v: 1\n# all\nrules: []\n", "v: 1\ndefine:\n  n: x > 80%\n# all\nrules: []\n"),
        ("define:\n    a: 1\nrules: []\n", "define:\n    n: x > 80%\n    a: 1\nrules: []\n"),
        ("define: {a: 1}\nrules: []\n", "define: {n: x > 80%, a: 1}\nrules: []\n"),
        ("{v: 1, rules: []}", "{v: 1, define: {n: x > 80%}, rules: []}"),
        ('{"v": 1, "rules": []}', '{"v": 1, "define": {"n": "x > 80%"}, "rules": []}'),
        ('{"define": {"a": 1}}', '{"define": {"n": "x > 80%", "a": 1}}'),
        ("define: []\nrules: []\n", None),
    ],
)
def test_an_entry_is_added_beside_the_others_or_in_a_section_of_its_own(before: str, after: str | None) -> None:
    edit = with_entry(mapping(before), "define", "n", "x > 80%", ("rules",))
    assert (None if edit is None else made(before, (edit,))) == after


@pytest.mark.parametrize(
    ("value", "written"),
    [("a == 'b'", "a == 'b'"), ("a IN ('b', 'c')", "a IN ('b', 'c')"), ("'b' == a # c", "'''b'' == a # c'")],
)
def test_a_value_has_quotes_where_it_needs_them(value: str, written: str) -> None:
    edit = with_entry(mapping("rules: []\n"), "define", "n", value, ("rules",))
    assert edit is not None
    assert edit.replacement == f"define:\n  n: {written}\n"
    assert mapping(edit.replacement).values["define"].values["n"].text == value  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("b: 2\na: 1\nx: 3\n", "a: 1\nb: 2\nx: 3\n"),
        ("# head\nb: 2  # two\n# of a\na:\n  - 1\n", "# head\n# of a\na:\n  - 1\nb: 2  # two\n"),
        ("{b: 2, a: [1, 1]}", "{a: [1, 1], b: 2}"),
        ("b: &x 2\na: *x\n", "b: &x 2\na: *x\n"),
        ("b: 2\n\n# a chapter\n\na: 1\n", "b: 2\n\n# a chapter\n\na: 1\n"),
        ("b: |+\n  text\n\na: 1\n", "b: |+\n  text\n\na: 1\n"),
        ("b: 2\na: 1", "a: 1\nb: 2"),
        ("b: 2\na: |\n  no end of line", "b: 2\na: |\n  no end of line"),
    ],
)
def test_keys_are_put_in_order_where_the_file_says_the_same_then(before: str, after: str) -> None:
    assert made(before, reorder_keys(mapping(before), ("a", "b"))) == after
