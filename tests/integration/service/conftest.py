"""Agents for the tests."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.service.agents import RULES, SOURCE, RunningAgent, Start, wait_for


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return a function that starts an agent and waits until it answers."""
    running: list[RunningAgent] = []

    def begin(*options: str, rules: str = RULES, source: str = SOURCE, folder: Path | None = None) -> RunningAgent:
        folder = folder or tmp_path_factory.mktemp("agent")
        ruleset, path, log = folder / "node.yaml", folder / "a.sock", folder / "log"
        if not ruleset.exists():
            ruleset.write_text(rules)
        command = [sys.executable, "-m", "gpurules", "serve", str(ruleset), "--source", source]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, "--bind", f"unix:{path}", *options], stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )
        agent = RunningAgent(process, path, ruleset, log)
        running.append(agent)
        wait_for(lambda: process.poll() is not None or "listening on" in agent.said, 30)
        wait_for(lambda: process.poll() is not None or agent.ask("GET", "/v1/status").json["polls"] > 0, 30)
        agent.addresses = [line.split()[-1] for line in agent.said.splitlines() if "listening on" in line]
        return agent

    yield begin
    for agent in running:
        if agent.process.poll() is None:
            agent.process.kill()
            agent.process.wait(10)


@pytest.fixture(scope="module")
def agent(start: Start) -> RunningAgent:
    """An agent that the tests of a module share."""
    return start()
