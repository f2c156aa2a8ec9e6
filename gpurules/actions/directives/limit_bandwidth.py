"""Caps how fast transfers may go."""

from collections.abc import Sequence
from typing import ClassVar

from gpurules.actions.action import TRAFFIC, Claim, CombineContext, Combines, Schema, numbers, only_parameter
from gpurules.actions.directive import BuiltInDirective
from gpurules.actions.target import Target, read_number
from gpurules.model import Dimension, format_amount
from gpurules.model.reading import finite


def _describe(value: object) -> str:
    return f"at most {format_amount(finite(value) or 0, Dimension.BYTES_PER_SECOND)}"


BANDWIDTH = Target(
    name="max_bandwidth",
    label="bandwidth",
    neutral=None,
    read=read_number(None),
    describe=_describe,
    per_rule=True,
    of_node=True,
)


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
