"""Alerts for Prometheus' Alertmanager: repeated while the rule matches, resolved when it stops or the agent is gone."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import ClassVar

from gpurules.actions.action import ActionKind, Complaint, Edge, Event, Parameters, Schema, notifications, numeric
from gpurules.actions.effects.notification.delivery import RETRIES
from gpurules.actions.effects.notification.messages import event_text, shown_values
from gpurules.actions.effects.notification.parameters import DENY_PRIVATE, check_secret, secret, secret_of, timeout, url
from gpurules.strict_json import dumps

_NAME = "^[a-zA-Z_][a-zA-Z0-9_]*$"
_TEXTS = {
    "type": "object",
    "propertyNames": {"pattern": _NAME},
    "additionalProperties": {"type": "string"},
    "x-template": True,
    "default": {},
}
_MESSAGE = "{rule} on {host}"


class Alertmanager:
    """One alert for a rule on a node (or for each GPU), which each notification brings up to date."""

    name = "alertmanager"
    kind = ActionKind.EFFECT
    summary = "Raises an alert in Prometheus' Alertmanager while the rule matches, and resolves it when it stops."
    on: frozenset[Edge] = frozenset({"start", "change", "stop"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "url": url("http://alertmanager:9093", "URL of Alertmanager, without /api/v2/alerts."),
            "summary": {
                "type": "string",
                "x-template": True,
                "default": _MESSAGE,
                "description": "The annotation summary, with placeholders.",
                "examples": ["GPU {devices} of {host} at {gpu_temperature}"],
            },
            "labels": _TEXTS
            | {
                "description": "Further labels, with placeholders. alertname, host, and gpu (with grouping: gpu) are "
                "set. Labels identify the alert, so use only values that do not change while the rule matches.",
                "examples": [{"severity": "critical"}],
            },
            "annotations": _TEXTS
            | {
                "description": "Further annotations, with placeholders; those of the rule are included.",
                "examples": [{"dashboard": "https://grafana.example.org/d/{host}"}],
            },
            "resolve_after": {
                "type": "number",
                "minimum": 10,
                "maximum": 7 * 86400,
                "default": 300,
                "x-dimension": "seconds",
                "description": "Alertmanager resolves the alert if it does not hear of it for this long.",
                "examples": ["5m"],
            },
            "timeout": timeout(5),
            **notifications(["start", "change", "stop"], repeat_every=60),
            **secret("the bearer token", "ALERTMANAGER_TOKEN"),
            "deny_private": DENY_PRIVATE,
            **RETRIES,
        },
        "required": ["url"],
        "additionalProperties": False,
    }

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find an alert that would resolve between two repetitions."""
        yield from check_secret(parameters)
        every, after = numeric(parameters, "repeat_every") or 60, numeric(parameters, "resolve_after") or 300
        if every >= after:
            message = f"repeat_every ({every:g} s) must be less than resolve_after ({after:g} s)"
            place = "repeat_every" if "repeat_every" in parameters else "resolve_after"
            yield Complaint(place, "GPR505", f"{message}, else the alert resolves while the rule matches")

    def start(self, event: Event) -> None:
        """Send the alert as firing.

        Raises:
            RetryLater: a later attempt may succeed.
            ActionError: it failed for good.
        """
        after = numeric(event.parameters, "resolve_after") or 300
        self._send(event, max(event.timestamp, self._clock()) + after)

    def stop(self, event: Event) -> None:
        """Send the alert as resolved.

        Alertmanager keeps an alert that ends in its future until it would expire, so the end is moved before its own
        time where that is not past the end.
        """
        date = self._send(event, event.timestamp)
        if date is not None and date <= event.timestamp:
            self._send(event, date - 0.001)

    def _send(self, event: Event, ends: float) -> float | None:
        """Send the alert, and return what time it is for Alertmanager."""
        from gpurules.actions.effects.transport.posting import post_json  # the network, which few rulesets need

        starts = event.timestamp if event.started is None else event.started
        alert = {
            "labels": _labels(event),
            "annotations": _annotations(event),
            "startsAt": _time(min(starts, ends - 0.001)),
            "endsAt": _time(ends),
        }
        token = secret_of(event.parameters)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        place = str(event.parameters.get("url")).rstrip("/") + "/api/v2/alerts"
        return post_json(event, place, dumps([alert]), headers).date


def _labels(event: Event) -> dict[str, str]:
    own = {"alertname": event.annotations.get("alertname") or event.rule}
    own |= {"host": str(event.values["host"])} if event.values.get("host") else {}
    own |= {} if event.device is None else {"gpu": str(event.device)}
    own |= {"transfer": event.transfer.id} if event.transfer and event.transfer.id else {}
    return own | _filled(event, "labels")


def _annotations(event: Event) -> dict[str, str]:
    of_rule = {re.sub(r"\W", "_", name, flags=re.ASCII): text for name, text in event.annotations.items()}
    of_rule = {f"_{name}" if name[:1].isdigit() else name: text for name, text in of_rule.items() if name}
    own = {"summary": event_text(event, str(event.parameters.get("summary", _MESSAGE)))}
    own |= {"gpus": ", ".join(map(str, event.devices))} if event.devices else {}
    return of_rule | own | shown_values(event) | _filled(event, "annotations")


def _filled(event: Event, parameter: str) -> dict[str, str]:
    given = event.parameters.get(parameter)
    texts = given if isinstance(given, Mapping) else {}
    return {str(name): event_text(event, str(text)) for name, text in texts.items()}


def _time(seconds: float) -> str:
    """Return a time as RFC 3339 has it, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
