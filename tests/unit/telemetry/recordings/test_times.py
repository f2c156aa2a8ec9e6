"""Times as recorders write them."""

from datetime import UTC

import pytest

from gpurules.telemetry.recordings.times import read_time, read_zone

NOON = 1_777_118_400.0  # 2026-04-25 12:00:00 UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026/04/25 12:00:00.780", NOON + 0.78),
        ("2026/04/25 12:00:00", NOON),
        ("2026-04-25T12:00:00Z", NOON),
        ("2026-04-25T14:00:00+02:00", NOON),
        ("Sat Apr 25 12:00:00 2026", NOON),
        ("Sat Apr  5 12:00:00 2026", NOON - 20 * 86400),
        ("1777118400.5", NOON + 0.5),
        ("yesterday", None),
        ("", None),
        ("2026/13/25 12:00:00", None),
        ("2026/02/30 12:00:00", None),
        ("0000/01/01 00:00:00", None),
        ("Sat Foo 25 12:00:00 2026", None),
        ("12", None),
    ],
)
def test_a_time_is_read(text, expected):
    assert read_time(text, UTC) == expected


def test_a_local_time_is_of_its_zone():
    assert read_time("2026/04/25 12:00:00", read_zone("Europe/Berlin")) == NOON - 7200
    assert read_time("2026/04/25 12:00:00", read_zone("-03:30")) == NOON + 12600
