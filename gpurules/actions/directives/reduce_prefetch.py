"""Reads less ahead while the machine is under pressure."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from gpurules.actions.action import (
    Claim,
    CombineContext,
    Combines,
    Complaint,
    Parameters,
    Schema,
    numbers,
    numeric,
    only_parameter,
)
from gpurules.actions.directive import BuiltInDirective
from gpurules.actions.target import Target, read_number

PREFETCH = Target(
    name="prefetch_factor",
    label="prefetch",
    neutral=1.0,
    read=read_number(1.0),
    describe=lambda value: f"prefetch {value:.2f}",
    governed=False,
    of_transfer=False,
    of_node=True,
)


class ReducePrefetch(BuiltInDirective):
    """Clients multiply their own read-ahead by the smallest factor that is claimed."""

    name = "reduce_prefetch"
    summary = "Reduces prefetch: the smallest factor of the matching rules applies."
    target = PREFETCH.name
    neutral = PREFETCH.neutral
    combines = Combines.LEAST
    schema: ClassVar[Schema] = only_parameter(
        "reduction_factor",
        {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "Remaining share of the prefetch: 0.5 halves it, 0 stops it.",
            "examples": [0.5],
        },
    )

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Point at a factor that changes nothing."""
        if numeric(parameters, "reduction_factor") == 1:
            yield Complaint("reduction_factor", "GPR506", "a factor of 1 leaves the prefetch unchanged")

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> float:
        """Return the smallest factor claimed, whatever the order and however often."""
        return min(numbers(claims, "reduction_factor"), default=1.0)
