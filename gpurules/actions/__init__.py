"""What rules may do: directives that shape the decision, and effects that call out."""

from collections.abc import Mapping
from typing import TypeGuard

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
    filled,
    is_directive,
    is_effect,
    parameter_rows,
    placeholders,
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
    offered, _ = plugins()
    taken = set(ACTIONS.names)
    kept: list[Action] = []
    for offer in offered:
        if _is_action(offer) and offer.name not in taken:
            taken.add(offer.name)
            kept.append(offer)
    return ACTIONS.with_members((*kept, *decorated()))


def failed_plugins() -> Mapping[str, str]:
    """Return the plug-ins that could not be used, each with the reason."""
    offered, errors = plugins()
    failed = dict(errors)
    taken = set(ACTIONS.names)
    for offer in offered:
        if not _is_action(offer):
            failed[type(offer).__name__] = "not an action: it lacks a name, kind, summary, schema or check"
        elif offer.name in taken:
            failed[offer.name] = "its name is taken"
        else:
            taken.add(offer.name)
    return failed


def _is_action(offer: object) -> TypeGuard[Action]:
    return all(hasattr(offer, name) for name in ("name", "kind", "summary", "schema", "check"))
