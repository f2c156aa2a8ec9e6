"""Caps how fast transfers may go."""

from collections.abc import Sequence
from typing import ClassVar

from gpurules.actions.action import TRAFFIC, Claim, CombineContext, Combines, Schema, numbers, only_parameter
from gpurules.actions.directives.directive import BuiltInDirective
from gpurules.actions.targets import BANDWIDTH


class LimitBandwidth(BuiltInDirective):
    """The lowest cap that is claimed holds."""

    name = "limit_bandwidth"
    summary = "Caps the rate of transfers: the lowest cap of the matching rules applies."
    target = BANDWIDTH.name
    neutral = BANDWIDTH.neutral
    combines = Combines.LEAST
    works_on = TRAFFIC
    schema: ClassVar[Schema] = only_parameter(
        "max_bandwidth",
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "x-dimension": "bytes/second",
            "description": "Maximum bytes per second (to stop transfers altogether, use pause_transfer).",
            "examples": ["200MiB/s", "1Gbps"],
        },
    )

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> float | None:
        """Return the lowest cap.

        Units: bytes/second.
        """
        return min(numbers(claims, "max_bandwidth"), default=None)
