"""Points in time that people type are read exactly, or refused with what to write."""

from datetime import UTC, datetime

import pytest

from gpurules.facts import TimeError, read_time

NIGHT = datetime(2026, 3, 29, 23, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-29T23:30:00Z",
        "2026-03-29t23:30:00z",
        "2026-03-29 23:30:00.000Z",
        "2026-03-30T01:30:00+02:00",
        "2026-03-29T18:00:00-05:30",
        "2026-03-30 01:30 Europe/Berlin",
        "2026-03-29 23:30 UTC",
        str(NIGHT),
        NIGHT,
        int(NIGHT),
    ],
)
def test_one_point_in_time_is_read_in_every_spelling(text: object) -> None:
    assert read_time(text) == NIGHT


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-03-29T23:30:00", "no time zone"),
        ("2026-03-29", "no time of day"),
        ("2026-02-30T00:00:00Z", "not a date with a time of day"),
        ("2026-03-29T24:30:00Z", "not a date with a time of day"),
        ("2026-03-29T23:30:00+25:00", "not an offset"),
        ("2026-03-29 23:30 Mars/Olympus", "no time zone is named 'Mars/Olympus'"),
        ("23:30", "not a time"),
        ("1h", "not a time"),
        ("_", "not a time"),
        ("", "not a time"),
        ("1" * 29, "between the years"),
        (True, "not a time"),
        ([1], "not a time"),
        (None, "not a time"),
        (float("nan"), "between the years"),
        (float("inf"), "between the years"),
        (10**400, "between the years"),
    ],
)
def test_what_names_no_point_in_time_is_refused(value: object, said: str) -> None:
    with pytest.raises(TimeError, match=said):
        read_time(value)


def test_an_hour_that_clocks_leave_out_or_show_twice_is_refused() -> None:
    with pytest.raises(TimeError, match="the clock skips it"):
        read_time("2026-03-29 02:30 Europe/Berlin")
    with pytest.raises(TimeError, match="twice") as caught:
        read_time("2026-10-25 02:30 Europe/Berlin")
    assert caught.value.hint == "write the offset instead of the zone: +02:00 or +01:00"
    assert read_time("2026-10-25T02:30:00+02:00") + 3600 == read_time("2026-10-25T02:30:00+01:00")
