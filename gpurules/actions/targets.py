"""The directives that ship and their targets: whatever lists targets elsewhere is made from this table.

A new directive is two places: its file, which has the action and its target, and a line here. Decisions, their JSON,
the governor, storage clients, timelines, ``watch``, ``doctor`` and written tests follow. A target that no client
carries out is counted for each transfer that it is required of.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gpurules.actions.directives.delay_transfer import DELAY, DelayTransfer
from gpurules.actions.directives.increase_priority import PRIORITY, IncreasePriority
from gpurules.actions.directives.limit_bandwidth import BANDWIDTH, LimitBandwidth
from gpurules.actions.directives.limit_concurrency import CONCURRENCY, LimitConcurrency
from gpurules.actions.directives.pause_transfer import PAUSED, PauseTransfer
from gpurules.actions.directives.reduce_prefetch import PREFETCH, ReducePrefetch
from gpurules.actions.directives.stage_transfer import STAGE, Stage, StageTransfer
from gpurules.actions.target import Target

DIRECTIVES = (
    (ReducePrefetch(), PREFETCH),
    (DelayTransfer(), DELAY),
    (IncreasePriority(), PRIORITY),
    (StageTransfer(), STAGE),
    (LimitBandwidth(), BANDWIDTH),
    (LimitConcurrency(), CONCURRENCY),
    (PauseTransfer(), PAUSED),
)
"""Each directive with its target, in the order in which decisions show them."""

TARGETS: Mapping[str, Target] = MappingProxyType({target.name: target for _, target in DIRECTIVES})
"""Every target of the directives that ship, by its name."""

NEUTRAL: Mapping[str, object] = MappingProxyType({target.name: target.neutral for target in TARGETS.values()})
"""What each target is where no rule claims it."""

__all__ = [
    "BANDWIDTH",
    "CONCURRENCY",
    "DELAY",
    "DIRECTIVES",
    "NEUTRAL",
    "PAUSED",
    "PREFETCH",
    "PRIORITY",
    "STAGE",
    "TARGETS",
    "Stage",
    "Target",
]
