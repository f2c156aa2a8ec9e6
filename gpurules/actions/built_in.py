"""The actions that ship, in the order in which they are listed."""

from gpurules.actions.action import Action
from gpurules.actions.directives.delay_transfer import DelayTransfer
from gpurules.actions.directives.increase_priority import IncreasePriority
from gpurules.actions.directives.limit_bandwidth import LimitBandwidth
from gpurules.actions.directives.limit_concurrency import LimitConcurrency
from gpurules.actions.directives.pause_transfer import PauseTransfer
from gpurules.actions.directives.reduce_prefetch import ReducePrefetch
from gpurules.actions.directives.stage_transfer import StageTransfer
from gpurules.actions.effects.alertmanager import Alertmanager
from gpurules.actions.effects.exec import Exec
from gpurules.actions.effects.kubernetes import Kubernetes
from gpurules.actions.effects.log import Log
from gpurules.actions.effects.mail import Mail
from gpurules.actions.effects.pagerduty import PagerDuty
from gpurules.actions.effects.slack import Slack
from gpurules.actions.effects.slurm import Slurm
from gpurules.actions.effects.webhook import Webhook
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
    Alertmanager(),
    PagerDuty(),
    Slack(),
    Mail(),
    Exec(),
    Kubernetes(),
    Slurm(),
)

ACTIONS: Registry[Action] = Registry("action", _BUILT_IN)
"""The actions that ship."""
