"""Local time of a node, vectorized: hour, weekday and time of day of many snapshots at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property

import numpy as np

from gpurules.backends.columnar import Numbers, Places, Texts
from gpurules.fields.node import WEEKDAYS

_QUARTER = 900
_DAY = 86_400


@dataclass(frozen=True)
class Clock:
    """The local times of snapshots.

    Units: ``times`` in seconds since 1970.

    Missing: a time outside the range of dates.
    """

    times: Numbers
    zone: tzinfo

    @cached_property
    def _local(self) -> tuple[Numbers, Numbers]:
        """The whole seconds of the local clock since 1970, and the microseconds; rounded as ``datetime`` does."""
        fraction, seconds = np.modf(self.times)
        micros = np.rint(fraction * 1e6)
        carry = np.where(micros >= 1e6, 1.0, np.where(micros < 0, -1.0, 0.0))
        seconds, micros = seconds + carry, micros - carry * 1e6
        return seconds + self._offsets(seconds), micros

    def _offsets(self, seconds: Numbers) -> Numbers:
        quarters, places = _runs(np.floor(seconds / _QUARTER))
        bounds = [(_offset(q * _QUARTER, self.zone), _offset((q + 1) * _QUARTER - 1, self.zone)) for q in quarters]
        first, last = (np.array(side, np.float64) for side in zip(*bounds, strict=True)) if bounds else ([], [])
        found = np.asarray(first)[places]
        for row in np.flatnonzero(np.asarray(first != last)[places]):
            found[row] = _offset(float(seconds[row]), self.zone)
        return found

    @property
    def hour(self) -> Numbers:
        """The hour of the day."""
        return np.floor(np.mod(self._local[0], _DAY) / 3600)

    @property
    def weekday(self) -> Texts:
        """The day of the week; 1970 began on a Thursday."""
        days = np.mod(np.floor(self._local[0] / _DAY) + 3, 7)
        return Texts(np.where(np.isnan(days), -1, days).astype(np.int32), WEEKDAYS)

    @property
    def time_of_day(self) -> Numbers:
        """The seconds since midnight, by local clock time."""
        seconds, micros = self._local
        return np.mod(seconds, _DAY) + np.where(micros == 0, 0.0, micros / 1e6)


def _runs(values: Numbers) -> tuple[Numbers, Places]:
    """Return the value of each run of equal ones, and the run of each."""
    begins = np.append(True, values[1:] != values[:-1])[: len(values)]
    return values[begins], np.cumsum(begins) - 1


def _offset(seconds: float, zone: tzinfo) -> float:
    """Return the UTC offset of the local clock; NaN where there is no such date."""
    try:
        offset = datetime.fromtimestamp(seconds, zone).utcoffset()
    except (OverflowError, ValueError, OSError):
        return float("nan")
    return 0.0 if offset is None else offset.total_seconds()


def hours_of(times: Numbers, zone: tzinfo) -> tuple[Sequence[int], Sequence[int]]:
    """Return the hour of the day and the weekday (0 is Monday) of each time; -1 where there is no date."""
    clock = Clock(times, zone)
    hours = np.where(np.isnan(clock.hour), -1, clock.hour).astype(int)
    return hours, clock.weekday.codes  # type: ignore[return-value]
