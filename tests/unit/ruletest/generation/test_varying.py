"""What parts of conditions are tried with."""

import pytest

from gpurules.fields import FIELDS
from gpurules.language.terms.printer import spell
from gpurules.model import Value
from gpurules.ruletest.generation.varying import (
    format_value,
    has_window,
    leaves,
    limits,
    path_of,
    reads_in,
    values_around,
)
from tests.factories import checked


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("gpu_memory > 80", "gpu_memory", [79.9, 80, 80.1]),
        ("gpu_temperature > 85", "gpu_temperature", [84, 85, 86]),
        ("gpu_memory > 100", "gpu_memory", [99, 100]),  # not beyond its range
        ("70 < gpu_memory <= 80", "gpu_memory", [69.9, 70, 70.1, 79.9, 80, 80.1]),
        ("transfer_size > 1GiB", "transfer_size", [2**30 - 1, 2**30, 2**30 + 1]),
        ("gpu_throttled", "gpu_throttled", [True, False]),
        ("file_type IN ('model', 'log')", "file_type", ["model", "log", "dataset"]),
        ("workload_id == 'w-1'", "workload_id", ["w-1", "another"]),
        ("path GLOB '*.pt'", "path", []),
    ],
)
def test_a_limit_is_tried_at_its_value_and_beside_it(text: str, field: str, expected: list[Value]) -> None:
    assert values_around(FIELDS[field], checked(text).term) == expected


def test_parts_are_those_without_further_parts() -> None:
    found = leaves(checked("gpu_memory > 80 AND (NOT any(gpu_throttled) OR count(gpu_power > 3) > 2)").term)
    assert [spell(leaf) for leaf in found] == ["gpu_memory > 80", "gpu_throttled", "count(gpu_power > 3) > 2"]


def test_fields_and_limits_and_windows_of_a_part() -> None:
    term = checked("avg_over_time(gpu_power[1m]) > gpu_power_limit").term
    assert [field.name for field in reads_in(term)] == ["gpu_power_limit"]
    assert has_window(term) and not has_window(checked("gpu_power > 3").term)
    assert limits(checked("3 < gpu_power <= 5").term) == [3, 5]
    assert limits(checked("gpu_power IS MISSING").term) == []


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("gpu_memory", "gpu[0].memory"),
        ("gpu_index", None),
        ("transfer_size", "transfer.size"),
        ("file_name", "transfer.path"),
        ("file_extension", None),
        ("host", "snapshot.host"),
        ("pending_transfers", "node.pending_transfers"),
        ("memory_footprint", "workload.memory_footprint"),
    ],
)
def test_a_field_has_the_path_under_which_tests_give_it(field: str, expected: str | None) -> None:
    assert path_of(FIELDS[field], 0) == expected


def test_values_are_written_with_their_units() -> None:
    written_as = [format_value(value, FIELDS[name]) for name, value in (
        ("gpu_memory", 81), ("transfer_size", 2**30), ("gpu_temperature", None), ("file_type", "model"),
    )]  # fmt: skip
    assert written_as == ["81%", "1GiB", "_", "model"]
