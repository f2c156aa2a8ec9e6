"""Calls an HTTP endpoint when a rule starts or stops to match."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
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
from gpurules.strict_json import dumps

if TYPE_CHECKING:
    from gpurules.actions.effects.delivery import Post

_SECONDS = {"type": "number", "exclusiveMinimum": 0, "x-dimension": "seconds"}


class Webhook:
    """Each rule makes its own call; a call that fails is tried again, later each time."""

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
            "retries": {
                "type": "integer",
                "minimum": 0,
                "maximum": 10,
                "default": 3,
                "description": "Number of retries of a failed call.",
                "examples": [5],
            },
            "backoff": _SECONDS
            | {
                "maximum": 3600,
                "default": 1,
                "description": "Delay before the first retry; it doubles for each further retry.",
                "examples": ["1s"],
            },
        },
        "required": ["url"],
        "additionalProperties": False,
    }

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find nothing: every parameter stands alone."""
        return ()

    def start(self, event: Event) -> None:
        """Post the event; a call that fails is tried again, each wait twice as long.

        Raises:
            ActionError: every try failed, or the key that signs is not in the environment.
        """
        from gpurules.actions.effects.delivery import RefusedError, send  # the network, which few rulesets need

        post = _post(event)
        retries = int(numeric(event.parameters, "retries") or 0)
        wait = numeric(event.parameters, "backoff") or 1.0
        for attempt in range(retries + 1):
            try:
                send(post)
            except RefusedError:
                raise
            except ActionError:
                if attempt == retries:
                    raise
                self._sleep(min(wait * 2**attempt, 3600))
            else:
                return

    def stop(self, event: Event) -> None:
        """Post the event."""
        self.start(event)


def event_id(event: Event) -> str:
    """Return the idempotency key of this event: the same at every try, so that a receiver can detect repeats."""
    of = (event.values.get("host"), event.transfer.id if event.transfer else None)
    what = (event.rule, event.edge, repr(event.timestamp), *of)
    return hashlib.sha256(dumps(what, default=str, ascii_only=True).encode()).hexdigest()[:32]


def _post(event: Event) -> "Post":
    from gpurules.actions.effects.delivery import Post

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
