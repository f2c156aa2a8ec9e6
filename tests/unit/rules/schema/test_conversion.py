"""Located nodes to data."""

import pytest

from gpurules.rules.schema.conversion import Converter
from gpurules.rules.yaml.reader import read_yaml

DURATION = {"type": "number", "x-dimension": "seconds"}
TEXT = {"type": "string"}
WRITTEN = {"type": "string", "x-written": True}


def converted(text: str, schema: dict[str, object]) -> tuple[object, list[tuple[str, int]]]:
    """Return the data of ``key: text``, with code and column of each problem."""
    root = read_yaml(f"key: {text}\n").root
    assert root is not None
    converter = Converter()
    data = converter.data(root, {"properties": {"key": schema}})
    return data["key"], [(d.code, d.column) for d in converter.problems]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("1h30m", 5400),
        ("30", 30),
        ("0.5", 0.5),
        ("'2m'", 120),
        ("-5s", -5),
        ("1_000", 1000),
        ("250ms", 0.25),
    ],
)
def test_a_quantity_is_in_its_canonical_unit(text: str, seconds: float) -> None:
    assert converted(text, DURATION) == (seconds, [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("100MB", "GPR104"),
        ("22:00", "GPR403"),
        ("soon", "GPR403"),
        ("5min", "GPR403"),
        ("''", "GPR403"),
        ("yes", "GPR403"),
    ],
)
def test_what_is_no_such_quantity_is_diagnosed_at_its_place(text: str, code: str) -> None:
    data, problems = converted(text, DURATION)
    assert data is None
    assert problems == [(code, 6)]


@pytest.mark.parametrize("text", ["22:00", "TRUE", "on", "1e-1", "0x10", "~", "2026-01-01", "gpu_memory > 80"])
def test_an_expression_is_taken_as_written(text: str) -> None:
    assert converted(text, WRITTEN) == (text, [])


@pytest.mark.parametrize("text", ["no", "1:30", "12", "null", "1.5"])
def test_a_text_that_yaml_reads_as_something_else_is_warned_of(text: str) -> None:
    assert converted(text, TEXT) == (text, [("GPR006", 6)])
    assert converted(f"'{text}'", TEXT) == (text, [])


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("12", 12), ("1.5", 1.5), ("~", None), ("'12'", "12"), ("abc", "abc")]
)
def test_other_values_are_what_yaml_reads(text: str, value: object) -> None:
    assert converted(text, {}) == (value, [])


def test_the_alternative_that_is_meant_goes_by_the_kind() -> None:
    schema: dict[str, object] = {"oneOf": [WRITTEN, {"type": "array", "items": DURATION}]}
    assert converted("[1m, 2]", schema) == ([60, 2], [])
    assert converted("1m", schema) == ("1m", [])
