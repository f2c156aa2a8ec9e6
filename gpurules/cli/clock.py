"""Times for people: local, as the machine is set."""

from datetime import UTC, datetime

_FAR = 8_000_000_000_000
"""Units: seconds. Times beyond are written as they are: no calendar has them."""


def _local(timestamp: float) -> datetime | None:
    if not 0 <= timestamp < _FAR:
        return None
    try:
        return datetime.fromtimestamp(timestamp, UTC).astimezone()
    except (OverflowError, OSError, ValueError):
        return None


def moment(timestamp: float) -> str:
    """Return date, time and zone of *timestamp*."""
    local = _local(timestamp)
    return f"{timestamp:g} s" if local is None else f"{local:%Y-%m-%d %H:%M:%S %Z}"


def time_of_day(timestamp: float) -> str:
    """Return the time of *timestamp*, without its date."""
    local = _local(timestamp)
    return f"{timestamp:g}" if local is None else f"{local:%H:%M:%S}"


def zone_of(timestamp: float) -> str:
    """Return the name of this machine's zone at *timestamp*."""
    local = _local(timestamp)
    return "" if local is None else f"{local:%Z}"
