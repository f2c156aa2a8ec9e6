"""Drains the node in Slurm while a rule matches, and resumes it, unless someone else drained it."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
from gpurules.actions.effects.notification.delivery import RETRIES, RetryLater
from gpurules.actions.effects.notification.messages import event_text
from gpurules.actions.effects.notification.parameters import timeout
from gpurules.logs import logger

if TYPE_CHECKING:
    from gpurules.actions.effects.transport.scontrol import Scontrol, SlurmNode

_LOGGER = logger("gpurules.actions.effects.slurm")
_OURS = re.compile(r"gpurules\[(?P<rules>[^\[\]]*)\]")


class Slurm:
    """The reason of a drain names the rules that want it; a drain with another reason is left alone."""

    name = "slurm"
    kind = ActionKind.EFFECT
    summary = "Drains the node in Slurm while the rule matches, and resumes it, unless someone else drained it."
    on: frozenset[Edge] = frozenset({"start", "stop"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "node": {
                "type": "string",
                "x-template": True,
                "default": "{host}",
                "description": "Slurm's name of the node.",
                "examples": ["gpu-017"],
            },
            "reason": {
                "type": "string",
                "x-template": True,
                "default": "",
                "description": "Added to the reason of the drain, with placeholders; it begins with gpurules[rule].",
                "examples": ["Xid {gpu_xid} on GPU {devices}"],
            },
            "scontrol": {
                "type": "string",
                "pattern": "^(scontrol|/.*/scontrol)$",
                "default": "scontrol",
                "description": "The program scontrol, if it is not on the PATH.",
                "examples": ["/opt/slurm/bin/scontrol"],
            },
            "timeout": timeout(30, "Time limit of each call of scontrol."),
            **notifications(["start", "stop"]),
            **RETRIES,
        },
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find a drain for each GPU, which a node does not have, and one that never ends."""
        if parameters.get("grouping") == "gpu":
            yield Complaint("grouping", "GPR505", "Slurm drains nodes, not GPUs; remove grouping: gpu")

    def start(self, event: Event) -> None:
        """Drain the node, unless it is drained.

        Raises:
            RetryLater: scontrol failed.
            ActionError: it cannot be done.
        """
        with _retried(event) as slurm:
            node, rules, is_foreign = _state(event, slurm)
            if is_foreign:
                _LOGGER.info("%s is drained by someone else; rule %s adds nothing", node.name, event.rule)
                return
            own = _word(event.rule)
            if node.is_drained and own in rules:
                return
            listed = ",".join(sorted({*(rules if node.is_drained else ()), own}))
            text = " ".join(event_text(event, str(event.parameters.get("reason") or "")).split())
            slurm.drain(node.name, f"gpurules[{listed}] {text}".strip())

    def stop(self, event: Event) -> None:
        """Resume the node if this rule was the last of ours that wanted it drained."""
        with _retried(event) as slurm:
            node, rules, is_foreign = _state(event, slurm)
            own = _word(event.rule)
            if not node.is_drained or is_foreign or own not in rules:
                return
            others = sorted(rules - {own})
            if others:
                slurm.drain(node.name, f"gpurules[{','.join(others)}]")
            else:
                slurm.resume(node.name)


def _word(rule: str) -> str:
    """Return the name of a rule as it is written in a reason, where commas and brackets have a meaning."""
    return re.sub(r"[^\w.-]", "_", rule)


def _state(event: Event, slurm: "Scontrol") -> "tuple[SlurmNode, frozenset[str], bool]":
    """Return the node, the rules that its reason names, and whether someone else drained it."""
    from gpurules.actions.effects.transport.scontrol import is_node_name

    name = event_text(event, str(event.parameters.get("node", "{host}")))
    if not is_node_name(name):
        raise ActionError(f"{name[:60]!r} is not the name of one node of Slurm")
    node = slurm.show(name)
    ours = _OURS.match(node.reason)
    rules = frozenset(filter(None, ours["rules"].split(","))) if ours else frozenset()
    return node, rules, node.is_drained and ours is None


@contextmanager
def _retried(event: Event) -> "Iterator[Scontrol]":
    """Give the program; what fails of it is tried again later."""
    from gpurules.actions.effects.transport.scontrol import Scontrol, ScontrolError  # which few rulesets need

    seconds = numeric(event.parameters, "timeout") or 30.0
    try:
        yield Scontrol(str(event.parameters.get("scontrol", "scontrol")), lambda: seconds)
    except ScontrolError as error:
        raise RetryLater(str(error)) from None
