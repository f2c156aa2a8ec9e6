"""Holds a transfer back for a while."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import ClassVar

from gpurules.actions.action import Claim, CombineContext, Combines, Complaint, Parameters, Schema, numeric
from gpurules.actions.directive import BuiltInDirective
from gpurules.actions.target import Target, read_number
from gpurules.model import format_duration
from gpurules.model.reading import finite

DELAY = Target(
    name="delay",
    label="delay",
    neutral=0,
    read=read_number(0),
    describe=lambda value: f"delay {format_duration(finite(value) or 0)}",
    per_rule=True,
)


_DELAY = {"type": "number", "minimum": 0, "x-dimension": "seconds"}


class DelayTransfer(BuiltInDirective):
    """A transfer waits for the longest delay that is claimed, within the patience that is left for it."""

    name = "delay_transfer"
    summary = "Holds a transfer: the longest delay of the matching rules applies, bounded by settings.max_delay."
    target = DELAY.name
    neutral = DELAY.neutral
    combines = Combines.MOST
    works_on = frozenset({"pending_transfers", "pending_bytes"})
    is_static = False
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "delay_seconds": _DELAY | {"description": "Delay in seconds.", "examples": [30]},
            "delay": _DELAY | {"description": "Delay with a unit.", "examples": ["30s", "5m"]},
            "jitter": {
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "default": 0,
                "description": "Lengthens the delay by up to this share, derived from the transfer's id, "
                "so that transfers that were held together do not start at the same time.",
                "examples": [0.1],
            },
            "early_release": {
                "type": "boolean",
                "default": True,
                "description": "Whether the transfer continues immediately when the rule no longer matches.",
                "examples": [False],
            },
            "running": {
                "type": "string",
                "enum": ["ignore", "pause"],
                "default": "ignore",
                "description": "What happens to a running transfer: it continues, or pauses at its next part.",
                "examples": ["pause"],
            },
        },
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Want exactly one of the two ways to say the delay."""
        if "delay" in parameters and "delay_seconds" in parameters:
            yield Complaint("delay", "GPR505", "both 'delay' and 'delay_seconds' are set; keep one of them")
        elif "delay" not in parameters and "delay_seconds" not in parameters:
            yield Complaint("delay", "GPR503", "'delay' is missing: write delay: 30s, or delay_seconds: 30")
        else:
            name = "delay" if "delay" in parameters else "delay_seconds"
            if numeric(parameters, name) == 0:
                yield Complaint(name, "GPR506", "a delay of 0 holds nothing back")

    def canonical(self, parameters: Parameters) -> Parameters:
        """Return *parameters* with the delay under one name, whichever way it was said."""
        if "delay_seconds" not in parameters:
            return parameters
        return {"delay" if name == "delay_seconds" else name: value for name, value in parameters.items()}

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> float:
        """Return the longest delay, at most what is left of ``max_delay`` at the transfer's age.

        Units: seconds.
        """
        longest = max((delay_seconds(claim.parameters, situation.transfer.id) for claim in claims), default=0)
        return min(longest, situation.patience_seconds)

    def usual(self, claims: Sequence[Claim]) -> tuple[object, float] | None:
        """Return the delay of every transfer whose patience is at least as long; None where jitter makes them differ.

        Units: seconds.
        """
        if any(claim.parameters.get("jitter") for claim in claims):
            return None
        longest = max((delay_seconds(claim.parameters, None) for claim in claims), default=0.0)
        return longest, longest

    def absorbs(self, strong: Parameters, weak: Parameters, in_order: bool) -> bool:
        """Return whether a claim with *weak* changes nothing beside a longer one, which is held and released alike."""
        is_alike = all(strong.get(name) == weak.get(name) for name in ("early_release", "running"))
        longest = delay_seconds(weak, None) * (1 + (numeric(weak, "jitter") or 0))
        return is_alike and delay_seconds(strong, None) >= longest


def delay_seconds(parameters: Parameters, transfer_id: str | None) -> float:
    """Return what one claim asks of one transfer, its jitter included."""
    delay = numeric(parameters, "delay")
    if delay is None:
        delay = numeric(parameters, "delay_seconds") or 0
    jitter = numeric(parameters, "jitter") or 0
    if not jitter or transfer_id is None:
        return delay
    digest = blake2b(transfer_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return delay * (1 + jitter * int.from_bytes(digest, "big") / 2**64)
