"""Which parts of conditions can be UNKNOWN at all."""

import pytest

from gpurules.ruletest.coverage.nullability import can_be_missing
from tests.factories import checked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpu_memory > 80", True),
        ("gpu_healthy", False),
        ("pending_transfers > 20", False),
        ("pending_transfers + active_workloads > 20", False),
        ("pending_bytes / pending_transfers > 1MiB", True),  # by 0
        ("pending_bytes / 2 > 1MiB", False),
        ("gpu_memory IS MISSING", False),
        ("coalesce(gpu_memory, 0) > 80", False),
        ("coalesce(gpu_memory, gpu_utilization) > 80", True),
        ("count(gpu_memory > 80) > 2", False),
        ("any(gpu_memory > 80)", True),
        ("any(gpu_healthy)", False),
        ("all(gpu_healthy)", True),  # over no GPU
        ("max(gpu_index) > 3", True),
        ("hour IN (1, 2)", False),
        ("file_type IN ('model', 'log')", True),
        ("avg_over_time(pending_transfers[1m]) > 3", False),
        ("delta(pending_transfers[1m]) > 3", True),  # of one sample
    ],
)
def test_a_part_can_be_unknown_where_a_fact_of_it_can_be_missing(text: str, expected: bool) -> None:
    assert can_be_missing(checked(text).term) is expected
