"""The actions that ship, in the order in which they are listed."""

from gpurules.actions.action import Action
from gpurules.actions.effects.alertmanager import Alertmanager
from gpurules.actions.effects.exec import Exec
from gpurules.actions.effects.kubernetes import Kubernetes
from gpurules.actions.effects.log import Log
from gpurules.actions.effects.mail import Mail
from gpurules.actions.effects.pagerduty import PagerDuty
from gpurules.actions.effects.slack import Slack
from gpurules.actions.effects.slurm import Slurm
from gpurules.actions.effects.webhook import Webhook
from gpurules.actions.targets import DIRECTIVES
from gpurules.registry import Registry

_BUILT_IN: tuple[Action, ...] = (
    *(directive for directive, _ in DIRECTIVES),
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
