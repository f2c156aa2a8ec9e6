"""Caps how many transfers may run at once."""

from collections.abc import Sequence
from typing import ClassVar

from gpurules.actions.action import TRAFFIC, Claim, CombineContext, Combines, Schema, numbers, only_parameter
from gpurules.actions.directive import BuiltInDirective
from gpurules.actions.target import Target, read_count

CONCURRENCY = Target(
    name="max_concurrency",
    label="concurrency",
    neutral=None,
    read=read_count,
    describe=lambda value: f"at most {value} at once",
    per_rule=True,
    of_node=True,
)


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
