"""Formats times for display, in the time zone of a ruleset or the local one."""

from datetime import UTC, datetime, tzinfo

_FAR = 8_000_000_000_000
"""Units: seconds. Times beyond are written as they are: no calendar has them."""


def _local(timestamp: float, zone: tzinfo | None) -> datetime | None:
    if not 0 <= timestamp < _FAR:
        return None
    try:
        return datetime.fromtimestamp(timestamp, UTC).astimezone(zone)
    except (OverflowError, OSError, ValueError):
        return None


def date_and_time(timestamp: float, zone: tzinfo | None = None) -> str:
    """Return date, time and zone of *timestamp*.

    Missing: *zone* None is the zone of this machine.
    """
    local = _local(timestamp, zone)
    return f"{timestamp:g} s" if local is None else f"{local:%Y-%m-%d %H:%M:%S %Z}"


def time_of_day(timestamp: float, zone: tzinfo | None = None) -> str:
    """Return the time of *timestamp*, without its date.

    Missing: *zone* None is the zone of this machine.
    """
    local = _local(timestamp, zone)
    return f"{timestamp:g}" if local is None else f"{local:%H:%M:%S}"


def zone_name(timestamp: float, zone: tzinfo | None = None) -> str:
    """Return the abbreviation of the zone at *timestamp*, such as CEST.

    Missing: *zone* None is the zone of this machine.
    """
    local = _local(timestamp, zone)
    return "" if local is None else f"{local:%Z}"
