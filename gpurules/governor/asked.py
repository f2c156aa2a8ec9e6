"""What a decision asks of one transfer, rule by rule, as the scheduler needs it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import TypeAlias

from gpurules.actions.action import Claim, Directive, Situation, is_directive
from gpurules.actions.decision import Decision, Match, RuleAction
from gpurules.actions.stage_transfer import Stage
from gpurules.model import Transfer
from gpurules.model.reading import finite

Cap: TypeAlias = tuple[str, float]
"""A rule, and the cap that all transfers on which it matches share."""


@dataclass(frozen=True, slots=True)
class HoldClaim:
    """What one action of one rule claims: to hold the transfer for so long, or (infinity) while the rule matches.

    ``early_release``: the hold ends with the rule. ``pauses_running``: a transfer that has begun is held too.
    Units: seconds.
    """

    rule: str
    action: str
    seconds: float
    early_release: bool = True
    pauses_running: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a transfer; the default asks nothing.

    Units: ``bandwidth`` in bytes/second.
    """

    holds: tuple[HoldClaim, ...] = ()
    boost: float = 0.0
    bandwidth: tuple[Cap, ...] = ()
    concurrency: tuple[Cap, ...] = ()
    stage: Stage | None = None
    prefetch_factor: float = 1.0
    rules: tuple[str, ...] = ()


NOTHING = Asked()


def asked_of(decision: Decision, transfer: Transfer) -> Asked:
    """Return what *decision* asks of *transfer*.

    A stale decision is neutral but for the boost: old telemetry may change the order of transfers, but never stops one.
    """
    if not decision.rules:
        return NOTHING
    if decision.stale:
        return Asked(boost=decision.priority_boost)
    orders = tuple(_orders(decision.matched))
    # the delay is counted and bounded here, over the transfer's life; by its age it would be bounded twice
    situation = Situation(replace(transfer, created=None), decision.snapshot_time, inf)
    return Asked(
        holds=tuple(claim for order in orders if (claim := _hold(order, situation)) is not None),
        boost=decision.priority_boost,
        bandwidth=tuple(_caps(orders, "max_bandwidth", situation)),
        concurrency=tuple(_caps(orders, "max_concurrency", situation)),
        stage=decision.stage,
        prefetch_factor=decision.prefetch_factor,
        rules=decision.rules,
    )


Order: TypeAlias = tuple[str, RuleAction, Directive]


def _orders(matched: tuple[Match, ...]) -> Iterator[Order]:
    """Yield the directives that the rules order."""
    for match in matched:
        for ordered in match.actions:
            if is_directive(ordered.action):
                yield match.rule, ordered, ordered.action


def _alone(order: Order, situation: Situation) -> object:
    """Return what one rule's directive comes to where no other rule claims it."""
    rule, ordered, directive = order
    return directive.combine((Claim(rule, 0, ordered.parameters),), situation)


def _hold(order: Order, situation: Situation) -> HoldClaim | None:
    rule, ordered, directive = order
    if directive.target == "paused":
        return HoldClaim(rule, ordered.name, inf, True, True) if _alone(order, situation) is True else None
    seconds = finite(_alone(order, situation)) if directive.target == "delay" else None
    if not seconds or seconds < 0:
        return None
    early = ordered.parameters.get("early_release") is not False
    return HoldClaim(rule, ordered.name, seconds, early, ordered.parameters.get("running") == "pause")


def _caps(orders: tuple[Order, ...], target: str, situation: Situation) -> Iterator[Cap]:
    for order in orders:
        cap = finite(_alone(order, situation)) if order[2].target == target else None
        if cap is not None and cap > 0:
            yield order[0], cap
