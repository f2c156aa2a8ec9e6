import pytest

from gpurules.model import Truth, conjunction, disjunction, negation

T, F, U = True, False, None


@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [
        (T, T, T, T),
        (T, F, F, T),
        (T, U, U, T),
        (F, F, F, F),
        (F, U, F, U),
        (U, U, U, U),
    ],
)
def test_and_and_or_have_kleenes_tables(a: Truth, b: Truth, both: Truth, either: Truth) -> None:
    assert conjunction([a, b]) is conjunction([b, a]) is both
    assert disjunction([a, b]) is disjunction([b, a]) is either


def test_not_leaves_the_unknown_unknown() -> None:
    assert (negation(T), negation(F), negation(U)) == (F, T, U)


def test_over_nothing_and_is_true_and_or_is_false() -> None:
    assert conjunction([]) is True
    assert disjunction([]) is False
