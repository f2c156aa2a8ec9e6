"""What rules may do: directives that shape the decision, and effects that call out."""

from collections.abc import Mapping

from gpurules.actions.action import (
    Action,
    ActionError,
    ActionKind,
    Claim,
    Complaint,
    Directive,
    Edge,
    Effect,
    Event,
    Parameters,
    Schema,
    Situation,
    edges,
    is_directive,
    is_effect,
    parameter_rows,
)
from gpurules.actions.delay_transfer import DelayTransfer
from gpurules.actions.increase_priority import IncreasePriority
from gpurules.actions.limit_bandwidth import LimitBandwidth
from gpurules.actions.limit_concurrency import LimitConcurrency
from gpurules.actions.log import Log
from gpurules.actions.pause_transfer import PauseTransfer
from gpurules.actions.reduce_prefetch import ReducePrefetch
from gpurules.actions.registration import decorated, plugins
from gpurules.actions.stage_transfer import Stage, StageTransfer
from gpurules.actions.templates import filled, placeholders
from gpurules.actions.webhook import Webhook
from gpurules.registry import Registry

__all__ = [
    "ACTIONS",
    "Action",
    "ActionError",
    "ActionKind",
    "Claim",
    "Complaint",
    "Directive",
    "Edge",
    "Effect",
    "Event",
    "Parameters",
    "Schema",
    "Situation",
    "Stage",
    "default_actions",
    "edges",
    "failed_plugins",
    "filled",
    "is_directive",
    "is_effect",
    "parameter_rows",
    "placeholders",
]

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


def default_actions() -> Registry[Action]:
    """Return the actions that ship, those of installed plug-ins, and those made by the decorator.

    A plug-in that fails, or whose name is taken, is left out and named by :func:`failed_plugins`.

    Raises:
        RegistrationError: a decorated action has the name of another.
    """
    return ACTIONS.with_members((*plugins()[0], *decorated()))


def usable_actions() -> tuple[Action, ...]:
    """Return the actions of installed plug-ins."""
    return plugins()[0]


def failed_plugins() -> Mapping[str, str]:
    """Return why plug-ins cannot be used, by the name of their entry point."""
    return dict(plugins()[1])
