"""The canonical layout."""

from collections.abc import Callable

import pytest

from gpurules.formatting import FormatError, format_text
from gpurules.rules import loads, shipped_names
from gpurules.rules.files.merge import read_file
from tests.conftest import GOLDEN

HEAD = "version: 1\nname: x\nrules:\n  - name: a\n    action: pause_transfer\n    condition: "


def test_an_ugly_file(golden: Callable[[str, str], None]) -> None:
    golden("formatting/formatted.yaml", format_text((GOLDEN / "formatting" / "ugly.yaml").read_text()))


def test_it_is_idempotent_on_it() -> None:
    once = format_text((GOLDEN / "formatting" / "ugly.yaml").read_text())
    assert format_text(once) == once


@pytest.mark.parametrize("name", shipped_names())
def test_what_ships_is_in_it(name: str) -> None:
    text = read_file(f"gpurules:{name}").decode()
    assert format_text(text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("gpu_memory>80", "gpu_memory > 80"),
        ("gpu_throttled && !active_training", "gpu_throttled AND NOT active_training"),
        ("file_type = 'model' or file_type <> \"log\"", "file_type == 'model' OR file_type != 'log'"),
        ("'file_type = ''model'''", "'file_type == ''model'''"),
        ('"file_type=\\"model\\""', "\"file_type == 'model'\""),
        ("file_type in ('model','log',)", "file_type IN ('model', 'log')"),
        ("gpu_memory >\n        80", "gpu_memory >\n      80"),
        (
            "|\n          gpu_memory>80   # a\n\n           AND gpu_throttled",
            "|\n      gpu_memory > 80  # a\n      AND gpu_throttled",
        ),
        (">-\n     gpu_memory>80\n     and gpu_throttled", ">-\n      gpu_memory > 80\n      AND gpu_throttled"),
        ("|2\n      gpu_memory>80", "|\n      gpu_memory > 80"),
    ],
)
def test_conditions_are_spelled_canonically_in_every_style(before: str, after: str) -> None:
    assert format_text(f"{HEAD}{before}\n") == f"{HEAD}{after}\n"


def test_a_condition_that_is_wrong_stays_as_it_is() -> None:
    text = f"{HEAD}gpu_memory>>80\n"
    assert format_text(text) == text


def test_line_ends_and_a_byte_order_mark_are_kept() -> None:
    text = "\ufeff" + f"{HEAD}gpu_memory>80\n".replace("\n", "\r\n")
    assert format_text(text) == text.replace(">80", " > 80")


def test_only_comments_change_nothing() -> None:
    assert format_text("# nothing\n") == "# nothing\n"
    assert format_text("") == ""


@pytest.mark.parametrize("text", ["a: [", "? a\n: b\n", "a: *b\n", "- 1\n---\n- 2\n"])
def test_what_cannot_be_read_is_not_formatted(text: str) -> None:
    with pytest.raises(FormatError):
        format_text(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:\n- b\n-   c:  1\n    d: 2\n", "a:\n  - b\n  - c: 1\n    d: 2\n"),
        ("a:\n    - - 1\n      - 2\n", "a:\n  - - 1\n    - 2\n"),
        ("a: { b: 1 , c: [ ] }\n", "a: {b: 1, c: []}\n"),
        ("a: {\n  b: 1,\n      c: 2 }\n", "a: {\n  b: 1,\n  c: 2}\n"),
        ("a:   &x\n      b: 1\nc: *x\n", "a: &x\n  b: 1\nc: *x\n"),
        ("a: b   \n\n\n\nc: d", "a: b\n\nc: d\n"),
        ("a:\n      b: 1\n      # of b\n# of c\nc: 1\n", "a:\n  b: 1\n  # of b\n# of c\nc: 1\n"),
        ("*x : 1\n" if False else "a: 1\n", "a: 1\n"),
        ("a: |\n    one\n      two\n\n    three\nb: 1\n", "a: |\n  one\n    two\n\n  three\nb: 1\n"),
        ("a: >+\n    one\n\n\nb: 1\n", "a: >+\n  one\n\n\nb: 1\n"),
        ("a: 'one\n      two'\n", "a: 'one\n  two'\n"),
        ("a:\n    b\n", "a:\n  b\n"),
        ("- a\n-    b: 1\n", "- a\n- b: 1\n"),
    ],
)
def test_yaml_is_laid_out(before: str, after: str) -> None:
    assert format_text(before) == after
    assert format_text(after) == after


def test_the_version_of_a_ruleset_does_not_change() -> None:
    text = f"{HEAD}gpu_memory > 80 AND gpu_throttled\n"
    ugly = (
        text.replace("\n    ", "\n        ").replace("  - name: a", "-       name:    a").replace("80 AND", "80    AND")
    )
    assert format_text(ugly) == text
    assert loads(ugly).version == loads(text).version
