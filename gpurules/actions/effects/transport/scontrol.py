"""A node in Slurm, as the program scontrol shows and updates it.

Source: scontrol(1): ``show node`` prints ``State=`` and ``Reason=``; ``update NodeName=… State=DRAIN Reason=…``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gpurules.actions.effects.transport.programs import Finished, run_program
from gpurules.errors import GpurulesError

MAX_REASON = 200
_NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_STATE = re.compile(r"(?:^|\s)State=(\S+)")
_REASON = re.compile(r"(?:^|\s)Reason=(.*)")


class ScontrolError(GpurulesError):
    """scontrol cannot be started, takes too long, or fails; or what it prints has no state."""


def is_node_name(name: str) -> bool:
    """Return whether *name* names one node, and nothing else that scontrol would take."""
    return _NODE_NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class SlurmNode:
    """What Slurm knows of a node. Missing: ``reason`` is empty where none is given."""

    name: str
    state: str
    reason: str = ""

    @property
    def is_drained(self) -> bool:
        """Whether it is drained, or drains."""
        return "DRAIN" in self.state

    @property
    def takes_no_work(self) -> bool:
        """Whether it takes no new work, for whatever reason."""
        return re.search(r"DRAIN|DOWN|FAIL", self.state) is not None


@dataclass(frozen=True, slots=True)
class Scontrol:
    """The program; *left* says how long a call that begins now may take, in seconds."""

    program: str
    left: Callable[[], float]
    environment: Mapping[str, str] = field(default_factory=dict)

    def show(self, name: str) -> SlurmNode:
        """Return what Slurm knows of the node *name*.

        Raises:
            ScontrolError: it cannot be asked, or says nothing of a state.
        """
        shown = self._run("show", "node", name, "--oneliner").output
        state, reason = _STATE.search(shown), _REASON.search(shown)
        if state is None:
            raise ScontrolError("scontrol show node printed no state")
        return SlurmNode(name, state[1], reason[1].strip() if reason else "")

    def drain(self, name: str, reason: str) -> None:
        """Drain the node, or give another reason for its drain; the first 200 characters are kept.

        Raises:
            ScontrolError: that failed.
        """
        self._run("update", f"NodeName={name}", "State=DRAIN", f"Reason={reason[:MAX_REASON]}")

    def resume(self, name: str) -> None:
        """Let the node take work again.

        Raises:
            ScontrolError: that failed.
        """
        self._run("update", f"NodeName={name}", "State=RESUME")

    def _run(self, *arguments: str) -> Finished:
        seconds = self.left()
        try:
            ended = run_program([self.program, *arguments], b"", self.environment, seconds)
        except (OSError, ValueError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or "an argument has a null character"
            raise ScontrolError(f"{self.program} cannot be started: {reason}") from None
        if ended.status is None:
            raise ScontrolError(f"{self.program} {arguments[0]} took longer than {max(0.0, seconds):.3g} s")
        if ended.status != 0:
            raise ScontrolError(f"{self.program} {arguments[0]} exited with {ended.status}: {ended.last_line}")
        return ended
