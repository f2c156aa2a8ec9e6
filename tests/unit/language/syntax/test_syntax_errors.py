"""What is said where a condition cannot be read."""

import pytest

from gpurules.diagnostics import Span
from gpurules.language import parse
from gpurules.language.syntax.syntax_errors import segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a AND b", ["a ", " b"]),
        ("a AND (b OR c) or d", ["a ", " (b OR c) ", " d"]),
        ("x BETWEEN 1 AND 2 AND y", ["x BETWEEN 1 AND 2 ", " y"]),
        ("'a AND b' && c", ["'a AND b' ", " c"]),
        ("a # AND b\n OR c", ["a # AND b\n ", " c"]),
        ("android", ["android"]),
        ("a)) AND b", ["a)) ", " b"]),
    ],
)
def test_a_condition_falls_apart_at_its_outermost_and_and_or(text: str, parts: list[str]) -> None:
    found = list(segments(text))
    assert [text[s.start : s.end] for s in found] == parts
    assert all(isinstance(s, Span) for s in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the condition is empty"),
        ("gpu_memory >", "the condition ends, but"),
        ("gpu_memory > )", "unexpected ')'"),
        ("x == 'abc", "the string is not closed"),
        ("gpu_memory ^ 2", "'^' is not an operator here"),
        ("é > 1", "'é' (U+00E9) cannot be in a name"),
        ("gpu_memory > 80 %", "'%' is not an operator here"),
    ],
)
def test_the_message_says_what_is_wrong(text: str, message: str) -> None:
    assert message in parse(text).findings[0].message


def test_what_could_stand_there_is_grouped() -> None:
    (found,) = parse("gpu_memory > 80 gpu_power").findings
    assert found.hint is not None
    assert "the end" in found.hint or "AND" in found.hint
