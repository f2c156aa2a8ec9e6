"""Names of time zones: fixed offsets are warned of, and near misses get the name that is meant."""

from zoneinfo import ZoneInfo

import pytest

from gpurules.diagnostics import Diagnostic, Severity
from gpurules.linter import lints
from gpurules.rules import loads

TEXT = """\
version: 1
name: z
settings: {timezone: %s}
rules: [{name: late, condition: hour >= 18, action: pause_transfer}]
"""


def found(zone: str) -> list[Diagnostic]:
    return [d for d in lints(TEXT % zone, "x.yaml") if d.code == "GPR403"]


@pytest.mark.parametrize(
    ("zone", "place"), [("EST", "America/New_York"), ("MST", "America/Denver"), ("HST", "Pacific/Honolulu")]
)
def test_an_old_name_without_summer_time_is_a_warning_that_names_the_place(zone: str, place: str) -> None:
    (reported,) = found(zone)
    assert (reported.severity, reported.line, reported.column) == (Severity.WARNING, 3, 22)
    assert reported.hint is not None
    assert place in reported.hint
    assert reported.edits == (), "the hours would change"
    assert loads(TEXT % zone).settings.timezone == zone


@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo", "America/New_York", "CET", "Asia/Kolkata", "EST5EDT"])
def test_a_real_place_is_left_alone(zone: str) -> None:
    assert found(zone) == []


@pytest.mark.parametrize(
    ("zone", "place"),
    [
        ("europe/paris", "Europe/Paris"),
        ("'Asia/Ho Chi Minh'", "Asia/Ho_Chi_Minh"),
        ("America/Los_Angles", "America/Los_Angeles"),
        ("Tokyo", "Asia/Tokyo"),
        ("Europe/Sydney", "Australia/Sydney"),
        ("est", "America/New_York"),
        ("CDT", "America/Chicago"),
        ("pst", "America/Los_Angeles"),
        ("CEST", "Europe/Berlin"),
    ],
)
def test_a_near_miss_is_an_error_that_names_the_real_zone(zone: str, place: str) -> None:
    (reported,) = found(zone)
    assert reported.severity is Severity.ERROR
    assert reported.hint == f"did you mean {place!r}?"
    assert ZoneInfo(place).key == place


@pytest.mark.parametrize("zone", ["local", "UTC+2", "'+05:30'", "GMT-3", "qqqq", "'../../etc/hosts'"])
def test_what_is_like_no_zone_gets_examples_and_no_fix(zone: str) -> None:
    (reported,) = found(zone)
    assert reported.hint is not None
    assert "such as" in reported.hint
    assert reported.edits == ()
