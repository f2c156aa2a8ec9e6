"""Agents for the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.service.agents import RULES, SOURCE, RunningAgent, Start, start_agent


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return a function that starts an agent and waits until it answers."""
    running: list[RunningAgent] = []

    def begin(*options: str, rules: str = RULES, source: str = SOURCE, folder: Path | None = None) -> RunningAgent:
        agent = start_agent(folder or tmp_path_factory.mktemp("agent"), *options, rules=rules, source=source)
        running.append(agent)
        return agent

    yield begin
    for agent in running:
        agent.kill()


@pytest.fixture(scope="module")
def agent(start: Start) -> RunningAgent:
    """An agent that the tests of a module share."""
    return start()
