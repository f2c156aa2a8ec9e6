"""Reads the times that recorders write."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from gpurules.telemetry.source import TelemetryError

JITTER_SECONDS = 5.0
"""How far the times of a log may be out of order without the clock having been set back."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(
    r"(\d{4})[/-](\d\d?)[/-](\d\d?)[ T](\d\d?):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s*(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII
)
_LOGGED = re.compile(r"(\d{4}[/-]\d\d[/-]\d\d[ T]\d\d:\d\d):([0-5]\d)(?:\.(\d{1,9}))?", re.ASCII)
"""A time as nvidia-smi logs it: its minute, second and fraction."""
_KEPT_MINUTES = 64
_CTIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d\d?) (\d\d):(\d\d):(\d\d) (\d{4})", re.ASCII)
_SECONDS = re.compile(r"\d{9,11}(?:\.\d{1,9})?", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _offset(text: str) -> tzinfo | None:
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes)) if minutes < 24 * 60 else None


def read_zone(name: str) -> tzinfo:
    """Return the time zone of that *name* (``Europe/Berlin``, ``UTC``, ``+02:00``).

    Raises:
        TelemetryError: there is none.
    """
    if name.upper() in ("UTC", "Z"):
        return UTC
    fixed = _offset(name)
    if fixed is not None:
        return fixed
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise TelemetryError(
            f"no time zone is named {name!r}; write it as 'UTC', '+02:00' or 'Europe/Berlin'"
        ) from None


def read_time(text: str, zone: tzinfo, fold: int = 0) -> float | None:
    """Parse a time, as local time of *zone* if it has no offset.

    Of a local time that occurs twice, because clocks go back, the first is used, with *fold* 1 the second.
    Understands nvidia-smi's ``2026/04/25 16:06:06.780`` and ``Tue Jul 14 09:00:27 2026``, ISO 8601, and seconds
    since 1970.

    Units: seconds since 1970.
    Missing: *text* is not a time.

    >>> read_time("1970/01/01 00:00:01.500", UTC)
    1.5
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    match = _DATE.fullmatch(text)
    if match:
        year, month, day, hour, minute, second = (int(match[n]) for n in range(1, 7))
        fraction = match[7] or ""
        if match[8]:
            zone = _offset(match[8]) or UTC
    else:
        ctime = _CTIME.fullmatch(text)
        if ctime is None or ctime[1] not in _MONTHS:
            return None
        month, fraction = _MONTHS.index(ctime[1]) + 1, ""
        day, hour, minute, second, year = (int(ctime[n]) for n in range(2, 7))
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone, fold=fold)
        whole = (local - _EPOCH) // timedelta(seconds=1)
        return whole + int(fraction) / 10 ** len(fraction) if fraction else float(whole)
    except (ValueError, OverflowError):
        return None


class LocalClock:
    """Reads the times of one file in order, so that ambiguous local times are resolved by the preceding ones.

    ``has_gone_back`` is set when an ambiguous time is read as the second after the first, and never cleared here.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._is_fixed = zone is UTC or isinstance(zone, timezone)
        self._last: float | None = None
        self._was_second = False
        self._minutes: dict[str, float | None] = {}
        self.has_gone_back = False

    def read(self, text: str) -> float | None:
        """Return the time that *text* names.

        Units: seconds since 1970.
        Missing: *text* is not a time.
        """
        if self._is_fixed:
            return self._read_of_minute(text)
        time = read_time(text, self._zone)
        if time is None:
            return time
        second = read_time(text, self._zone, fold=1)
        is_second = (
            second is not None and second > time and self._last is not None and _follows(time, second, self._last)
        )
        if is_second and second is not None:
            time, self.has_gone_back = second, self.has_gone_back or not self._was_second
        self._was_second, self._last = is_second, time
        return time

    def _read_of_minute(self, text: str) -> float | None:
        """Do as ``read_time`` does, with a cache of the last minute, which is usually the same."""
        match = _LOGGED.fullmatch(text)
        if match is None:
            return read_time(text, self._zone)
        name, second, fraction = match.groups()
        minute = self._minutes.get(name)
        if minute is None:
            minute = read_time(f"{name}:00", self._zone)
            if len(self._minutes) >= _KEPT_MINUTES:
                self._minutes.clear()
            self._minutes[name] = minute
        if minute is None:
            return None
        return minute + int(second) + int(fraction) / 10 ** len(fraction) if fraction else minute + int(second)


def _follows(first: float, second: float, last: float) -> bool:
    """Return whether the second meaning of an ambiguous local time follows *last*."""
    return first < last - JITTER_SECONDS <= second
