"""Incidents at PagerDuty: triggered when a rule starts to match, resolved when it stops (Events API v2)."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from gpurules.actions.action import ActionKind, Complaint, Edge, Event, Parameters, Schema, notifications
from gpurules.actions.effects.notification.delivery import RETRIES, episode_id
from gpurules.actions.effects.notification.messages import clip, event_text, shown_values
from gpurules.actions.effects.notification.parameters import DENY_PRIVATE, check_secret, secret, secret_of, timeout, url
from gpurules.strict_json import dumps

_URL = "https://events.pagerduty.com/v2/enqueue"
_MESSAGE = "{rule} on {host}"
_MAX_SUMMARY, _MAX_DETAIL = 1024, 4096
"""Characters. Source: the Events API v2 takes a summary of 1,024 characters; a detail is bounded here."""
_MAX_DETAILS = 384 * 1024
"""Bytes of all details; a message may have 512 KB. Source: https://developer.pagerduty.com/docs/events-api-v2-overview"""


class PagerDuty:
    """One incident for a rule on a node (or for each GPU), under a key that stays the same."""

    name = "pagerduty"
    kind = ActionKind.EFFECT
    summary = "Triggers an incident at PagerDuty when the rule starts to match, and resolves it when it stops."
    on: frozenset[Edge] = frozenset({"start", "change", "stop"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "summary": {
                "type": "string",
                "x-template": True,
                "default": _MESSAGE,
                "description": "Title of the incident, with placeholders.",
                "examples": ["GPU {devices} of {host} at {gpu_temperature}"],
            },
            "severity": {
                "type": "string",
                "enum": ["critical", "error", "warning", "info"],
                "default": "error",
                "description": "Severity of the incident.",
                "examples": ["critical"],
            },
            "url": url(
                "https://events.eu.pagerduty.com/v2/enqueue", "URL of the Events API, for other regions.", default=_URL
            ),
            "timeout": timeout(5),
            **notifications(["start", "change", "stop"]),
            **secret("the integration (routing) key", "PAGERDUTY_KEY"),
            "deny_private": DENY_PRIVATE,
            **RETRIES,
        },
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find a rule that names no integration key."""
        return check_secret(parameters, "the integration key")

    def start(self, event: Event) -> None:
        """Trigger the incident, or bring it up to date.

        Raises:
            RetryLater: a later attempt may succeed.
            ActionError: it failed for good.
        """
        source = str(event.values.get("host") or "unknown host")
        details = {"rule": event.rule, "gpus": list(event.devices), **shown_values(event), **event.annotations}
        summary = event_text(event, str(event.parameters.get("summary", _MESSAGE))).strip()
        payload = {
            "summary": clip(summary or event.rule, _MAX_SUMMARY),
            "source": source,
            "severity": event.parameters.get("severity", "error"),
            "component": "gpu" if event.devices else "node",
            "group": source,
            "class": event.rule,
            "custom_details": _within_limit(details),
        }
        _send(event, {"event_action": "trigger", "payload": payload, "client": "gpurules"})

    def stop(self, event: Event) -> None:
        """Resolve the incident."""
        _send(event, {"event_action": "resolve"})


def _within_limit(details: Mapping[str, object]) -> dict[str, object]:
    """Return the first of *details* that fit into a message, each clipped; the last says how many there are more."""
    kept: dict[str, object] = {}
    left = _MAX_DETAILS
    for name, value in details.items():
        shown = clip(value, _MAX_DETAIL) if isinstance(value, str) else value
        left -= len(dumps({name: shown}, default=str).encode())
        if left < 0:
            return kept | {"more": f"{len(details) - len(kept)} further details are left out: the message is too large"}
        kept[name] = shown
    return kept


def _send(event: Event, message: dict[str, object]) -> None:
    from gpurules.actions.effects.transport.posting import post_json  # the network, which few rulesets need

    message |= {"routing_key": secret_of(event.parameters), "dedup_key": episode_id(event)}
    post_json(event, str(event.parameters.get("url", _URL)), dumps(message, default=str))
