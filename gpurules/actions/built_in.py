"""The actions that ship, in the order in which they are listed."""

from gpurules.actions.action import Action
from gpurules.actions.delay_transfer import DelayTransfer
from gpurules.actions.increase_priority import IncreasePriority
from gpurules.actions.limit_bandwidth import LimitBandwidth
from gpurules.actions.limit_concurrency import LimitConcurrency
from gpurules.actions.log import Log
from gpurules.actions.pause_transfer import PauseTransfer
from gpurules.actions.reduce_prefetch import ReducePrefetch
from gpurules.actions.stage_transfer import StageTransfer
from gpurules.actions.webhook import Webhook
from gpurules.registry import Registry

_BUILT_IN: tuple[Action, ...] = (
    ReducePrefetch(),
    DelayTransfer(),
    IncreasePriority(),
    StageTransfer(),
    LimitBandwidth(),
    LimitConcurrency(),
    PauseTransfer(),
    Log(),
    Webhook(),
)

ACTIONS: Registry[Action] = Registry("action", _BUILT_IN)
"""The actions that ship."""
