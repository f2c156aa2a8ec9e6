"""Messages to a Slack channel, by an incoming webhook."""

import re
from collections.abc import Iterable
from typing import ClassVar

from gpurules.actions.action import ActionError, ActionKind, Complaint, Edge, Event, Parameters, Schema, notifications
from gpurules.actions.effects.notification.delivery import RETRIES
from gpurules.actions.effects.notification.messages import clip, event_text
from gpurules.actions.effects.notification.parameters import check_secret, secret, secret_of, timeout
from gpurules.strict_json import dumps

_MESSAGE = "{rule} on {host}: {edge}"
_MAX_TEXT = 4000
"""Characters; Slack splits longer texts, and cuts them at 40,000. Source: https://docs.slack.dev/reference/methods/chat.postMessage"""
_CUT_ESCAPE = re.compile("&[a-z]{0,3}$")
_MARKS = {
    "start": ":red_circle:",
    "change": ":large_orange_circle:",
    "repeat": ":red_circle:",
    "stop": ":white_circle:",
}


class Slack:
    """Each notification is one message."""

    name = "slack"
    kind = ActionKind.EFFECT
    summary = "Posts a message to Slack when the rule starts to match, changes its GPUs, or stops."
    on: frozenset[Edge] = frozenset({"start", "stop"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "message": {
                "type": "string",
                "x-template": True,
                "default": _MESSAGE,
                "description": "Message text, with placeholders; Slack's own markup can be used in it.",
                "examples": ["GPU {devices} of {host} at {gpu_temperature}"],
            },
            "timeout": timeout(5),
            **notifications(["start", "stop"]),
            **secret("the URL of the incoming webhook, which is a secret as a whole", "SLACK_WEBHOOK_URL"),
            **RETRIES,
        },
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find a rule that does not name the URL."""
        return check_secret(parameters, "the URL of the incoming webhook")

    def start(self, event: Event) -> None:
        """Post the message.

        Raises:
            RetryLater: a later attempt may succeed.
            ActionError: it failed for good.
        """
        from gpurules.actions.effects.transport.posting import post_json  # the network, which few rulesets need

        url = secret_of(event.parameters) or ""
        if not url.startswith(("https://", "http://")):
            raise ActionError("the secret is not the URL of an incoming webhook")
        text = event_text(event, str(event.parameters.get("message", _MESSAGE)), _escaped)
        post_json(event, url, dumps({"text": _clip_escaped(f"{_MARKS[event.edge]} {text}")}))

    def stop(self, event: Event) -> None:
        """Post the message."""
        self.start(event)


def _clip_escaped(text: str) -> str:
    """Return *text* as long as one message is, and not cut within an escaped character."""
    clipped = clip(text, _MAX_TEXT)
    return clipped if clipped == text else f"{_CUT_ESCAPE.sub('', clipped[:-1])}…"


def _escaped(text: str) -> str:
    """Return a value so that Slack shows it as it is, and takes it for no markup of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
