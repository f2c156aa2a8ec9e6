"""Names of time zones: whether one is known, and which is meant by one that is not."""

import re
from dataclasses import replace

from gpurules.diagnostics import Diagnostic, Severity
from gpurules.registry import unambiguous_match
from gpurules.rules.yaml.nodes import YamlScalar, problem_at, with_rewrite

_FIXED = {"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}
"""Names that are an offset in every season, and the place that people mean by them."""
_SHORT = {
    **_FIXED, "EDT": "America/New_York", "CST": "America/Chicago", "CDT": "America/Chicago", "MDT": "America/Denver",
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "AKST": "America/Anchorage", "BST": "Europe/London",
    "CEST": "Europe/Berlin", "EEST": "Europe/Helsinki", "WEST": "Europe/Lisbon", "MSK": "Europe/Moscow",
    "IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "KST": "Asia/Seoul", "SGT": "Asia/Singapore", "HKT": "Asia/Hong_Kong",
    "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney", "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
}  # fmt: skip
_OFFSET = re.compile(r"(?:(?:Etc/)?(?:UTC|GMT))?[ ]?[+-]\d{1,2}(?::?\d{2})?", re.IGNORECASE | re.ASCII)
_EXAMPLE = "name a place, such as Europe/Berlin or America/New_York, or UTC"


def zone_problem(node: YamlScalar) -> Diagnostic | None:
    """Return what is wrong with the time zone that *node* names, None where nothing is.

    A name that is an offset in every season is a warning: a rule about the hour is late by one for half the year.
    """
    name = node.text
    if name in _FIXED:
        message = f"{name} has a fixed offset from UTC, without daylight saving time"
        problem = problem_at(
            node, "GPR403", message, f"write {_FIXED[name]}, which follows the local time of that place"
        )
        return replace(problem, level=Severity.WARNING)
    if _is_zone(name):
        return None
    shown = f"no time zone is named {name[:60]!r}"
    short = _SHORT.get(name.strip().upper())
    if short is not None:
        return problem_at(node, "GPR403", shown, f"did you mean {short!r}?")
    meant = None if _OFFSET.fullmatch(name.strip()) else _nearest(name)
    if meant is None:
        return problem_at(node, "GPR403", shown, _EXAMPLE)
    return with_rewrite(problem_at(node, "GPR403", shown, f"did you mean {meant!r}?"), node, meant)


def _nearest(name: str) -> str | None:
    from zoneinfo import available_timezones

    zones = sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")
    written = re.sub(r"[\s_]+", "_", name.strip()).lower()[:100]
    same = [zone for zone in zones if zone.lower() == written]
    of_city = [zone for zone in zones if zone.lower().rpartition("/")[2] == written.rpartition("/")[2]]
    found = same or of_city[:1]
    return found[0] if found else unambiguous_match(written, zones)


def _is_zone(name: str) -> bool:
    if name == "UTC":
        return True
    from zoneinfo import ZoneInfo  # most rulesets need none

    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True
