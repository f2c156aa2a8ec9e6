"""Caps how many transfers may run at once."""

from collections.abc import Sequence
from typing import ClassVar

from gpurules.actions.action import TRAFFIC, Claim, CombineContext, Combines, Schema, numbers, only_parameter
from gpurules.actions.directives.directive import BuiltInDirective
from gpurules.actions.targets import CONCURRENCY


class LimitConcurrency(BuiltInDirective):
    """The lowest cap that is claimed holds."""

    name = "limit_concurrency"
    summary = "Caps the number of concurrent transfers: the lowest cap of the matching rules applies."
    target = CONCURRENCY.name
    neutral = CONCURRENCY.neutral
    combines = Combines.LEAST
    works_on = TRAFFIC
    schema: ClassVar[Schema] = only_parameter(
        "max_concurrency",
        {
            "type": "integer",
            "minimum": 1,
            "description": "Maximum number of concurrent transfers (to stop them altogether, use pause_transfer).",
            "examples": [4],
        },
    )

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> int | None:
        """Return the lowest cap."""
        lowest = min(numbers(claims, "max_concurrency"), default=None)
        return None if lowest is None else int(lowest)
