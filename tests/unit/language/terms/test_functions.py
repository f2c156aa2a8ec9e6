"""The table of functions."""

import pytest

from gpurules.language.terms.functions import FUNCTIONS, Family, Function
from gpurules.language.terms.values import AGGREGATES, SCALARS


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_every_function_says_how_it_is_written_and_what_it_gives(function: Function) -> None:
    assert function.signature.startswith(f"{function.name}(")
    assert function.summary
    assert function.most is None or function.least <= function.most


def test_every_function_has_an_answer() -> None:
    scalars = {n for n, f in FUNCTIONS.items() if f.family is not Family.WINDOW and not f.is_aggregate}
    assert scalars == SCALARS.keys()
    assert {n for n, f in FUNCTIONS.items() if f.is_aggregate} == AGGREGATES.keys()


def test_growth_needs_two_samples() -> None:
    assert {n for n, f in FUNCTIONS.items() if f.samples == 2} == {
        "delta",
        "rate",
        "increase",
        "deriv",
        "predict_linear",
    }
