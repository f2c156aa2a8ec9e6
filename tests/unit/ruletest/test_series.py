"""The mini-language of series."""

import pytest

from gpurules.ruletest.series import SeriesError, samples


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("70% 86%x3", "70% 86% 86% 86%"),
        ("85+1x3", "85 86 87"),
        ("85C-0.5Cx3", "85C 84.5C 84C"),
        ("-2+1x4", "-2 -1 0 1"),
        ("_x2 stale gone", "_ _ stale gone"),
        ("model modelx2", "model model model"),
        ("2024-01-01", "2024-01-01"),
    ],
)
def test_it_is_read(text: str, expected: str) -> None:
    assert [sample.text for sample in samples(text)] == expected.split()


@pytest.mark.parametrize("text", ["", " ", "1x1000000", "85C+1Wx3", "1x100000 1x2"])
def test_it_is_refused(text: str) -> None:
    with pytest.raises(SeriesError):
        samples(text)
