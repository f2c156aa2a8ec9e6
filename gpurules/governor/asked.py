"""What a decision asks of one transfer, rule by rule, as the scheduler needs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, TypeAlias

from gpurules.actions.action import Claim, Situation, is_directive
from gpurules.actions.decision import Decision, RuleAction
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
    rules = decision.rules
    if not rules:
        return NOTHING
    if decision.stale:
        return Asked(boost=decision.priority_boost)
    # delays are counted and bounded by the governor, over the transfer's life: its age bounds nothing here
    orders = tuple(_orders(decision, Situation(transfer, decision.snapshot_time, inf)))
    return Asked(
        holds=tuple(claim for order in orders if (claim := _hold(order)) is not None) if orders else (),
        boost=decision.priority_boost,
        bandwidth=tuple(_caps(orders, "max_bandwidth")) if orders else (),
        concurrency=tuple(_caps(orders, "max_concurrency")) if orders else (),
        stage=decision.stage,
        prefetch_factor=decision.prefetch_factor,
        rules=rules,
    )


_OF_ONE_RULE = frozenset({"delay", "paused", "max_bandwidth", "max_concurrency"})
"""The targets of which the governor needs each rule's own value, and not the one that all rules come to."""


class _Order(NamedTuple):
    """What a directive comes to for one rule, where no other claims it."""

    rule: str
    ordered: RuleAction
    target: str
    value: object


def _orders(decision: Decision, situation: Situation) -> Iterator[_Order]:
    for rule, ordered in decision.orders:
        directive = ordered.action
        if is_directive(directive) and directive.target in _OF_ONE_RULE:
            value = directive.combine((Claim(rule, 0, ordered.parameters),), situation)
            yield _Order(rule, ordered, directive.target, value)


def _hold(order: _Order) -> HoldClaim | None:
    rule, ordered, target, value = order
    if target == "paused":
        return HoldClaim(rule, ordered.name, inf, True, True) if value is True else None
    seconds = finite(value) if target == "delay" else None
    if not seconds or seconds < 0:
        return None
    early = ordered.parameters.get("early_release") is not False
    return HoldClaim(rule, ordered.name, seconds, early, ordered.parameters.get("running") == "pause")


def _caps(orders: tuple[_Order, ...], target: str) -> Iterator[Cap]:
    for order in orders:
        cap = finite(order.value) if order.target == target else None
        if cap is not None and cap > 0:
            yield order.rule, cap
