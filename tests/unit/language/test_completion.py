"""What a condition that is being typed can go on with."""

import pytest

from gpurules.fields import declared_field
from gpurules.language.completion import Role, completion

NAMES = {"hot": Role.SIGNAL, "limit": Role.INPUT, "weights": Role.LIST}


def texts(before: str) -> list[str]:
    return [suggestion.text for suggestion in completion(before, names=NAMES).suggestions]


@pytest.mark.parametrize(
    "before", ["", "gpu_mem", "gpu_memory > 80 AND ", "NOT ", "(", "any(", "gpu_memory > ", "a || b"]
)
def test_where_a_value_can_stand_names_and_functions_are_offered(before: str) -> None:
    assert {"gpu_memory", "hot", "limit", "avg_over_time("} <= set(texts(before))
    assert "weights" not in texts(before)
    assert "AND" not in texts(before)


@pytest.mark.parametrize(
    ("before", "start"), [("gpu_mem", 0), ("gpu_memory > 80 AND gpu_", 20), ("a == 'mo", 6), ("gpu_power > 30W", 14)]
)
def test_the_word_that_is_replaced_starts_where_it_was_begun(before: str, start: int) -> None:
    assert completion(before).start == start


def test_an_operator_fits_the_type_of_the_field_before_it() -> None:
    assert {">", "<=", "==", "BETWEEN", "IS MISSING", "AND"} <= set(texts("gpu_memory "))
    assert "CONTAINS" not in texts("gpu_memory ")
    assert {"==", "CONTAINS", "MATCHES", "IN ("} <= set(texts("path "))
    assert not {">", "BETWEEN"} & set(texts("path "))
    assert not {">", "CONTAINS", "IN ("} & set(texts("active_training "))


@pytest.mark.parametrize(
    "before", ["file_type == ", "file_type IN (", "file_type IN ('model', ", "x AND file_type != "]
)
def test_the_values_of_an_enum_come_first(before: str) -> None:
    found = completion(before, names=NAMES).suggestions
    assert [s.text for s in found if s.rank == 0][:2] == ["'model'", "'dataset'"]


@pytest.mark.parametrize(("before", "mark"), [("file_type == '", "'"), ('file_type IN ("mo', '"')])
def test_inside_a_text_only_the_values_of_the_field_are_offered(before: str, mark: str) -> None:
    assert texts(before)[0] == f"model{mark}"
    assert all(text.endswith(mark) for text in texts(before))


@pytest.mark.parametrize("before", ["gpu_memory > 80 # gpu", "path == 'gpu_", "'it''s', \"gpu"])
def test_in_comments_and_other_texts_nothing_is_offered(before: str) -> None:
    assert texts(before) == []


def test_units_are_those_of_the_field_that_is_compared() -> None:
    assert texts("gpu_memory > 80") == ["%"]
    assert texts("gpu_power BETWEEN 100W AND 30") == ["mW", "W", "kW"]
    assert "GiB" in texts("transfer_size >= 1.5G")
    assert texts("avg_over_time(gpu_power[1") == ["us", "ms", "s", "m", "h", "d"]
    assert texts("gpu_count > 2") == []


def test_after_in_stands_a_bracket_or_the_name_of_a_list() -> None:
    assert texts("file_type IN ") == ["(", "weights"]


def test_after_a_mistake_the_last_part_still_completes() -> None:
    assert texts("gpu_memory >> 80 AND file_type == '")[0] == "model'"
    assert "MISSING" in texts("!! nonsense AND gpu_memory IS ")


def test_a_declared_field_is_offered_and_a_name_that_hides_a_field_only_once() -> None:
    fields = {"tenant": declared_field("tenant", "string")}
    assert "tenant" in [s.text for s in completion("", fields).suggestions]
    found = [s for s in completion("", fields, {"tenant": Role.SIGNAL}).suggestions if s.text == "tenant"]
    assert [s.role for s in found] == [Role.SIGNAL]


@pytest.mark.parametrize("before", ["(" * 300, "x" * 70_000, "\x00", "'" * 99, "\ud800", "a AND " * 5000])
def test_whatever_is_typed_completion_does_not_fail(before: str) -> None:
    completion(before)
