import math

import pytest

from gpurules.model import FactError
from gpurules.model.reading import Reader, finite, format_rejected


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0, 0),
        (-0.0, 0.0),
        (2**63 - 1, 2**63 - 1),
        (2**63, float(2**63)),
        (10**400, None),
        (math.nan, None),
        (math.inf, None),
        (True, None),
        ("1", None),
        (None, None),
    ],
)
def test_a_number_is_finite_or_missing(value: object, read: object) -> None:
    found = finite(value)
    assert found == read
    assert type(found) is type(read)


def test_what_is_shown_is_short() -> None:
    assert len(format_rejected("x" * 1000)) == 60
    assert format_rejected(10**5000) == "a huge integer"


def test_a_reader_says_why_a_value_was_not_taken() -> None:
    read = Reader({"n": "x", "low": -1, "t": 1, "f": "yes", "m": [], "ts": ["a", 1]}, "a thing")
    assert (read.number("n"), read.number("low", 0), read.text("t"), read.flag("f")) == (None, None, None, None)
    assert (dict(read.mapping("m")), read.texts("ts")) == ({}, ())
    assert set(read.missing) == {"n", "low", "t", "f", "m", "ts"}


def test_absent_and_null_need_no_reason() -> None:
    read = Reader({"n": None}, "a thing")
    assert (read.number("n"), read.text("t"), read.items("i")) == (None, None, [])
    assert read.missing == {}


def test_what_is_no_mapping_is_refused() -> None:
    with pytest.raises(FactError, match="a thing must be a mapping, not list"):
        Reader([], "a thing")
    with pytest.raises(FactError, match="'i' must be a list"):
        Reader({"i": 7}, "a thing").items("i")
