"""A day of an agent in a minute, line by line: heat, two clients that hold, a wrong edit, a good one, a crash.

The page of the agent shows all of it while the story goes on. Usage: python story.py
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gpurules
from gpurules.governor import Governor
from gpurules.remote import RemoteEngine
from gpurules.remote.queries import fetch

RULES = """\
version: 1
name: story
settings: {poll_interval: 1s, stale_after: 1m}
signals: {heat: {condition: gpu_temperature > 30C, for: 2s}}
rules:
  - {name: rest_while_hot, condition: heat AND transfer_size > 1GiB, action: delay_transfer, parameters: {delay: 60s}}
"""
SOURCE = "synthetic:gpus=2,seconds=36000,interval=1,faults=0"
LARGE = gpurules.Transfer(id="shard-1", path="/data/shard-1.tar", size=4 << 30)
BEGAN = time.monotonic()


def say(text: str) -> None:
    """Print a line of the story."""
    print(f"{time.monotonic() - BEGAN:5.1f} s  {text}", flush=True)


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until *condition* holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("the story has stopped: what was to happen did not")
        time.sleep(0.1)


class Agent:
    """The agent of the story, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.socket, self.rules = folder / "agent.sock", folder / "story.rules.yaml"
        self._state, self._log = folder / "state.json", folder / "log"
        self.rules.write_text(RULES)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "gpurules", "serve", str(self.rules), "--source", SOURCE]
        command += ["--bind", f"unix:{self.socket}", "--bind", f"tcp:127.0.0.1:{self.port}"]
        command += ["--state", str(self._state)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def curl(self, path: str, *options: str) -> Any:
        """Ask as a shell script would."""
        command = ["curl", "--silent", "--max-time", "5", "--unix-socket", str(self.socket), f"http://agent{path}"]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        return json.loads(done.stdout) if done.stdout else {}


def state_of(governor: Governor) -> str:
    """Return the state of the one transfer."""
    return governor.status().transfers[0].state.value


def since(engine: RemoteEngine) -> list[float]:
    """Return since when the signal is on, for each GPU."""
    return [round(signal["since"], 3) for signal in fetch(engine, "/v1/signals")["items"] if signal["on"]]


def edits(agent: Agent, governor: Governor) -> None:
    """A wrong edit of the ruleset is refused, a good one takes over."""
    agent.rules.write_text(RULES.replace("gpu_temperature", "gpu_temprature"))
    refused = agent.curl("/v1/reload", "--request", "POST")
    say(f"a wrong edit is refused ({refused['status']}): {refused['detail'].splitlines()[0]}")
    say(f"meanwhile the transfer is {state_of(governor)}")
    agent.rules.write_text(RULES.replace("delay: 60s", "delay: 90s"))
    agent.curl("/v1/reload", "--request", "POST")
    delay = agent.curl("/v1/decide", "--json", json.dumps({"transfer": LARGE.to_dict()}))["delay"]
    say(f"a good edit takes over: curl is asked to wait {delay:g} s")


def crash(agent: Agent, engine: RemoteEngine, governor: Governor) -> None:
    """The agent is killed and started again; no signal and no transfer is lost."""
    before = since(engine)
    agent.process.kill()
    agent.process.wait()
    say(f"the agent is killed: decisions come from {engine.decide(LARGE).source}, and the transfer is not lost")
    agent.start()
    wait_for(lambda: engine.decide(LARGE).source == "agent" and len(since(engine)) == len(before))
    say(
        "it is started again: " + ("every signal is on since before" if since(engine) == before else "signals are lost")
    )
    say(f"the transfer is {state_of(governor)}")


def main() -> None:
    """Run the story."""
    if shutil.which("curl") is None:
        raise SystemExit("the story needs curl")
    with tempfile.TemporaryDirectory(prefix="gpurules-") as folder:
        agent = Agent(Path(folder))
        engine = gpurules.connect(f"unix:{agent.socket}", timeout=2.0)
        assert isinstance(engine, RemoteEngine)
        governor = Governor(engine)
        say(f"the page is at http://127.0.0.1:{agent.port}/ while the story goes on")
        try:
            wait_for(lambda: engine.decide(LARGE).delay)
            say("the node is hot for two seconds")
            delay = agent.curl("/v1/decide", "--json", json.dumps({"transfer": LARGE.to_dict()}))["delay"]
            ticket = governor.transfer(LARGE)
            say(f"curl is asked to wait {delay:g} s, and the transfer of a Python program is {state_of(governor)}")
            reason = next(rule.reason for rule in engine.explain(LARGE).rules)
            say(f"because {reason}")
            edits(agent, governor)
            crash(agent, engine, governor)
            agent.curl("/v1/disable", "--request", "POST")
            wait_for(lambda: state_of(governor) not in ("held", "paused"))
            with ticket.part(1 << 20):
                say("the rules are disabled, and the transfer moves")
        finally:
            agent.process.terminate()
            agent.process.wait(15)
            governor.stop()
            engine.stop()


if __name__ == "__main__":
    main()
