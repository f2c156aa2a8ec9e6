"""Calls an HTTP endpoint when a rule starts or stops to match."""

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from gpurules.actions.action import (
    ActionError,
    ActionKind,
    Complaint,
    Edge,
    Event,
    Parameters,
    Schema,
    notifications,
    numeric,
)
from gpurules.actions.effects.delivery import RETRIES, event_id
from gpurules.strict_json import dumps

if TYPE_CHECKING:
    from gpurules.actions.effects.posting import Post

_SECONDS = {"type": "number", "exclusiveMinimum": 0, "x-dimension": "seconds"}


class Webhook:
    """Each rule makes its own call; the queue of its receiver repeats a call that fails, later each time."""

    name = "webhook"
    kind = ActionKind.EFFECT
    summary = "Posts JSON to a URL when the rule starts to match, optionally also at changes and at its end."
    on: frozenset[Edge] = frozenset({"start"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "url": {
                "type": "string",
                "pattern": "^https?://[^\\s/]",
                "description": "Target URL.",
                "examples": ["https://alerts.example.org/hook"],
            },
            "timeout": _SECONDS
            | {"maximum": 300, "default": 5, "description": "Timeout of one call.", "examples": ["5s"]},
            "headers": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "default": {},
                "description": "Additional headers.",
                "examples": [{"X-Team": "storage"}],
            },
            **notifications(["start"]),
            "secret_env": {
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                "description": "The environment variable that holds the key to sign the body with (HMAC-SHA256).",
                "examples": ["WEBHOOK_SECRET"],
            },
            "deny_private": {
                "type": "boolean",
                "default": False,
                "description": "Reject private, loopback and link-local addresses. Off by default, because most "
                "endpoints in a cluster are private; turn it on if rulesets come from people you do not trust.",
                "examples": [True],
            },
            **RETRIES,
        },
        "required": ["url"],
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find nothing: every parameter stands alone."""
        return ()

    def start(self, event: Event) -> None:
        """Post the event, once.

        Raises:
            RetryLater: a later attempt may succeed.
            ActionError: it failed for good, or the key that signs is not in the environment.
        """
        from gpurules.actions.effects.posting import send  # the network, which few rulesets need

        send(_post(event))

    def stop(self, event: Event) -> None:
        """Post the event."""
        self.start(event)


def _post(event: Event) -> "Post":
    from gpurules.actions.effects.posting import Post

    identity = event_id(event)
    payload = {
        "id": identity,
        "rule": event.rule,
        "edge": event.edge,
        "timestamp": event.timestamp,
        "devices": list(event.devices),
        "transfer": event.transfer.to_dict() if event.transfer else None,
        "values": dict(event.values),
        "annotations": dict(event.annotations),
    }
    body = dumps(payload, default=str, ascii_only=True).encode()
    given = event.parameters.get("headers")
    extra = {str(k): str(v) for k, v in given.items()} if isinstance(given, Mapping) else {}
    named = {name.lower() for name in extra}
    usual = {"Content-Type": "application/json", "User-Agent": "gpurules", "Idempotency-Key": identity}
    headers = {name: value for name, value in usual.items() if name.lower() not in named} | extra
    secret = event.parameters.get("secret_env")
    if isinstance(secret, str):
        key = os.environ.get(secret)
        if not key:
            raise ActionError(f"the environment has no {secret}, which should sign the webhook of {event.rule!r}")
        import hmac

        headers["X-Gpurules-Signature-256"] = "sha256=" + hmac.new(key.encode(), body, "sha256").hexdigest()
    timeout = numeric(event.parameters, "timeout") or 5.0
    return Post(str(event.parameters.get("url")), body, headers, timeout, event.parameters.get("deny_private") is True)
