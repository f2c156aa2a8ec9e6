"""Caps how many transfers may run at once."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from gpurules.actions.action import (
    TRAFFIC,
    ActionKind,
    Claim,
    CombineContext,
    Combines,
    Complaint,
    Parameters,
    Schema,
    numbers,
    only_parameter,
)
from gpurules.actions.targets import CONCURRENCY


class LimitConcurrency:
    """The lowest cap that is claimed holds."""

    name = "limit_concurrency"
    kind = ActionKind.DIRECTIVE
    summary = "Caps the number of concurrent transfers: the lowest cap of the matching rules applies."
    target = CONCURRENCY.name
    neutral = CONCURRENCY.neutral
    excludes: frozenset[str] = frozenset()
    combines = Combines.LEAST
    works_on = TRAFFIC
    is_static = True
    schema: ClassVar[Schema] = only_parameter(
        "max_concurrency",
        {
            "type": "integer",
            "minimum": 1,
            "description": "Maximum number of concurrent transfers (to stop them altogether, use pause_transfer).",
            "examples": [4],
        },
    )

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find nothing: there is one parameter."""
        return ()

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> int | None:
        """Return the lowest cap."""
        lowest = min(numbers(claims, "max_concurrency"), default=None)
        return None if lowest is None else int(lowest)
