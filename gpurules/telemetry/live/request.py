"""What one poll is asked for."""

from dataclasses import dataclass

EVERY_CALL = "*"
"""Among the calls that are skipped: all calls of that subject."""
NO_SUBJECT = "the driver"
"""What a call is of that is not of one GPU, and so cannot be skipped."""


@dataclass(frozen=True, slots=True)
class Request:
    """The fields that are wanted, and the calls that are not to be made since they hung before.

    Missing: ``fields`` is None for all that are cheap.
    """

    fields: frozenset[str] | None = None
    skipped: frozenset[tuple[str, str]] = frozenset()
