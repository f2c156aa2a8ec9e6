"""Posts JSON to any endpoint: a body of its own, or one built from a template; signed, with secret headers."""

import hmac
from collections.abc import Iterable, Mapping
from typing import ClassVar

from gpurules.actions.action import ActionKind, Complaint, Edge, Event, Parameters, Schema, notifications
from gpurules.actions.effects.notification.delivery import RETRIES
from gpurules.actions.effects.notification.messages import event_json, event_payload
from gpurules.actions.effects.notification.parameters import DENY_PRIVATE, check_secret, secret, secret_of, timeout, url
from gpurules.strict_json import dumps

_SECRET_HEADER = {
    "type": "object",
    "properties": {
        **secret("the value", "WEBHOOK_TOKEN"),
        "prefix": {"type": "string", "description": "Text before the secret.", "examples": ["Bearer "]},
    },
    "additionalProperties": False,
}


class Webhook:
    """Each rule makes its own call; the queue of its receiver repeats a call that fails, later each time."""

    name = "webhook"
    kind = ActionKind.EFFECT
    summary = "Posts JSON to a URL when the rule starts to match, optionally also at changes and at its end."
    on: frozenset[Edge] = frozenset({"start"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "url": url("https://alerts.example.org/hook"),
            "body": {
                "type": "object",
                "x-template": True,
                "description": "The JSON to post, with placeholders in its texts. A text that is one placeholder "
                "becomes the value itself: a number, a list, null. By default the whole event.",
                "examples": [{"text": "GPU {devices} at {gpu_temperature}", "celsius": "{gpu_temperature}"}],
            },
            "timeout": timeout(5),
            "headers": {
                "type": "object",
                "additionalProperties": {"anyOf": [{"type": "string"}, _SECRET_HEADER]},
                "default": {},
                "description": "Additional headers. A secret is named by secret_env or secret_file, optionally after "
                "a prefix.",
                "examples": [{"X-Team": "storage", "Authorization": {"secret_env": "HOOK_TOKEN", "prefix": "Bearer "}}],
            },
            **notifications(["start"]),
            **secret("the key to sign the body with (HMAC-SHA256)", "WEBHOOK_SECRET"),
            "deny_private": DENY_PRIVATE,
            **RETRIES,
        },
        "required": ["url"],
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find a header that names no secret, or two."""
        yield from check_secret(parameters)
        given = parameters.get("headers")
        for name, value in given.items() if isinstance(given, Mapping) else ():
            if isinstance(value, Mapping):
                for complaint in check_secret(value, f"the secret of the header {str(name)[:60]!r}"):
                    yield complaint._replace(parameter="headers")

    def start(self, event: Event) -> None:
        """Post the event, once.

        Raises:
            RetryLater: a later attempt may succeed.
            ActionError: it failed for good, or a secret is not in the environment.
        """
        from gpurules.actions.effects.transport.posting import post_json  # the network, which few rulesets need

        template = event.parameters.get("body")
        payload = event_payload(event) if template is None else event_json(event, template)
        body = dumps(payload, default=str, ascii_only=True)
        headers = _headers(event)
        key = secret_of(event.parameters)
        if key is not None:
            headers["X-Gpurules-Signature-256"] = (
                "sha256=" + hmac.new(key.encode(), body.encode(), "sha256").hexdigest()
            )
        post_json(event, str(event.parameters.get("url")), body, headers)

    def stop(self, event: Event) -> None:
        """Post the event."""
        self.start(event)


def _headers(event: Event) -> dict[str, str]:
    given = event.parameters.get("headers")
    found = {}
    for name, value in given.items() if isinstance(given, Mapping) else ():
        if isinstance(value, Mapping):
            found[str(name)] = f"{value.get('prefix', '')}{secret_of(value)}"
        else:
            found[str(name)] = str(value)
    return found
