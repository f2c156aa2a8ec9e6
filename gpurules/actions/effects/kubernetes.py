"""Marks the node in Kubernetes while a rule matches: condition, event, taint, labels, cordon."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from gpurules.actions.action import ActionError, ActionKind, Complaint, Edge, Event, Parameters, Schema, notifications
from gpurules.actions.effects.node_holds import NodeMarks, node_patch
from gpurules.actions.effects.notification.delivery import RETRIES, event_id
from gpurules.actions.effects.notification.messages import event_text
from gpurules.actions.effects.notification.parameters import check_secret, secret, timeout
from gpurules.actions.effects.transport.kubernetes_api import ACCOUNT, Cluster, rfc3339

_MESSAGE = "{rule} on {host}"
_LABEL = "^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
_VALUE = "^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$"
_MARKS = ("condition", "event", "taint", "labels", "cordon")


class Kubernetes:
    """What several rules want of the node is noted in an annotation; what others set is never undone."""

    name = "kubernetes"
    kind = ActionKind.EFFECT
    summary = "Marks the node in Kubernetes while the rule matches: condition, event, taint, labels, cordon."
    on: frozenset[Edge] = frozenset({"start", "change", "stop"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "node": {
                "type": "string",
                "x-template": True,
                "description": "Name of the node; by default the environment variable NODE_NAME, else {host}.",
                "examples": ["gpu-017"],
            },
            "condition": {
                "type": "string",
                "pattern": "^[A-Z][A-Za-z0-9]{0,99}$",
                "description": "Type of a node condition that is True while the rule matches.",
                "examples": ["GPUUnhealthy"],
            },
            "event": {
                "type": "boolean",
                "default": False,
                "description": "Whether to record a Kubernetes event about the node.",
                "examples": [True],
            },
            "taint": {
                "type": "object",
                "properties": {
                    "key": {
                        "type": "string",
                        "pattern": _LABEL,
                        "description": "Key of the taint.",
                        "examples": ["gpurules.io/unhealthy"],
                    },
                    "value": {
                        "type": "string",
                        "pattern": _VALUE,
                        "description": "Value of the taint.",
                        "examples": ["xid"],
                    },
                    "effect": {
                        "type": "string",
                        "enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"],
                        "description": "What the taint does.",
                    },
                },
                "required": ["key", "effect"],
                "additionalProperties": False,
                "description": "A taint of the node while the rule matches.",
                "examples": [{"key": "gpurules.io/unhealthy", "effect": "NoSchedule"}],
            },
            "labels": {
                "type": "object",
                "propertyNames": {"pattern": _LABEL},
                "additionalProperties": {"type": "string", "pattern": _VALUE},
                "description": "Labels of the node while the rule matches.",
                "examples": [{"gpurules.io/health": "bad"}],
            },
            "cordon": {
                "type": "boolean",
                "default": False,
                "description": "Whether no new pods are scheduled to the node while the rule matches.",
                "examples": [True],
            },
            "message": {
                "type": "string",
                "x-template": True,
                "default": _MESSAGE,
                "description": "Message of the condition and the event, with placeholders.",
                "examples": ["Xid {gpu_xid} on GPU {devices}"],
            },
            "server": {
                "type": "string",
                "pattern": "^https://[^\\s/]",
                "description": "URL of the API server; by default that of the cluster that the agent runs in.",
                "examples": ["https://10.0.0.1:6443"],
            },
            "ca_file": {
                "type": "string",
                "description": "Certificates (PEM) that the API server's is checked against; by default those of the "
                "service account.",
                "examples": [f"{ACCOUNT}/ca.crt"],
            },
            "timeout": timeout(10),
            **notifications(["start", "change", "stop"]),
            **secret("the token; by default that of the service account", "KUBERNETES_TOKEN"),
            **RETRIES,
        },
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find a rule that marks nothing, and one for each GPU, which a node does not have."""
        yield from check_secret(parameters)
        if not any(parameters.get(name) for name in _MARKS):
            yield Complaint("", "GPR503", f"nothing is marked; set one of {', '.join(_MARKS)}")
        if parameters.get("grouping") == "gpu":
            yield Complaint("grouping", "GPR505", "Kubernetes has nodes, not GPUs; remove grouping: gpu")

    def start(self, event: Event) -> None:
        """Mark the node.

        Raises:
            RetryLater: a later attempt may succeed.
            ActionError: the API server refused it for good.
        """
        _mark(event, is_on=True)

    def stop(self, event: Event) -> None:
        """Take back what this rule marked, unless another rule wants it, too."""
        _mark(event, is_on=False)


def _mark(event: Event, is_on: bool) -> None:
    given = event.parameters
    cluster = Cluster.of(event)
    name = _node_name(event)
    wanted = NodeMarks.of(given)
    node = cluster.get(f"/api/v1/nodes/{name}")
    patch, held = node_patch(node, wanted, event.rule, is_on)
    if patch:
        cluster.patch(f"/api/v1/nodes/{name}", patch, "application/merge-patch+json")
    kind = given.get("condition")
    message = event_text(event, str(given.get("message", _MESSAGE)))[:1024]
    if isinstance(kind, str) and (is_on or not held):
        since = (event.started if is_on else None) or event.timestamp
        condition = {
            "type": kind,
            "status": "True" if is_on else "False",
            "reason": _reason(event.rule) if is_on else f"{_reason(event.rule)}Ended",
            "message": message if is_on else f"{event.rule} no longer matches",
            "lastHeartbeatTime": rfc3339(event.timestamp),
            "lastTransitionTime": rfc3339(since),
        }
        path = f"/api/v1/nodes/{name}/status"
        cluster.patch(path, {"status": {"conditions": [condition]}}, "application/strategic-merge-patch+json")
    if given.get("event") is True and event.edge != "repeat":
        cluster.create("/api/v1/namespaces/default/events", _record(event, name, node, message))


def _record(event: Event, name: str, node: Mapping[str, object], message: str) -> dict[str, object]:
    metadata = node.get("metadata")
    uid = metadata.get("uid") if isinstance(metadata, Mapping) else None
    at = rfc3339(event.timestamp)
    suffix = "" if event.edge == "start" else event.edge.capitalize()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{event_id(event)[:16]}", "namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": name, **({"uid": uid} if uid else {})},
        "reason": _reason(event.rule) + suffix,
        "message": message,
        "type": "Normal" if event.edge == "stop" else "Warning",
        "source": {"component": "gpurules", "host": name},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def _reason(rule: str) -> str:
    """Return the name of a rule as a reason in Kubernetes, which is one word in camel case.

    >>> _reason("page_on_xid"), _reason("42 is hot")
    ('PageOnXid', 'Rule42IsHot')
    """
    words = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", rule))
    return (words if words[:1].isalpha() else f"Rule{words}")[:100]


def _node_name(event: Event) -> str:
    given = event.parameters.get("node")
    name = (
        event_text(event, given)
        if isinstance(given, str)
        else os.environ.get("NODE_NAME") or str(event.values.get("host") or "")
    )
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", name, re.ASCII):
        raise ActionError(f"{name[:60]!r} is not the name of a node; set node, or the variable NODE_NAME")
    return name
