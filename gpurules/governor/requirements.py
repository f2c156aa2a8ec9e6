"""What a decision asks of one transfer, rule by rule, as the scheduler needs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, TypeAlias

from gpurules.actions.action import Claim, CombineContext, Directive, is_directive
from gpurules.actions.decision import Decision, Outcome, RuleAction
from gpurules.actions.delay_transfer import DelayTransfer
from gpurules.actions.pause_transfer import PauseTransfer
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
class Requirements:
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


NO_REQUIREMENTS = Requirements()


def requirements_of(decision: Decision, transfer: Transfer) -> Requirements:
    """Return what *decision* asks of *transfer*.

    A stale decision is neutral but for the boost: old telemetry may change the order of transfers, but never stops one.
    """
    rules = decision.rules
    if not rules:
        return NO_REQUIREMENTS
    if decision.stale:
        return Requirements(boost=decision.priority_boost)
    # delays are counted and bounded by the governor, over the transfer's life: its age bounds nothing here
    orders = tuple(_orders(decision, CombineContext(transfer, decision.snapshot_time, inf)))
    return Requirements(
        holds=tuple(claim for order in orders if (claim := _hold(order)) is not None) if orders else (),
        boost=decision.priority_boost,
        bandwidth=tuple(_caps(orders, "max_bandwidth")) if orders else (),
        concurrency=tuple(_caps(orders, "max_concurrency")) if orders else (),
        stage=decision.stage,
        prefetch_factor=decision.prefetch_factor,
        rules=rules,
    )


MAX_REMEMBERED = 256


class _Known(NamedTuple):
    """What was worked out for an outcome, by the stage that is asked for; the outcome is kept, as its id is the key."""

    outcome: Outcome
    stages: bool
    by_stage: dict[Stage | None, Requirements]


class RequirementsCache:
    """``requirements_of``, remembered: transfers on which the same rules match are mostly asked the same. Thread-safe.

    Only the stage is looked up for each transfer. Where anything else depends on it, a jitter or a directive of
    somebody else, it is worked out each time.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def requirements_of(self, decision: Decision, transfer: Transfer) -> Requirements:
        """Return what *decision* asks of *transfer*."""
        if decision.stale:
            return requirements_of(decision, transfer)
        outcome = decision.outcome
        known = self._known.get(id(outcome))
        if known is None:
            if not _is_alike_for_all(outcome):
                return requirements_of(decision, transfer)
            known = self._begin(outcome)
        stage = decision.stage if known.stages else None
        asked = known.by_stage.get(stage)
        if asked is None:
            asked = requirements_of(decision, transfer)
            if len(known.by_stage) < MAX_REMEMBERED:
                known.by_stage[stage] = asked
        return asked

    def _begin(self, outcome: Outcome) -> _Known:
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        stages = any(directive.target == "stage" for directive, _ in outcome.claims) or "stage" in outcome.settled
        known = self._known[id(outcome)] = _Known(outcome, stages, {})
        return known


def _is_alike_for_all(outcome: Outcome) -> bool:
    """Return whether the stage is all that *outcome* asks of one transfer and not of another."""
    return all(
        directive.target == "stage" or directive.target not in _USED or _looks_at_no_transfer(directive, claim)
        for directive, claims in outcome.claims
        for claim in claims
    )


def _looks_at_no_transfer(directive: Directive, claim: Claim) -> bool:
    """Return whether *directive*, which may look at the transfer, does not where patience has no end."""
    is_ours = type(directive) is PauseTransfer or type(directive) is DelayTransfer
    return is_ours and not claim.parameters.get("jitter")


_OF_ONE_RULE = frozenset({"delay", "paused", "max_bandwidth", "max_concurrency"})
"""The targets of which the governor needs each rule's own value, and not the one that all rules come to."""
_USED = _OF_ONE_RULE | {"priority_boost", "prefetch_factor", "stage"}


class _Order(NamedTuple):
    """What a directive comes to for one rule, where no other claims it."""

    rule: str
    ordered: RuleAction
    target: str
    value: object


def _orders(decision: Decision, situation: CombineContext) -> Iterator[_Order]:
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
