"""Lets a transfer overtake others, or be overtaken."""

import math
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
)  # fmt: skip
from gpurules.actions.directive import BuiltInDirective
from gpurules.actions.target import Target, read_number

PRIORITY = Target(
    name="priority_boost",
    label="priority",
    neutral=0,
    read=read_number(0),
    describe=lambda value: f"priority {value:+g}",
)


class IncreasePriority(BuiltInDirective):
    """The boosts of all matching rules add up, within ±``settings.max_priority``."""

    name = "increase_priority"
    summary = "Raises a transfer's priority so that it overtakes others: the boosts of the matching rules add up."
    target = PRIORITY.name
    neutral = PRIORITY.neutral
    excludes = frozenset({"pause_transfer"})
    combines = Combines.SUM
    schema: ClassVar[Schema] = only_parameter(
        "priority_boost",
        {
            "type": "number",
            "description": "Added to the transfer's priority; a negative boost lets others overtake it.",
            "examples": [50, -20],
        },
    )

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Point at a boost that changes nothing."""
        if numeric(parameters, "priority_boost") == 0:
            yield Complaint("priority_boost", "GPR506", "a boost of 0 leaves the priority unchanged")

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> float:
        """Return the sum of the boosts, exactly rounded and so the same in every order."""
        boosts = numbers(claims, "priority_boost")
        total = sum(boosts) if all(isinstance(boost, int) for boost in boosts) else math.fsum(boosts)
        return max(-situation.max_priority, min(situation.max_priority, total))
