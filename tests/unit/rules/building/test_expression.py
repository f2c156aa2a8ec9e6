"""Where each part of an expression is in the file, in every way YAML can write it."""

import pytest

from gpurules.rules import RulesetError, loads

HEAD = "version: 1\nname: x\n"


def place(text: str) -> tuple[int, int, int]:
    """Return line, column and end column of the one error of a ruleset."""
    with pytest.raises(RulesetError) as caught:
        loads(text)
    (found,) = caught.value.diagnostics
    return found.line, found.column, found.end_column


def rule(condition: str) -> str:
    return f"{HEAD}rules:\n  - name: a\n    condition: {condition}\n    action: pause_transfer\n"


@pytest.mark.parametrize(
    ("condition", "line", "column"),
    [
        ("gpu_memory > 1 AND gpu_memroy > 80", 5, 35),
        ("'gpu_memory > 1 AND gpu_memroy > 80'", 5, 36),
        ('"gpu_memory > 1 AND gpu_memroy > 80"', 5, 36),
        ("'path == ''é'' AND gpu_memroy > 80'", 5, 35),
        ('"path == \\"\\u00e9\\" AND gpu_memroy > 80"', 5, 40),
        ("|\n      gpu_memory > 1\n      AND gpu_memroy > 80", 7, 11),
        (">-\n      gpu_memory > 1\n      AND gpu_memroy > 80", 7, 11),
        ("|2\n      gpu_memory > 1 AND gpu_memroy > 80", 6, 26),
        (">\n\n\n      gpu_memory > 1\n\n      AND gpu_memroy > 80", 10, 11),
        ("gpu_memory > 1\n      AND gpu_memroy > 80", 6, 11),
        ("'gpu_memory > 1\n      AND gpu_memroy > 80'", 6, 11),
        ('"gpu_memory > 1 \\\n      AND gpu_memroy > 80"', 6, 11),
        ("&c gpu_memory > 1 AND gpu_memroy > 80", 5, 38),
        ("!!str gpu_memory > 1 AND gpu_memroy > 80", 5, 41),
        ("path == '名前🙂' AND gpu_memroy > 80", 5, 34),
    ],
    ids=["plain", "single", "double", "quotes", "escapes", "literal", "folded", "indented", "blank lines",
         "plain lines", "single lines", "double lines", "anchor", "tag", "wide"],
)  # fmt: skip
def test_a_position_is_exact_in_every_style(condition: str, line: int, column: int) -> None:
    assert place(rule(condition)) == (line, column, column + 10)


def test_lines_may_end_in_any_way_and_a_mark_may_stand_before_them() -> None:
    text = rule("|\n      gpu_memory > 1\n      AND gpu_memroy > 80")
    assert place(text.replace("\n", "\r\n")) == (7, 11, 21)
    assert place(text.replace("\n", "\r")) == (7, 11, 21)
    assert place("\ufeff" + text) == (7, 11, 21)


def test_the_place_in_a_define_is_that_of_the_define() -> None:
    text = (
        f"{HEAD}define:\n  hot: gpu_temperature > 85 AND gpu_memroy > 1\nrules:\n"
        "  - {name: a, condition: hot, action: pause_transfer}\n"
    )
    assert place(text) == (4, 33, 43)


def test_the_place_in_a_list_is_that_of_its_item() -> None:
    text = (
        f"{HEAD}define:\n  sizes:\n    - 1MB\n    - 5mb\nrules:\n"
        "  - {name: a, condition: transfer_size IN sizes, action: pause_transfer}\n"
    )
    assert place(text)[:2] == (6, 7)


def test_the_place_in_until_is_that_of_until() -> None:
    text = f"{HEAD}signals:\n  s:\n    condition: gpu_memory > 80\n    until: gpu_memroy < 50\nrules: []\n"
    assert place(text) == (6, 12, 22)


@pytest.mark.parametrize(
    ("items", "condition", "value"),
    [
        ("['model', 'tensor']", "file_type IN list", True),
        ("[model, tensor]", "file_type IN list", True),
        ('["dataset"]', "file_type IN list", False),
        ("[1MB, 2MB, 100]", "transfer_size IN list", True),
        ("[-5, 5]", "transfer_priority IN list", True),
    ],
)
def test_a_list_of_yaml_is_a_list_of_the_language(items: str, condition: str, value: bool) -> None:
    from tests.factories import model, one_gpu

    ruleset = loads(
        f"{HEAD}define: {{list: {items}}}\nrules:\n  - {{name: a, condition: {condition}, action: pause_transfer}}\n"
    )
    decision = ruleset.evaluate(one_gpu(), model(size=2 * 1024**2, priority=-5))
    assert (decision.rules == ("a",)) is value
