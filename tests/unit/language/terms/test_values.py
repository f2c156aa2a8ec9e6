"""What operators and functions do with values."""

import math

import pytest

from gpurules.language.syntax.nodes import Comparator, Sign, TextOperator
from gpurules.language.terms import values

BIG = 2**53


@pytest.mark.parametrize("sign", list(Sign))
@pytest.mark.parametrize(("left", "right"), [(None, 1), (1, None), (None, None)])
def test_arithmetic_with_something_missing_is_missing(sign: Sign, left: float | None, right: float | None) -> None:
    assert values.ARITHMETIC[sign](left, right) is None


@pytest.mark.parametrize(
    ("sign", "left", "right"),
    [
        (Sign.OVER, 1, 0),
        (Sign.OVER, 1.0, -0.0),
        (Sign.TIMES, 1e308, 10),
        (Sign.PLUS, 1.7e308, 1.7e308),
        (Sign.OVER, 1, 5e-324),
    ],
)
def test_what_leaves_the_doubles_is_missing(sign: Sign, left: float, right: float) -> None:
    assert values.ARITHMETIC[sign](left, right) is None


def test_whole_numbers_stay_exact() -> None:
    assert values.add(BIG, 1) == BIG + 1
    assert values.compare(Comparator.GT, BIG + 1, BIG) is True


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.5, 1), (-0.5, -1), (1.5, 2), (2.5, 3), (-2.5, -3), (0.49, 0), (-0.2, 0), (1e300, 1e300)]
)
def test_halves_are_rounded_away_from_zero(value: float, rounded: float) -> None:
    assert values.SCALARS["round"](value) == rounded


def test_floor_and_ceil() -> None:
    assert [values.SCALARS[f](-1.5) for f in ("floor", "ceil", "abs")] == [-2, -1, 1.5]


@pytest.mark.parametrize("name", ["abs", "round", "floor", "ceil", "lower", "upper", "length"])
def test_a_function_of_something_missing_is_missing(name: str) -> None:
    assert values.SCALARS[name](None) is None


def test_least_and_greatest_want_all_and_coalesce_the_first() -> None:
    assert values.least(1, None) is None
    assert values.greatest(1, 3, 2) == 3
    assert values.coalesce(None, 0, 5) == 0
    assert values.coalesce(None, False) is False
    assert values.coalesce(None, None) is None


@pytest.mark.parametrize("comparator", list(Comparator))
def test_a_comparison_with_something_missing_is_unknown(comparator: Comparator) -> None:
    assert values.compare(comparator, None, 1) is values.compare(comparator, 1, None) is None


@pytest.mark.parametrize(
    ("subject", "members", "found"),
    [
        (1, [1, None], True),
        (2, [1, None], None),
        (2, [1], False),
        (None, [1], None),
        (None, [None], None),
        (1, [], False),
    ],
)
def test_membership_with_a_missing_member_is_true_if_found_else_unknown(
    subject: object, members: list[object], found: object
) -> None:
    assert values.member(subject, members) is found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("operator", "pattern", "found"),
    [
        (TextOperator.CONTAINS, "b/c", True),
        (TextOperator.STARTSWITH, "/a", True),
        (TextOperator.ENDSWITH, ".PT", False),
        (TextOperator.GLOB, "/a/*.pt", True),
        (TextOperator.GLOB, "a/*", False),
        (TextOperator.MATCHES, "c[.]pt$", True),
        (TextOperator.CONTAINS, None, None),
    ],
)
def test_texts_are_searched(operator: TextOperator, pattern: str | None, found: object) -> None:
    assert values.text_test(operator, "/a/b/c.pt", pattern) is found
    assert values.text_test(operator, None, pattern) is None


def test_aggregates_of_numbers_skip_what_is_missing() -> None:
    some = [3, None, 1]
    assert [values.AGGREGATES[f](some) for f in ("max", "min", "avg", "sum")] == [3, 1, 2, 4]
    assert [values.AGGREGATES[f]([None]) for f in ("max", "min", "avg", "sum")] == [None] * 4
    assert [values.AGGREGATES[f]([]) for f in ("max", "min", "avg", "sum", "count")] == [None] * 4 + [0]
    assert values.total([1.7e308, 1.7e308]) is None


@pytest.mark.parametrize(
    ("truths", "any_", "all_", "count"),
    [
        ([], False, None, 0),
        ([True, None], True, None, 1),
        ([False, None], None, False, 0),
        ([True, True], True, True, 2),
        ([None], None, None, 0),
    ],
)
def test_aggregates_of_truths_follow_kleene_and_are_never_vacuously_true(
    truths: list[bool | None], any_: object, all_: object, count: int
) -> None:
    assert values.any_true(truths) is any_
    assert values.all_true(truths) is all_
    assert values.count_true(truths) == count


def test_a_number_that_is_none_never_comes_out() -> None:
    for function in ("abs", "round", "floor", "ceil"):
        assert values.SCALARS[function](1e308) is not None
    assert math.isfinite(values.SCALARS["round"](1e308))
