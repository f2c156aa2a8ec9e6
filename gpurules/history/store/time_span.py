"""A time span, and the days, row groups and rows of a store that overlap it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gpurules.history.store.storage import RecordingStoreError

LATEST = 253_402_300_799.0
"""The end of the year 9999."""
SLACK = 86_400.0
"""How far a time may be outside of the day of its folder, in seconds: others have days of their own time zone."""


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """The time from *since* until before *until*.

    Units: seconds since 1970.
    """

    since: float = float("-inf")
    until: float = float("inf")

    @classmethod
    def read(cls, since: str | None, until: str | None) -> "TimeSpan":
        """Parse the span between two written times (UTC if they have no zone); None: no bound.

        Raises:
            StoreError: one is not a time, or the span is empty.
        """
        found = cls(
            float("-inf") if since is None else read_time(since), float("inf") if until is None else read_time(until)
        )
        if not found.since < found.until:
            raise RecordingStoreError(f"the range is empty: its start {since} is not before its end {until}")
        return found

    @classmethod
    def of_day(cls, date: str) -> "TimeSpan | None":
        """Return the day (UTC) of *date*, such as ``2026-01-31``; None if it is not a date."""
        try:
            start = datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()
        except ValueError:
            return None
        return cls(start, start + 86_400.0)

    def has_time(self, time: float) -> bool:
        """Return whether a time is in the span."""
        return self.since <= time < self.until

    def has_day(self, date: str) -> bool:
        """Return whether the day *date* may overlap the span; a folder that is not named by a day always may."""
        day = TimeSpan.of_day(date)
        return day is None or (day.until + SLACK > self.since and day.since - SLACK < self.until)

    def has_group(self, group: Any) -> bool:
        """Return whether a row group may have times in the span, according to its statistics.

        Missing: a file without statistics may have any time.
        """
        for number in range(group.num_columns):
            column = group.column(number)
            if column.path_in_schema == "timestamp":
                known = column.statistics
                if known is None or not known.has_min_max:
                    return True
                least, most = (_seconds(value) for value in (known.min, known.max))
                return least is None or most is None or (most >= self.since and least < self.until)
        return True

    def of(self, table: pa.Table) -> pa.Table:
        """Return the rows of *table* in the span."""
        if self == ALWAYS:
            return table
        times = pc.cast(table.column("timestamp"), pa.float64(), safe=False)
        return table.filter(pc.and_(pc.greater_equal(times, self.since), pc.less(times, self.until)))


def read_time(text: str) -> float:
    """Parse a time: seconds since 1970, in UTC if *text* has no zone.

    Raises:
        StoreError: it is not a time.
    """
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise RecordingStoreError(f"{text!r} is not a time; write it as 2026-01-01 or 2026-01-01T06:00") from None


def _seconds(value: object) -> float | None:
    """Return a time of a file's statistics in seconds since 1970; None if it is ambiguous."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.timestamp()
    return float(value) if isinstance(value, int | float) else None


ALWAYS = TimeSpan()
"""All that is recorded."""
