"""The tables that detect file types from paths, for compiled languages."""

from collections.abc import Mapping

from gpurules.fields.detection import SEGMENT_TYPES, SUFFIX_FRAMEWORKS, SUFFIX_TYPES

TABLES: Mapping[str, Mapping[str, str]] = {
    "type_of_suffix": SUFFIX_TYPES,
    "type_of_segment": SEGMENT_TYPES,
    "framework_of_suffix": SUFFIX_FRAMEWORKS,
}
"""What suffixes and folders say of a file, by the name of the function that looks it up."""

LONGEST = max(len(key) for table in TABLES.values() for key in table)


def by_value(table: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the keys of a table, grouped by value."""
    found: dict[str, list[str]] = {}
    for key, value in table.items():
        found.setdefault(value, []).append(key)
    return found
