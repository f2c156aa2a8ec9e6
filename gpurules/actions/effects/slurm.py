"""Drains the node in Slurm while a rule matches, and resumes it, unless someone else drained it."""

import re
from collections.abc import Iterable
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
from gpurules.actions.effects.delivery import RETRIES, RetryLater
from gpurules.actions.effects.messages import event_text
from gpurules.actions.effects.parameters import timeout
from gpurules.logs import logger

if TYPE_CHECKING:
    from gpurules.actions.effects.programs import Finished

_LOGGER = logger("gpurules.actions.effects.slurm")
_OURS = re.compile(r"gpurules\[(?P<rules>[^\[\]]*)\]")
_DRAINED = re.compile(r"\+?DRAIN|DRAINED|DRAINING")
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/slurm/bin",
    "LANG": "C.UTF-8",
}
_MAX_REASON = 200


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
        node, rules, is_drained, is_foreign = _state(event)
        if is_drained and is_foreign:
            _LOGGER.info("%s is drained by someone else; rule %s adds nothing", node, event.rule)
            return
        if is_drained and _word(event.rule) in rules:
            return
        listed = ",".join(sorted({*(rules if is_drained else ()), _word(event.rule)}))
        text = " ".join(event_text(event, str(event.parameters.get("reason") or "")).split())
        reason = f"gpurules[{listed}] {text}".strip()[:_MAX_REASON]
        _scontrol(event, "update", f"nodename={node}", "state=drain", f"reason={reason}")

    def stop(self, event: Event) -> None:
        """Resume the node if this rule was the last of ours that wanted it drained."""
        node, rules, is_drained, is_foreign = _state(event)
        own = _word(event.rule)
        if not is_drained or is_foreign or own not in rules:
            return
        others = sorted(rules - {own})
        if others:
            _scontrol(event, "update", f"nodename={node}", "state=drain", f"reason=gpurules[{','.join(others)}]")
        else:
            _scontrol(event, "update", f"nodename={node}", "state=resume")


def _word(rule: str) -> str:
    """Return the name of a rule as it is written in a reason, where commas and brackets have a meaning."""
    return re.sub(r"[^\w.-]", "_", rule)


def _state(event: Event) -> tuple[str, frozenset[str], bool, bool]:
    """Return the node, the rules that its reason names, whether it is drained, and whether by someone else."""
    node = event_text(event, str(event.parameters.get("node", "{host}")))
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", node, re.ASCII):
        raise ActionError(f"{node[:60]!r} is not the name of one node of Slurm")
    shown = _scontrol(event, "show", "node", node, "-o").output
    state = re.search(r"(?:^|\s)State=(\S+)", shown)
    if state is None:
        raise RetryLater("scontrol show node printed no state")
    reason = re.search(r"(?:^|\s)Reason=(.*)", shown)
    ours = _OURS.match(reason[1].strip()) if reason else None
    rules = frozenset(filter(None, ours["rules"].split(","))) if ours else frozenset()
    is_drained = _DRAINED.search(state[1]) is not None
    return node, rules, is_drained, is_drained and ours is None


def _scontrol(event: Event, *arguments: str) -> "Finished":
    from gpurules.actions.effects.programs import run_program  # which few rulesets need

    program = str(event.parameters.get("scontrol", "scontrol"))
    seconds = numeric(event.parameters, "timeout") or 30.0
    try:
        ended = run_program([program, *arguments], b"", {}, seconds)
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "an argument has a null character"
        raise RetryLater(f"{program} cannot be started: {reason}") from None
    if ended.status is None:
        raise RetryLater(f"{program} {arguments[0]} took longer than {seconds:g} s")
    if ended.status != 0:
        raise RetryLater(f"{program} {arguments[0]} exited with {ended.status}: {ended.last_line}")
    return ended
