"""Alerts that reach people, in half a minute: a node whose GPUs heat up, and a real Alertmanager that dies meanwhile.

    make story-alerts                   # or: python -m examples.alerts

GPU 0 heats up: one alert. GPU 1 joins: the alert says so. Alertmanager is killed; meanwhile GPU 2 heats up, and a rule
about memory starts. Alertmanager comes back, without its memory, and hears of everything. All cool down: all resolved.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rich.console import Console

from examples.alerts.receiver import Alertmanager
from gpurules.actions.effects.notification.delivery import Delivery
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.engine.inspection import deliveries
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads

HERE = Path(__file__).parent
POLL_SECONDS, PATIENCE_SECONDS = 0.2, 30.0


class Receiver(Protocol):
    """An Alertmanager that can be killed and started again."""

    url: str

    def start(self) -> None:
        """Start it, and wait until it answers."""
        ...

    def stop(self) -> None:
        """Kill it."""
        ...

    def alerts(self) -> dict[str, dict[str, str]]:
        """Return the annotations of the alerts that fire, by name."""
        ...


@dataclass
class Node:
    """Four GPUs whose temperature and memory are set by hand; a source of telemetry."""

    name: str = "story"
    celsius: list[float] = field(default_factory=lambda: [60.0, 61.0, 59.0, 62.0])
    memory: float = 40.0

    def read(self) -> Snapshot:
        """Return the current state."""
        gpus = (
            GPU(index=n, uuid=f"GPU-{n}", name="H100", temperature=t, memory=self.memory)
            for n, t in enumerate(self.celsius)
        )
        return Snapshot(timestamp=time.time(), host="node-7", gpus=tuple(gpus))

    def close(self) -> None:
        """Have nothing to close."""


class Story:
    """The node, its rules, and the receiver of their alerts."""

    def __init__(self, receiver: Receiver, console: Console) -> None:
        self.receiver, self.console, self.node = receiver, console, Node()
        text = (HERE / "node.rules.yaml").read_text(encoding="utf-8").replace("http://alertmanager:9093", receiver.url)
        options = CoordinatorOptions(poll_interval=POLL_SECONDS, jitter=0.0, watch_files=False, read_timeout=5.0)
        self.agent = Coordinator(loads(text), self.node, options=options)

    def run(self) -> None:
        """Run the story.

        Raises:
            SystemExit: something did not come about in time.
        """
        self.say("the node is cool; no alert")
        self.until("no alert", lambda: self.receiver.alerts() == {})
        self.node.celsius[0] = 91.0
        self.say("GPU 0 heats up to 91 C")
        self.until("one alert, for GPU 0", lambda: self.gpus() == {"gpu_too_hot": "0"})
        self.node.celsius[1] = 93.0
        self.say("GPU 1 joins at 93 C")
        self.until("the same alert names GPU 0 and 1", lambda: self.gpus() == {"gpu_too_hot": "0, 1"})
        self.receiver.stop()
        self.say("Alertmanager is killed; GPU 2 heats up, and memory fills up")
        self.node.celsius[2], self.node.memory = 90.0, 95.0
        self.until("two rules wait for it", lambda: {d.rule for d in self.pending()} == {"gpu_too_hot", "memory_full"})
        self.until("an attempt has failed", lambda: any(d.attempts for d in self.pending()))
        self.receiver.start()
        self.say("Alertmanager is back, and has forgotten everything")
        wanted = {"gpu_too_hot": "0, 1, 2", "memory_full": "0, 1, 2, 3"}
        self.until("it has heard of everything", lambda: self.gpus() == wanted)
        self.node.celsius, self.node.memory = [60.0] * 4, 40.0
        self.say("all GPUs cool down, and memory is freed")
        self.until("all alerts are resolved", lambda: self.receiver.alerts() == {})
        counts = self.agent.collect().effects["alertmanager"]
        self.say(f"{counts.sent} notifications sent, {counts.retried} attempts repeated, {counts.failed} failed, "
                 f"{counts.dropped} dropped, {counts.superseded} replaced by later ones")  # fmt: skip
        if counts.failed or counts.dropped:
            sys.exit("something was lost")

    def gpus(self) -> dict[str, str]:
        """Return which GPUs the alerts name, by the name of the alert."""
        return {name: labels.get("gpus", "") for name, labels in self.receiver.alerts().items()}

    def pending(self) -> list[Delivery]:
        """Return the deliveries that wait."""
        return [d for d in deliveries(self.agent) if d.state == "pending"]

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait until *condition* holds, and say so."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > PATIENCE_SECONDS:
                sys.exit(f"not within {PATIENCE_SECONDS:.0f} s: {what}; {deliveries(self.agent)[-5:]}")
            time.sleep(0.05)
        summaries = "; ".join(f"{name}: {text.get('summary')}" for name, text in self._shown().items())
        self.console.print(
            f"  {time.monotonic() - began:5.1f} s  {what}" + (f"   [{summaries}]" if summaries else ""), markup=False
        )

    def _shown(self) -> dict[str, dict[str, str]]:
        try:
            return self.receiver.alerts()
        except OSError:
            return {}

    def say(self, text: str) -> None:
        """Say what happens."""
        self.console.print(f"● {text}", markup=False, soft_wrap=True)


def main() -> None:
    """Run the story with the Alertmanager that is installed."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        sys.exit("the story needs Alertmanager: apt install prometheus-alertmanager")
    with tempfile.TemporaryDirectory() as folder:
        receiver = Alertmanager(program, Path(folder))
        receiver.start()
        story = Story(receiver, Console(width=160))
        try:
            with story.agent:
                story.run()
        finally:
            receiver.stop()


if __name__ == "__main__":
    main()
