"""Where nodes and the characters in them stand."""

import math

import pytest

from gpurules.rules.yaml.nodes import YamlScalar, plain_value
from gpurules.rules.yaml.reader import read_yaml


def scalar(text: str) -> YamlScalar:
    found = read_yaml(text).root.values["k"]
    assert isinstance(found, YamlScalar)
    return found


def place_of(word: str, text: str) -> tuple[int, int, int, int]:
    node = scalar(text)
    start = node.text.index(word)
    place = node.location(start, start + len(word))
    return place.line, place.column, place.end_line, place.end_column


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("k: gpu AND bad > 5", (1, 12, 1, 15)),
        ("k: 'a == ''b'' AND bad'", (1, 20, 1, 23)),
        ('k: "a == \\"b\\" \\u0041ND bad"', (1, 25, 1, 28)),
        ("k:\n  gpu\n  AND\n\n  bad > 5", (5, 3, 5, 6)),
        ("k: |\n  gpu\n   AND bad", (3, 8, 3, 11)),
        ("k: |2-  # bad comment\n    gpu\n\n  bad", (4, 3, 4, 6)),
        ("k: >\n  gpu\n  AND\n\n    more\n  bad\n", (6, 3, 6, 6)),
        ("k: |\r\n  gpu\r\n  bad\r\n", (3, 3, 3, 6)),
        ('k: "gpu \\\n   AND\n   bad"', (3, 4, 3, 7)),
        ("k: é😀 bad", (1, 7, 1, 10)),
        ("k: &x !!str bad", (1, 13, 1, 16)),
    ],
)
def test_a_word_is_found_in_every_style(text: str, place: tuple[int, int, int, int]) -> None:

    assert place_of("bad", text) == place


def test_the_end_of_a_text_is_after_its_last_character() -> None:
    node = scalar("k: 'ab'")
    place = node.location(2, 2)
    assert (place.line, place.column) == (1, 7)


def test_the_start_of_an_empty_text_is_inside_its_quotes() -> None:
    place = scalar("k: ''").location(0, 0)
    assert (place.line, place.column) == (1, 5)


def test_a_block_ends_with_its_last_line() -> None:
    place = scalar("k: |\n  a\n  b\n\n\nj: 1").location()
    assert (place.line, place.column, place.end_line, place.end_column) == (1, 4, 3, 4)


def test_a_mapping_is_pointed_at_by_its_first_line() -> None:
    place = read_yaml("k:\n  a: 1\n  b: 2\n").root.values["k"].location()
    assert (place.line, place.column, place.end_line, place.end_column) == (2, 3, 2, 7)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("yes", True), ("Off", False), ("TRUE", True), ("y", "y"),
        ("oN", "oN"),
        ("12", 12), ("-3", -3), ("+3", 3), ("1_000", 1000), ("0", 0), ("010", 8), ("08", "08"), ("0x1F", 31),
        ("0b101", 5), ("1:30", 90), ("-1:30", -90), ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0),
        ("1.5e-3", 0.0015), ("1:30.5", 90.5), ("-.inf", -math.inf), ("1.2.3", "1.2.3"), ("a", "a"), ("-", "-"),
        (".", "."), ("1-2", "1-2"), ("2026-01-31", "2026-01-31"), ("0x", "0x"), ("9" * 500, "9" * 500), ("=", "="),
    ],
)  # fmt: skip
def test_plain_values_are_those_of_yaml(text: str, value: object) -> None:
    assert plain_value(text) == value
    assert type(plain_value(text)) is type(value)


def test_nan_is_a_float() -> None:
    assert math.isnan(plain_value(".nan"))  # type: ignore[arg-type]
