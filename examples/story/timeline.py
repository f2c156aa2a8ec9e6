"""Writes down what happens, as it happens, with the rules that caused it."""

import threading
import time
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from gpurules.actions.decision import Decision
from gpurules.engine import Coordinator, PollReport
from gpurules.governor import StateChange, TransferState

PATIENCE_SECONDS = 30.0
COLORS = {
    TransferState.HELD: "red",
    TransferState.PAUSED: "red",
    TransferState.RUNNING: "green",
    TransferState.STAGED: "cyan",
    TransferState.FAILED: "red",
}
CAUSES = {
    TransferState.HELD: ("delay", "paused"),
    TransferState.PAUSED: ("delay", "paused"),
    TransferState.STAGED: ("stage",),
    TransferState.RUNNING: ("priority_boost",),
}
"""The targets of directives that bring a transfer into a state."""


class Timeline:
    """One line for each snapshot of the node and each change of a transfer; threads may come at any time.

    *node* is asked for the rules behind a change. What is done is not shown here: that comes with the digest.
    """

    def __init__(self, node: Coordinator, console: Console) -> None:
        self._node = node
        self._console = console
        self._began: float | None = None
        self._changed = threading.Condition()
        self._states: dict[str, tuple[TransferState, float]] = {}
        self.is_quiet = False

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._began = self._began or time.monotonic()
        self._console.print(f"\n[bold]{title}[/bold]", soft_wrap=True)

    def done(self, name: str, text: str) -> None:
        """Write that a transfer is done."""
        self._line(name, Text("done      ", "green").append(text, "green"))

    def narrate(self, text: str, color: str = "dim") -> None:
        """Write a line of the narrator."""
        self._line("", Text(text, color))

    def polled(self, report: PollReport) -> None:
        """Write what the node's telemetry said, and the signals that it turned."""
        if report.snapshot is None or self.is_quiet:
            return
        gpu = report.snapshot.gpus[0]
        text = Text(f"GPU {gpu.index}: {gpu.temperature:.0f} C, memory {gpu.memory:.0f} % full", "yellow")
        for turn in report.transitions:
            text.append(f"   {turn.signal} is {'on' if turn.on else 'off'}", "bold yellow")
        self._line("telemetry", text)

    def changed(self, change: StateChange) -> None:
        """Write the change of a transfer's state, and what caused it."""
        name = change.transfer.id or "?"
        if change.after not in (TransferState.DONE, TransferState.QUEUED):
            text = Text(f"{change.after:<8}", COLORS.get(change.after, "default"))
            for rule, reason in self._causes(change):
                text.append(f"  {rule}", "bold").append(f": {reason}", "dim")
            text.rstrip()
            self._line(name, text)
        with self._changed:
            self._states[name] = change.after, change.at
            self._changed.notify_all()

    def _causes(self, change: StateChange) -> list[tuple[str, str]]:
        """Return the rules that caused a change, each with the reason for which it matched."""
        decision = self._node.decide(change.transfer)
        explained = decision.explain()
        return [(rule, explained.rule(rule).reason) for rule in _behind(change.after, decision)]

    def await_state(self, name: str, *states: TransferState) -> float:
        """Wait until a transfer is in one of *states*, and return when it came there, by the governor's clock."""

        def is_there() -> bool:
            return name in self._states and self._states[name][0] in states

        with self._changed:
            if not self._changed.wait_for(is_there, PATIENCE_SECONDS):
                raise SystemExit(f"story: {name} did not become {' or '.join(states)}")
            return self._states[name][1]

    def _line(self, subject: str, text: Text) -> None:
        if not self.is_quiet and self._began is not None:
            line = Text(f"{time.monotonic() - self._began:7.2f} s  ", "dim").append(f"{subject:<20}", "default")
            self._console.print(line.append_text(text), soft_wrap=True)


def _behind(state: TransferState, decision: Decision) -> list[str]:
    """Return the matching rules that order something which brings a transfer into *state*."""
    targets = CAUSES.get(state, ())
    return [
        match.rule
        for match in decision.matched
        if any(getattr(ordered.action, "target", None) in targets for ordered in match.actions)
    ]


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something is so, but not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"story: waited in vain for {what}")
        time.sleep(0.01)
