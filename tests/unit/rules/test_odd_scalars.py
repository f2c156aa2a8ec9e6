"""Scalars of YAML that are not what they look like: numbers of other bases, nulls, clock times for durations."""

import pytest

from gpurules.linter import lints

TEXT = """\
version: 1
name: odd
rules:
  - name: first
    condition: gpu_memory > 80
    priority: {priority}
    action: limit_concurrency
    parameters: {{max_concurrency: {limit}}}
"""


def found(text: str) -> list[tuple[str, int, str | None, bool]]:
    """Return the findings about scalars: code, line, hint, and whether a fix is offered."""
    wanted = ("GPR006", "GPR104", "GPR402", "GPR403", "GPR003", "GPR101", "GPR501")
    return [(d.code, d.line, d.hint, bool(d.edits)) for d in lints(text, "x.yaml") if d.code in wanted]


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("010", "write 8 or 10"),
        ("0_20", "write 16 or 20"),
        ("2:30", "write 150"),
        ("0x1F", "write 31"),
        ("0b101", "write 5"),
    ],
)
def test_a_number_of_another_base_is_named_and_left_to_its_author(written: str, hint: str) -> None:
    assert found(TEXT.format(priority=written, limit=written)) == [
        ("GPR006", 6, hint, False),
        ("GPR006", 8, hint, False),
    ]


def test_a_negative_octal_number_keeps_its_sign() -> None:
    assert found(TEXT.format(priority="-010", limit=1)) == [("GPR006", 6, "write -8 or -10", False)]


@pytest.mark.parametrize("written", ["0", "7", "07", "1_000", "10"])
def test_a_number_that_reads_the_same_is_left_alone(written: str) -> None:
    assert found(TEXT.format(priority=written, limit=5)) == []


@pytest.mark.parametrize("null", ["~", "null", "NULL"])
@pytest.mark.parametrize("key", ["name: first", "condition: gpu_memory > 80", "action: limit_concurrency"])
def test_null_for_a_key_that_is_needed_is_a_missing_key(key: str, null: str) -> None:
    text = TEXT.format(priority=1, limit=5).replace(key, f"{key.split(':')[0]}: {null}")
    assert [code for code, *_ in found(text)] == ["GPR402"]


def test_null_for_the_name_of_the_ruleset_is_a_missing_key() -> None:
    assert [code for code, *_ in found(TEXT.format(priority=1, limit=5).replace("name: odd", "name: ~"))] == ["GPR402"]


def test_a_text_that_looks_like_null_may_be_quoted() -> None:
    assert found(TEXT.format(priority=1, limit=5).replace("name: first", "name: '~'")) == []


@pytest.mark.parametrize(
    ("written", "hint", "is_fixed"),
    [
        ("00:05:00", "write 5m", True),
        ("01:30:10", "write 1h30m10s", True),
        ("'00:00:45'", "write 45s", True),
        ("22:00", "write 22m or 22h", False),
        ("1:30", "write 1m30s or 1h30m", False),
    ],
)
def test_a_clock_time_for_a_duration_is_a_wrong_value(written: str, hint: str, is_fixed: bool) -> None:
    text = TEXT.format(priority=1, limit=5).replace("priority: 1", f"for: {written}")
    assert found(text) == [("GPR403", 6, hint, is_fixed)]
