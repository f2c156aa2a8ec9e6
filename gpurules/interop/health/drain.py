"""Drains the node that has a problem, as Slurm's health check program has to do by itself.

Source: slurm.conf(5), HealthCheckProgram: "any action to be taken must be explicitly performed by the program";
scontrol(1), update NodeName=… State=DRAIN Reason=….
"""

import os
import platform
import shutil
import time
from collections.abc import Callable

from gpurules.actions.effects.transport.scontrol import MAX_REASON, Scontrol, ScontrolError, is_node_name


def node_name() -> str:
    """Return what Slurm calls this node."""
    return os.environ.get("SLURMD_NODENAME") or platform.node().partition(".")[0]


def drain_node(reason: str, until: float, clock: Callable[[], float] = time.monotonic) -> str:
    """Drain this node unless it takes no work already, and return what was done, or why it could not be done.

    A reason that was given for that already stays.

    Units: *until* in seconds of the clock.
    """
    name, program = node_name(), shutil.which("scontrol")
    if not is_node_name(name):
        return f"not drained: {name!r} is not the name of a node; set SLURMD_NODENAME"
    if program is None:
        return "not drained: scontrol not found on PATH"
    configured = {key: value for key, value in os.environ.items() if key.startswith("SLURM")}
    slurm = Scontrol(program, lambda: until - clock(), configured)
    words = " ".join(f"gpurules: {reason}".split())[:MAX_REASON]
    try:
        node = slurm.show(name)
        if node.takes_no_work:
            return f"not drained: node {name} is {node.state} already"
        slurm.drain(name, words)
    except ScontrolError as error:
        return f"not drained: {error}"
    return f"node {name} is drained: {words}"
