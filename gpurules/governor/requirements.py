"""The requirements of a decision for one transfer, rule by rule, for the scheduler."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, TypeAlias

from gpurules.actions.action import Claim, CombineContext, is_directive, usual_value
from gpurules.actions.decision import Decision, Outcome, RuleAction
from gpurules.actions.targets import BANDWIDTH, CONCURRENCY, DELAY, PAUSED, PRIORITY, STAGE, TARGETS, Stage
from gpurules.model import Transfer
from gpurules.model.reading import finite

Cap: TypeAlias = tuple[str, float]
"""A rule, and the cap that all transfers on which it matches share."""


@dataclass(frozen=True, slots=True)
class HoldClaim:
    """What one action of one rule claims: to hold the transfer for a duration, or (infinity) while the rule matches.

    ``early_release``: the hold ends with the rule. ``pauses_running``: a started transfer is held too.
    Units: seconds.
    """

    rule: str
    action: str
    seconds: float
    early_release: bool = True
    pauses_running: bool = False


@dataclass(frozen=True, slots=True)
class Requirements:
    """The requirements for a transfer; the default imposes nothing.

    ``targets`` has the name of every target that is not neutral, including those of plug-ins: a client must carry them
    out.

    Units: ``bandwidth`` in bytes/second.
    """

    holds: tuple[HoldClaim, ...] = ()
    boost: float = 0.0
    bandwidth: tuple[Cap, ...] = ()
    concurrency: tuple[Cap, ...] = ()
    stage: Stage | None = None
    prefetch_factor: float = 1.0
    rules: tuple[str, ...] = ()
    targets: frozenset[str] = frozenset()


NO_REQUIREMENTS = Requirements()


def requirements_of(decision: Decision, transfer: Transfer) -> Requirements:
    """Return the requirements of *decision* for *transfer*.

    A stale decision is neutral except for the boost: old telemetry may change the order of transfers, but never stops
    one.
    """
    rules = decision.rules
    if not rules:
        return NO_REQUIREMENTS
    if decision.stale:
        boost = decision.priority_boost
        return Requirements(boost=boost, targets=frozenset({PRIORITY.name} if boost else ()))
    # the governor counts and bounds delays over the transfer's life, so its age is not considered here
    context = CombineContext(transfer, decision.snapshot_time, inf)
    orders = tuple(_orders(decision, context))
    return Requirements(
        holds=tuple(claim for order in orders if (claim := _hold(order)) is not None) if orders else (),
        boost=decision.priority_boost,
        bandwidth=tuple(_caps(orders, BANDWIDTH.name)) if orders else (),
        concurrency=tuple(_caps(orders, CONCURRENCY.name)) if orders else (),
        stage=decision.stage,
        prefetch_factor=decision.prefetch_factor,
        rules=rules,
        targets=_targets(decision, context),
    )


def _targets(decision: Decision, context: CombineContext) -> frozenset[str]:
    """Return the targets that *decision* sets."""
    outcome = decision.outcome
    neutral = {one.action.target: one.action.neutral for _, one in decision.orders if is_directive(one.action)}
    settled = (name for name, value in outcome.settled.items() if value != neutral[name])
    claimed = (one.target for one, claims in outcome.claims if one.combine(claims, context) != one.neutral)
    return frozenset((*settled, *claimed))


MAX_REMEMBERED = 256


class _Known(NamedTuple):
    """The cached requirements of an outcome, by stage; the outcome is referenced because its id is the key."""

    outcome: Outcome
    stages: bool
    by_stage: dict[Stage | None, Requirements]


class RequirementsCache:
    """A cache of ``requirements_of``: transfers with the same matching rules usually have the same ones. Thread-safe.

    Only the stage is determined per transfer. If anything else depends on the transfer, a jitter or a directive of
    external code, the requirements are computed each time.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def requirements_of(self, decision: Decision, transfer: Transfer) -> Requirements:
        """Return the requirements of *decision* for *transfer*."""
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
        stages = any(directive.target == STAGE.name for directive, _ in outcome.claims) or STAGE.name in outcome.settled
        known = self._known[id(outcome)] = _Known(outcome, stages, {})
        return known


def _is_alike_for_all(outcome: Outcome) -> bool:
    """Return whether the requirements of *outcome* differ between transfers in the stage only."""
    return all(
        directive.target == STAGE.name or usual_value(directive, (claim,)) is not None
        for directive, claims in outcome.claims
        for claim in claims
    )


class _Order(NamedTuple):
    """A directive's value for a single rule."""

    rule: str
    ordered: RuleAction
    target: str
    value: object


def _orders(decision: Decision, situation: CombineContext) -> Iterator[_Order]:
    for rule, ordered in decision.orders:
        directive = ordered.action
        if is_directive(directive) and (target := TARGETS.get(directive.target)) and target.per_rule:
            value = directive.combine((Claim(rule, 0, ordered.parameters),), situation)
            yield _Order(rule, ordered, directive.target, value)


def _hold(order: _Order) -> HoldClaim | None:
    rule, ordered, target, value = order
    if target == PAUSED.name:
        return HoldClaim(rule, ordered.name, inf, True, True) if value is True else None
    seconds = finite(value) if target == DELAY.name else None
    if not seconds or seconds < 0:
        return None
    early = ordered.parameters.get("early_release") is not False
    return HoldClaim(rule, ordered.name, seconds, early, ordered.parameters.get("running") == "pause")


def _caps(orders: tuple[_Order, ...], target: str) -> Iterator[Cap]:
    for order in orders:
        cap = finite(order.value) if order.target == target else None
        if cap is not None and cap > 0:
            yield order.rule, cap
