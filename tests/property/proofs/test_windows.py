"""What is proved never to hold of two windows does not hold of the windows of any series."""

from functools import cache
from itertools import product
from random import Random

import pytest

from gpurules.engine.state.history import Series, over_time
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.language.terms.values import compare
from gpurules.model import Value
from gpurules.proofs.formulas.claims import ScopedCondition, is_true
from gpurules.proofs.prover import Prover, Unsat
from tests.factories import checked

WINDOWS = [
    f"{name}({field}[{seconds}s])".replace("quantile_over_time(", "quantile_over_time(0.3, ")
    for seconds in (20, 40)
    for field in ("gpu_power",)
    for name in (
        "min_over_time", "avg_over_time", "quantile_over_time", "max_over_time", "last_over_time", "count_over_time",
        "increase", "delta",
    )
]  # fmt: skip
COMPARATORS = ("<", "<=", ">", ">=", "==", "!=")


@cache
def proved() -> list[tuple[ir.Window, Comparator, ir.Window]]:
    """Return the comparisons of two windows that are proved never to hold."""
    found = []
    for left, sign, right in product(WINDOWS, COMPARATORS, WINDOWS):
        if left == right or ("count" in left) is not ("count" in right):
            continue
        term = checked(f"{left} {sign} {right}").term
        stated = ScopedCondition(term)
        if isinstance(Prover([stated]).ask([is_true(stated)]), Unsat):
            assert isinstance(term, ir.Compare)
            first, second = term.operands
            assert isinstance(first, ir.Window) and isinstance(second, ir.Window)
            found.append((first, term.comparators[0], second))
    return found


def test_what_is_proved_is_what_is_known_of_windows() -> None:
    reported = {(first.function[:3], first.seconds, sign.value, second.function[:3], second.seconds)
            for first, sign, second in proved()}  # fmt: skip
    assert ("max", 20.0, ">", "max", 40.0) in reported
    assert ("max", 40.0, ">", "max", 20.0) not in reported
    assert ("avg", 20.0, ">", "max", 40.0) in reported
    assert ("avg", 40.0, ">", "max", 20.0) not in reported
    assert ("min", 20.0, ">", "max", 40.0) in reported
    assert ("las", 20.0, "!=", "las", 40.0) in reported
    assert ("cou", 20.0, ">", "cou", 40.0) in reported


def value_of_window(window: ir.Window, series: Series, now: float) -> Value:
    return over_time(window, series.window(now, window.seconds), now)


@pytest.mark.parametrize("seed", range(40))
def test_no_series_contradicts_it(seed: int) -> None:
    random = Random(seed)
    series = Series()
    for step in range(60):
        now = 5.0 * step
        if random.random() < 0.7:
            series.add(now, random.choice((0.1, 0.1, 0.1, 0.3, 1e16, 7.7, random.random())), 100.0)
        for first, sign, second in proved():
            assert compare(sign, value_of_window(first, series, now), value_of_window(second, series, now)) is not True
