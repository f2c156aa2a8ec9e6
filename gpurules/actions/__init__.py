"""What rules may do: directives that shape the decision, and effects that call out.

::

    registration      the decorator, and the registry of built-in actions and plug-ins (plugged contains these)
    action            the interfaces: Directive (combine claims into one value), Effect (start, stop)
    directives/       one file for each directive
    effects/          one file for each effect, and what delivers it
    matches -> decision      Decision: the combined directives of the matching rules, and who asked for what
            -> interactions  which pairs of actions conflict, for the linter

The entry points are ``ACTIONS`` and ``Decision``.
"""

from collections.abc import Mapping

from gpurules.actions.action import (
    Action,
    ActionError,
    ActionKind,
    Claim,
    CombineContext,
    Complaint,
    Directive,
    Edge,
    Effect,
    Event,
    Parameters,
    Schema,
    edges,
    is_directive,
    is_effect,
    parameter_rows,
)
from gpurules.actions.built_in import ACTIONS
from gpurules.actions.effects.notification.templates import fill_template, placeholders
from gpurules.actions.registration import decorated_actions, plugin_actions
from gpurules.actions.targets import Stage
from gpurules.registry import Registry

__all__ = [
    "ACTIONS",
    "Action",
    "ActionError",
    "ActionKind",
    "Claim",
    "CombineContext",
    "Complaint",
    "Directive",
    "Edge",
    "Effect",
    "Event",
    "Parameters",
    "Schema",
    "Stage",
    "default_actions",
    "edges",
    "failed_plugins",
    "fill_template",
    "is_directive",
    "is_effect",
    "parameter_rows",
    "placeholders",
]


def default_actions() -> Registry[Action]:
    """Return the actions that ship, those of installed plug-ins, and those made by the decorator.

    A plug-in that fails, or whose name is taken, is left out and named by :func:`failed_plugins`.

    Raises:
        RegistrationError: a decorated action has the name of another.
    """
    return ACTIONS.with_members((*plugin_actions()[0], *decorated_actions()))


def usable_actions() -> tuple[Action, ...]:
    """Return the actions of installed plug-ins."""
    return plugin_actions()[0]


def failed_plugins() -> Mapping[str, str]:
    """Return why plug-ins cannot be used, by the name of their entry point."""
    return dict(plugin_actions()[1])
