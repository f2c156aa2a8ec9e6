"""Points in time as people type them: seconds since 1970, RFC 3339, or a date and a time of day in a named zone."""

import re
from datetime import UTC, datetime, tzinfo

from gpurules.errors import GpurulesError

_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ]+(\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?)?\s*([Zz]|[+-]\d\d:\d\d|[A-Za-z][\w/+-]*)?", re.ASCII
)
_SECONDS = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_LATEST = 253_402_300_800
"""The end of the year 9999, which is as far as calendars go here (seconds since 1970)."""
EXAMPLE = "write 2026-03-29T23:30:00Z, or seconds since 1970"


class TimeError(GpurulesError):
    """A text or number is not a point in time; ``hint`` says how one is written."""

    def __init__(self, message: str, hint: str | None = EXAMPLE) -> None:
        super().__init__(message)
        self.hint = hint


def read_time(value: object) -> float:
    """Return the time that *value* names: ``2026-03-29T23:30:00Z``, ``2026-03-29 23:30 Europe/Berlin``, or a number.

    Units: seconds since 1970, in (where it is a number) and out.

    >>> read_time("1970-01-02T01:00:00+01:00")
    86400.0

    Raises:
        TimeError: it names none, or one that a clock shows twice or never.
    """
    if isinstance(value, str):
        text = value.strip()
        if _SECONDS.fullmatch(text) and len(text) < 30:
            return _within(float(text), value)
        return _of_text(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TimeError(f"{_short(value)} is not a time")
    return _within(value, value)


def _within(seconds: float, value: object) -> float:
    if not -62_135_596_800 <= seconds < _LATEST:  # NaN compares with nothing
        raise TimeError(f"{_short(value)} is not a time between the years 1 and 9999")
    return float(seconds)


def _of_text(text: str) -> float:
    match = _DATE.fullmatch(text)
    if match is None:
        raise TimeError(f"{_short(text)} is not a time")
    day, clock, seconds, zone = match.groups()
    if clock is None:
        raise TimeError(f"{_short(text)} has no time of day", f"write {day}T12:00:00Z")
    if zone is None:
        raise TimeError(
            f"{_short(text)} has no time zone", f"write {day}T{clock}{seconds or ':00'}Z, or the offset instead of Z"
        )
    try:
        local = datetime.fromisoformat(f"{day}T{clock}{(seconds or '')[:10]}")
    except ValueError:
        raise TimeError(f"{_short(text)} is not a date with a time of day", None) from None
    if zone in ("Z", "z", "UTC") or zone[0] in "+-":
        offset = "+00:00" if zone[0] not in "+-" else zone
        try:
            return datetime.fromisoformat(f"{local.isoformat()}{offset}").timestamp()
        except (ValueError, OverflowError):
            raise TimeError(f"{offset} is not an offset from UTC") from None
    return _in_zone(local, _zone(zone), zone)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # most facts need none

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise TimeError(f"no time zone is named {name[:60]!r}", "write a name such as Europe/Berlin") from None


def _in_zone(local: datetime, zone: tzinfo, name: str) -> float:
    """Return the time at which clocks of *zone* show *local*; around a clock change they may never, or twice.

    The offset changes there; a time that exists survives the round trip through UTC.
    """
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        shown = f"{local:%Y-%m-%d %H:%M}"
        if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local:
            raise TimeError(
                f"no clock of {name} shows {shown}: the clock skips it",
                f"write {local:%Y-%m-%dT%H:%M:%S} with the intended offset, {first:%z}",
            )
        offsets = [f"{local:%z}"[:3] + ":" + f"{local:%z}"[3:5] for local in (first, second)]
        message = f"clocks of {name} show {shown} twice"
        raise TimeError(message, f"write the offset instead of the zone: {offsets[0]} or {offsets[1]}")
    return first.timestamp()


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
