"""Opens the source that the command line names."""

from collections.abc import Mapping

from gpurules.cli.options import given_options
from gpurules.telemetry import Source, open_source

_WITH_INTERVAL = ("replay", "synthetic")


def open_telemetry(source: str, options: Mapping[str, object]) -> tuple[Source, float | None]:
    """Return the source, and the interval at which to poll it (None: as the ruleset says).

    The option ``interval`` is that of a recording, and of any other source that at which it is polled.

    Raises:
        RegistrationError: no source has that name.
        TelemetryError: an option does not fit, or the source cannot be opened.
    """
    given = given_options(options)
    if source.partition(":")[0] in _WITH_INTERVAL:
        return open_source(source, **given), None
    interval = given.pop("interval", None)
    return open_source(source, **given), interval if isinstance(interval, float) and interval > 0 else None
