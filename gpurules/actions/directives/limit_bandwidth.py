"""Caps how fast transfers may go."""

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
from gpurules.actions.targets import BANDWIDTH


class LimitBandwidth:
    """The lowest cap that is claimed holds."""

    name = "limit_bandwidth"
    kind = ActionKind.DIRECTIVE
    summary = "Caps the rate of transfers: the lowest cap of the matching rules applies."
    target = BANDWIDTH.name
    neutral = BANDWIDTH.neutral
    excludes: frozenset[str] = frozenset()
    combines = Combines.LEAST
    works_on = TRAFFIC
    is_static = True
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

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find nothing: there is one parameter."""
        return ()

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> float | None:
        """Return the lowest cap.

        Units: bytes/second.
        """
        return min(numbers(claims, "max_bandwidth"), default=None)
