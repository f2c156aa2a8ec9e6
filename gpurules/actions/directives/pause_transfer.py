"""Stops a transfer until the rule no longer matches."""

import sys
from collections.abc import Sequence
from typing import ClassVar

from gpurules.actions.action import Claim, CombineContext, Combines, Schema
from gpurules.actions.directive import BuiltInDirective
from gpurules.actions.target import Target, read_flag

PAUSED = Target(
    name="paused",
    label="pause",
    neutral=False,
    read=read_flag,
    describe=lambda value: "paused",
    per_rule=True,
    of_node=True,
)


class PauseTransfer(BuiltInDirective):
    """One matching rule is enough, but not beyond ``settings.max_delay``."""

    name = "pause_transfer"
    summary = "Pauses a transfer while any such rule matches, bounded by settings.max_delay."
    target = PAUSED.name
    neutral = PAUSED.neutral
    excludes = frozenset({"increase_priority"})
    combines = Combines.ANY
    works_on = frozenset({"pending_transfers", "pending_bytes"})
    is_static = False
    schema: ClassVar[Schema] = {"type": "object", "properties": {}, "additionalProperties": False}

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> bool:
        """Return whether any rule claims it while the transfer may still be put off."""
        return bool(claims) and situation.patience_seconds > 0

    def usual(self, claims: Sequence[Claim]) -> tuple[object, float] | None:
        """Return that every transfer pauses that has any patience left.

        Units: seconds.
        """
        return bool(claims), sys.float_info.min
