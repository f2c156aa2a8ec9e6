"""Windows over midnight, limits in the wrong order, and texts that a field never is: the help shows the way out."""

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.linter import lints
from gpurules.linter.findings.fixing import fix

TEXT = "version: 1\nname: w\nrules:\n  - name: a\n    condition: |\n      %s\n    action: pause_transfer\n"


def of_meaning(condition: str) -> list[Diagnostic]:
    wanted = ("GPR103", "GPR107", "GPR110", "GPR201", "GPR202", "GPR203", "GPR205")
    return [d for d in lints(TEXT % condition, "x.yaml") if d.code in wanted]


@pytest.mark.parametrize(
    ("condition", "instead"),
    [
        ("time_of_day BETWEEN 23:30 AND 05:15", "time_of_day >= 23:30 OR time_of_day <= 05:15"),
        ("21:00 <= time_of_day < 7:00", "time_of_day >= 21:00 OR time_of_day < 7:00"),
        ("7:00 > time_of_day >= 21:00", "time_of_day >= 21:00 OR time_of_day < 7:00"),
        ("time_of_day > 21:00 AND time_of_day < 07:00", "time_of_day > 21:00 OR time_of_day < 07:00"),
        ("hour < 4 AND gpu_memory > 50 AND hour >= 23", "hour >= 23 OR hour < 4"),
        ("hour BETWEEN 19 AND 3", "hour >= 19 OR hour <= 3"),
    ],
)
def test_a_window_over_midnight_is_shown_with_or(condition: str, instead: str) -> None:
    (found,) = of_meaning(condition)
    assert (found.code, found.hint) == ("GPR201", f"a window across midnight is {instead}")
    assert [d.code for d in of_meaning(instead)] == [], "what is offered is sound"


@pytest.mark.parametrize(
    ("condition", "hint", "instead"),
    [
        (
            "time_of_day NOT BETWEEN 22:30 AND 05:00",
            "the hours outside a window across midnight are ",
            "time_of_day > 05:00 AND time_of_day < 22:30",
        ),
        ("NOT 20 <= hour < 4", "the hours outside a window across midnight are ", "hour >= 4 AND hour < 20"),
        ("hour < 18 OR hour >= 9", "the hours between are ", "hour >= 9 AND hour < 18"),
    ],
)
def test_what_always_holds_is_shown_with_and(condition: str, hint: str, instead: str) -> None:
    (found,) = of_meaning(condition)
    assert (found.code, found.hint) == ("GPR202", hint + instead)
    assert of_meaning(instead) == []


def test_an_arm_of_the_night_is_not_removed() -> None:
    text = TEXT % "gpu_throttled OR hour BETWEEN 23 AND 5"
    (found,) = of_meaning("gpu_throttled OR hour BETWEEN 23 AND 5")
    assert (found.code, found.hint) == ("GPR205", "a window across midnight is hour >= 23 OR hour <= 5")
    assert fix(text, "x.yaml", lambda t: lints(t, "x.yaml"), True).text == text


def test_limits_of_another_field_are_put_in_order() -> None:
    (found,) = of_meaning("gpu_temperature BETWEEN 90 AND 70")
    assert found.hint == "the lower limit comes first: gpu_temperature BETWEEN 70 AND 90"


@pytest.mark.parametrize(
    ("condition", "instead"),
    [
        ("weekday == 'sat' AND weekday == 'sun'", "weekday IN ('sat', 'sun')"),
        ("file_type == 'log' AND file_type == 'code'", "file_type IN ('log', 'code')"),
        ("hour == 8 AND hour == 9", "hour IN (8, 9)"),
    ],
)
def test_values_that_exclude_each_other_are_shown_as_a_list(condition: str, instead: str) -> None:
    (found,) = of_meaning(condition)
    assert (found.code, found.hint) == ("GPR201", f"to match any of them, write {instead}")


@pytest.mark.parametrize("condition", ["weekday BETWEEN 'mon' AND 'fri'", "weekday >= 'sat'"])
def test_days_are_listed(condition: str) -> None:
    (found,) = of_meaning(condition)
    assert (found.code, found.hint) == ("GPR103", "days are not ordered: list them, as in weekday IN ('sat', 'sun')")


@pytest.mark.parametrize(
    ("condition", "texts"),
    [
        ("file_extension == 'bin'", ["bin"]),
        ("file_extension IN ('.pt', 'onnx', '.BIN')", ["onnx", ".BIN"]),
        ("file_extension NOT IN ('.pt', 'onnx')", ["onnx"]),
        ("NOT (gpu_memory > 5 OR file_extension == 'onnx')", ["onnx"]),
        ("file_extension == 'csv' OR gpu_memory > 70", ["csv"]),
        ("path STARTSWITH '/m' AND file_extension != '.tar.zst'", [".tar.zst"]),
        ("file_type NOT IN ('model', 'modell')", ["modell"]),
        ("gpu_index IN (0, -1)", ["-1"]),
    ],
)
def test_each_value_that_a_field_never_has_is_found_where_it_stands(condition: str, texts: list[str]) -> None:
    found = of_meaning(condition)
    assert [d.code in ("GPR107", "GPR110") for d in found] == [True] * len(texts)
    assert [condition[d.column - 7 : d.end_column - 7].strip("'") for d in found] == texts


@pytest.mark.parametrize("condition", ["file_extension IN ('.pt', '')", "file_extension == '.safetensors'"])
def test_extensions_that_files_have_are_left_alone(condition: str) -> None:
    assert of_meaning(condition) == []
