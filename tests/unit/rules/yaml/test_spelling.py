"""Data in one line of YAML."""

import pytest

from gpurules.rules.yaml.spelling import flow, scalar


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model", "model"),
        ("a: b", "'a: b'"),
        ("it's", "'it''s'"),
        ("-x", "'-x'"),
        ("null", "'null'"),
        ("a\n", '"a\\n"'),
    ],
)
def test_texts_are_quoted_where_yaml_wants_it(text: str, expected: str) -> None:
    assert scalar(text) == expected


def test_data_is_written_in_one_line() -> None:
    assert flow({"a": [1, 2.5, None, True], "b": "x: y"}) == "{a: [1, 2.5, null, true], b: 'x: y'}"
