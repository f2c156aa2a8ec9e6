"""Calls an HTTP endpoint when a rule starts or stops to match."""

from collections.abc import Iterable
from typing import ClassVar

from gpurules.actions.action import ActionError, ActionKind, Complaint, Edge, Event, Parameters, Schema

_SECONDS = {"type": "number", "exclusiveMinimum": 0, "x-dimension": "seconds"}


class Webhook:
    """Each rule makes its own call; a call that fails is tried again, later each time."""

    name = "webhook"
    kind = ActionKind.EFFECT
    summary = "Posts the match as JSON to a URL when the rule starts to match, and if asked when it stops."
    on: frozenset[Edge] = frozenset({"start"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "url": {
                "type": "string",
                "pattern": "^https?://[^\\s/]",
                "description": "Where to post to.",
                "examples": ["https://alerts.example.org/hook"],
            },
            "timeout": _SECONDS
            | {"maximum": 300, "default": 5, "description": "How long one call may take.", "examples": ["5s"]},
            "headers": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "default": {},
                "description": "Headers to send along.",
                "examples": [{"X-Team": "storage"}],
            },
            "on": {
                "type": "array",
                "items": {"type": "string", "enum": ["start", "stop"]},
                "minItems": 1,
                "uniqueItems": True,
                "default": ["start"],
                "description": "Whether to call when the rule starts to match, stops, or both.",
                "examples": [["start", "stop"]],
            },
            "secret_env": {
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                "description": "The environment variable with the key that signs the body (HMAC-SHA256).",
                "examples": ["WEBHOOK_SECRET"],
            },
            "retries": {
                "type": "integer",
                "minimum": 0,
                "maximum": 10,
                "default": 3,
                "description": "How often a failed call is tried again.",
                "examples": [5],
            },
            "backoff": _SECONDS
            | {
                "maximum": 3600,
                "default": 1,
                "description": "How long to wait before the first retry; each further wait is twice as long.",
                "examples": ["1s"],
            },
        },
        "required": ["url"],
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find nothing: every parameter stands alone."""
        return ()

    def start(self, event: Event) -> None:
        """Post the event."""
        raise ActionError("webhooks can not be sent by this version")

    def stop(self, event: Event) -> None:
        """Post the event."""
        self.start(event)
