"""Quantiles of counted values: those of NumPy while they are few, and close to them beyond, in bounded memory."""

import pickle
import random

import numpy as np
import pytest

from gpurules.history.backtest.statistics.value_counts import MOST_DISTINCT, ValueCounts

SHARES = (0.0, 0.05, 0.3, 0.5, 0.95, 1.0)


def counted(*parts: np.ndarray) -> ValueCounts:
    counts = ValueCounts()
    for part in parts:
        counts.add(part)
    return counts


@pytest.mark.parametrize("seed", range(30))
def test_quantiles_of_few_distinct_values_are_those_of_numpy_to_the_last_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    distinct = np.append(0.0, rng.exponential(10.0 ** rng.integers(-3, 6), rng.integers(1, MOST_DISTINCT)))
    values = rng.choice(distinct, rng.integers(1, 20_000))
    counts = counted(*np.array_split(values, rng.integers(1, 50)))
    assert [counts.quantile(share) for share in SHARES] == np.quantile(values, SHARES).tolist()
    assert (len(counts), counts.greatest, counts.relative_error) == (len(values), values.max(), None)


@pytest.mark.parametrize("spread", [1e-9, 1.0, 1e6])
def test_quantiles_of_many_distinct_values_are_as_close_as_they_say(spread: float) -> None:
    rng = np.random.default_rng(5)
    values = 5.0 + np.append(rng.exponential(spread, 50_000), rng.lognormal(0, 8, 50_000))
    counts = counted(values)
    error = counts.relative_error
    assert error is not None and error <= 2**-8
    for share in SHARES:
        exact = float(np.quantile(values, share))
        assert counts.quantile(share) == pytest.approx(exact, rel=error)
    assert (len(counts), counts.greatest, counts.quantile(1.0)) == (100_000, values.max(), counts.greatest)


def test_neither_order_nor_parts_change_what_is_counted_together() -> None:
    values = np.random.default_rng(1).lognormal(2, 3, 30_000)
    whole, rng = counted(values), random.Random(1)
    for _ in range(5):
        parts = [counted(part) for part in np.array_split(np.random.default_rng(2).permutation(values), 7)]
        rng.shuffle(parts)
        merged = ValueCounts()
        for part in parts:
            merged.merge(part)
        assert [part.tolist() for part in merged.values()] == [part.tolist() for part in whole.values()]
        assert (merged.relative_error, len(merged)) == (whole.relative_error, len(whole))


def test_its_size_does_not_grow_with_the_number_of_values() -> None:
    rng, counts = np.random.default_rng(3), ValueCounts()
    sizes = []
    for _ in range(4):
        for _ in range(50):
            counts.add(rng.lognormal(3, 2, 2_000))
        counts.settle()
        sizes.append(len(pickle.dumps(counts)))
    assert max(sizes) <= 17 * MOST_DISTINCT


def test_without_a_value_there_is_no_quantile() -> None:
    counts = ValueCounts()
    counts.add(np.zeros(0))
    counts.merge(ValueCounts())
    assert (len(counts), counts.quantile(0.5), counts.greatest, counts.relative_error) == (0, None, None, None)
