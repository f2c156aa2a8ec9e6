"""Trees to text."""

import pytest

from gpurules.language.terms.printer import quote, spell
from tests.factories import checked


@pytest.mark.parametrize(
    "text",
    [
        "gpu_memory > 80",
        "70 <= gpu_memory < 90",
        "NOT gpu_throttled AND (active_training OR gpu_mig)",
        "path NOT IN ('a', 'b')",
        "path NOT GLOB '*.tmp'",
        "gpu_power IS NOT MISSING",
        "NOT (gpu_memory > 80 AND gpu_mig)",
        "gpu_power - (gpu_power_limit - 5W) > 1W",
        "(gpu_power + 1W) * 2 > 1W",
        "gpu_power / (2 * 3) > 1W",
        "-(gpu_power + 1W) < 0",
        "80% * gpu_memory_total > gpu_memory_used",
        "max(gpu_power) > 5W",
        "quantile_over_time(0.95, gpu_power[300s]) > 5W",
        "predict_linear(gpu_power[120s], 60s) > 5W",
        "coalesce(transfer_size, 0) > 1GiB",
        "(active_training OR gpu_mig) == TRUE",
    ],
)
def test_a_checked_condition_is_spelled_as_it_would_be_written(text: str) -> None:
    assert spell(checked(text).term) == text


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("a", "'a'"),
        ("it's", '"it\'s"'),
        ("both \" and '", "'both \" and \\''"),
        ("a\nb\tc\\", "'a\\nb\\tc\\\\'"),
        ("\x00\u200b", "'\\u0000\\u200b'"),
        ("é🙂", "'é🙂'"),
    ],
)
def test_a_text_is_quoted_so_that_it_reads_back(text: str, literal: str) -> None:
    assert quote(text) == literal
