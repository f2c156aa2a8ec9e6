"""Sends large transfers through a fast local area."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from gpurules.actions.action import Claim, CombineContext, Combines, Parameters, Schema, numeric
from gpurules.actions.directive import BuiltInDirective
from gpurules.actions.target import Target


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a transfer is staged, and why.

    Units: ``threshold`` in bytes.
    Missing: ``area`` is None where the rule leaves it to the client.
    """

    area: str | None
    threshold: float
    on_full: str
    rule: str


def _read(value: object) -> Stage | None:
    return value if isinstance(value, Stage) else None


def _describe(value: object) -> str:
    return f"stage in {value.area}" if isinstance(value, Stage) and value.area else "stage"


STAGE = Target(name="stage", label="stage", neutral=None, read=_read, describe=_describe, governed=False)


class StageTransfer(BuiltInDirective):
    """Of the directives whose threshold the transfer reaches, the rule of the highest priority decides."""

    name = "stage_transfer"
    summary = "Routes a transfer that reaches the threshold through a staging area."
    target = STAGE.name
    neutral = STAGE.neutral
    combines = Combines.FIRST
    is_static = False
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "staging_threshold": {
                "type": "number",
                "minimum": 0,
                "x-dimension": "bytes",
                "default": 0,
                "description": "Transfers of at least this size are staged; one of unknown size is not.",
                "examples": ["100MiB", 104857600],
            },
            "staging_area": {
                "type": "string",
                "minLength": 1,
                "description": "The staging directory; by default the client's own.",
                "examples": ["/nvme/stage"],
            },
            "on_full": {
                "type": "string",
                "enum": ["direct", "wait", "fail"],
                "default": "direct",
                "description": "What to do if the area has no room: transfer directly, wait for room, or fail.",
                "examples": ["wait"],
            },
        },
        "additionalProperties": False,
    }

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> Stage | None:
        """Return the stage that the weightiest rule asks for; of equals, the first."""
        size = situation.transfer.size
        if size is None:
            return None
        reached = [claim for claim in claims if size >= (numeric(claim.parameters, "staging_threshold") or 0)]
        if not reached:
            return None
        best = max(reached, key=lambda claim: claim.priority)
        area, on_full = best.parameters.get("staging_area"), best.parameters.get("on_full")
        return Stage(
            area if isinstance(area, str) else None,
            numeric(best.parameters, "staging_threshold") or 0,
            on_full if isinstance(on_full, str) else "direct",
            best.rule,
        )

    def absorbs(self, strong: Parameters, weak: Parameters, in_order: bool) -> bool:
        """Return whether a claim with *weak* is never taken: that with *strong* comes first, and reaches as far."""
        reach = [numeric(parameters, "staging_threshold") or 0 for parameters in (strong, weak)]
        return in_order and reach[0] <= reach[1]
