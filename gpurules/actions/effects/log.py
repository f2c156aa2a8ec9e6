"""Writes a line to the log when a rule starts to match, changes or stops."""

import logging
from collections.abc import Iterable
from typing import ClassVar

from gpurules.actions.action import ActionKind, Complaint, Edge, Event, Parameters, Schema, notifications
from gpurules.actions.effects.notification.messages import event_text
from gpurules.logs import logger

_LOGGER = logger("gpurules.actions.effects.log")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_MESSAGE = "rule {rule}: {edge}"


class Log:
    """Each rule writes its own line."""

    name = "log"
    kind = ActionKind.EFFECT
    summary = "Writes a message to the log when the rule starts to match, optionally also at changes and at its end."
    on: frozenset[Edge] = frozenset({"start"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "level": {
                "type": "string",
                "enum": list(_LEVELS),
                "default": "info",
                "description": "Log level.",
                "examples": ["warning"],
            },
            "message": {
                "type": "string",
                "x-template": True,
                "default": _MESSAGE,
                "description": "Message text; the {name} of a field, signal, definition or input is replaced by its "
                "value with its unit ({name:.1f}: a bare number), as are {rule}, {devices}, {edge} and {host}. "
                "Double a brace to write it literally.",
                "examples": ["GPU {devices} at {gpu_temperature}"],
            },
            **notifications(["start"]),
        },
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find nothing: every parameter stands alone."""
        return ()

    def start(self, event: Event) -> None:
        """Write the message."""
        level, message = event.parameters.get("level"), event.parameters.get("message")
        template = message if isinstance(message, str) else _MESSAGE
        _LOGGER.log(_LEVELS.get(str(level), logging.INFO), "%s", event_text(event, template))

    def stop(self, event: Event) -> None:
        """Write the message."""
        self.start(event)
