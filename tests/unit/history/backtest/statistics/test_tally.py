"""What a tally reports: quantiles that are not exact are marked in every output."""

import numpy as np
import pytest

from gpurules.cli.history.drawn import row
from gpurules.history.backtest.statistics.tally import RuleTally
from gpurules.history.backtest.statistics.value_counts import MOST_DISTINCT


@pytest.mark.parametrize(("count", "is_marked"), [(MOST_DISTINCT, False), (MOST_DISTINCT + 1, True)])
def test_quantiles_that_are_not_exact_are_marked(count: int, is_marked: bool) -> None:
    tally = RuleTally("hot", True)
    tally.episodes.add(60.0 + np.arange(count) / 1000)
    data, cells = tally.to_dict("rule"), row(tally)
    assert ("episode_seconds_error" in data) == is_marked
    if is_marked:
        assert data["episode_seconds_error"] == 2.0**-11
    median, p95, longest = cells[4:7]
    assert [text.startswith("~") for text in (median, p95, longest)] == [is_marked, is_marked, False]
    assert data["episodes"] == count and data["episode_seconds"]["max"] == 60.0 + (count - 1) / 1000  # type: ignore[index]
