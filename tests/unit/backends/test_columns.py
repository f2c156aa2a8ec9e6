"""Columns of one value are what a list of it is, without the list."""

import numpy as np
import pytest

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.columnar import Texts, Truths, as_column, repeat_value
from gpurules.model import Kind, Value

VALUES: list[tuple[Value, Kind]] = [
    (None, Kind.NUMBER), (3, Kind.NUMBER), (2.5, Kind.NUMBER), (None, Kind.STRING), ("model", Kind.STRING),
    ("", Kind.STRING), (None, Kind.BOOL), (True, Kind.BOOL), (False, Kind.BOOL),
]  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 5])
@pytest.mark.parametrize(("value", "kind"), VALUES)
def test_a_value_that_is_repeated_is_a_list_of_it(value: Value, kind: Kind, count: int) -> None:
    match repeat_value(value, kind, count), as_column([value] * count, kind):
        case Truths(true, false), Truths(same_true, same_false):
            assert true.tolist() == same_true.tolist() and false.tolist() == same_false.tolist()
        case Texts(codes, words), Texts(same_codes, same_words):
            spelled = [None if code < 0 else words[code] for code in codes.tolist()]
            assert spelled == [None if code < 0 else same_words[code] for code in same_codes.tolist()]
            assert codes.dtype == same_codes.dtype
        case found, same:
            assert np.array_equal(found, same, equal_nan=True)  # type: ignore[arg-type]


def test_an_integer_that_no_double_equals_is_refused() -> None:
    with pytest.raises(UnsupportedError):
        repeat_value(2**53 + 1, Kind.NUMBER, 3)
