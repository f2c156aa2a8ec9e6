"""Drains the node that has a problem, as Slurm's health check program has to do by itself.

Source: slurm.conf(5), HealthCheckProgram: "any action to be taken must be explicitly performed by the program";
scontrol(1), update NodeName=… State=DRAIN Reason=….
"""

import os
import platform
import re
import time
from collections.abc import Callable

from gpurules.telemetry.live.isolation.tool import Tool
from gpurules.telemetry.source import TelemetryError

_STATE = re.compile(r"\bState=(\S+)")
_NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_MAX_REASON = 200
_SETTLED = re.compile(r"DRAIN|DOWN|FAIL")
"""States in which the node takes no new work already: the reason that was given for that stays."""


def node_name() -> str:
    """Return what Slurm calls this node."""
    return os.environ.get("SLURMD_NODENAME") or platform.node().partition(".")[0]


def drain_node(reason: str, until: float, clock: Callable[[], float] = time.monotonic) -> str:
    """Drain this node unless it takes no work already, and return what was done, or why it could not be done.

    Units: *until* in seconds of the clock.
    """
    name, tool = node_name(), Tool("scontrol", clock)
    if not _NODE_NAME.fullmatch(name):
        return f"not drained: {name!r} is not the name of a node; set SLURMD_NODENAME"
    try:
        shown = tool.run(["show", "node", name, "--oneliner"], until)
        state = _STATE.search(shown.text)
        if shown.exit_code or state is None:
            return f"not drained: scontrol show node {name}: {shown.complaint}"
        if _SETTLED.search(state[1]):
            return f"not drained: node {name} is {state[1]} already"
        words = " ".join(f"gpurules: {reason}".split())[:_MAX_REASON]
        done = tool.run(["update", f"NodeName={name}", "State=DRAIN", f"Reason={words}"], until)
        if done.exit_code:
            return f"not drained: scontrol update: {done.complaint}"
    except TelemetryError as error:
        return f"not drained: {error}"
    finally:
        tool.close()
    return f"node {name} is drained: {words}"
