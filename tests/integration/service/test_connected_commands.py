"""Commands that show a running agent."""

import json
import os
import pty
import subprocess
import sys
import time

import pytest

from tests.integration.service.agents import RunningAgent, Start


def program(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "XDG_RUNTIME_DIR": "/nonexistent", "TZ": "UTC"}
    environment.pop("GPURULES_ADDRESS", None)
    command = [sys.executable, "-m", "gpurules", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


@pytest.fixture(scope="module")
def address(agent: RunningAgent) -> str:
    return f"unix:{agent.socket}"


def test_status_shows_the_ruleset_and_what_matches(address: str) -> None:
    done = program("status", "--connect", address)
    assert done.returncode == 0 and "ruleset    node " in done.stdout and "matching   prefetch_less" in done.stdout
    data = json.loads(program("status", "--connect", address, "--output-format", "json").stdout)
    assert data["ruleset"] == "node" and data["schema_version"] == 1


def test_status_fails_where_the_rules_are_disabled(start: Start) -> None:
    agent = start()
    agent.ask("POST", "/v1/disable")
    done = program("status", "--connect", f"unix:{agent.socket}")
    assert done.returncode == 1 and "disabled" in done.stdout


def test_explain_asks_the_agent_about_a_transfer(address: str) -> None:
    small = program("explain", "hold_large", "--connect", address, "--transfer", '{"size": 5}')
    assert small.returncode == 0 and "hold_large did not match" in small.stdout
    large = program("explain", "--connect", address, "--transfer", '{"size": "2GiB"}', "--output-format", "json")
    rules = {rule["rule"]: rule for rule in json.loads(large.stdout)["rules"]}
    assert rules["hold_large"]["outcome"] == "match" and rules["prefetch_less"]["devices"] == [0, 1]


def test_watch_draws_the_agent_once(address: str) -> None:
    done = program("watch", "--connect", address, "--once", "--width", "100")
    assert done.returncode == 0 and "prefetch_less" in done.stdout and "GPU" in done.stdout.upper()


def test_watch_shows_the_agent_live(address: str) -> None:
    control, terminal = pty.openpty()
    command = [sys.executable, "-m", "gpurules", "watch", "--connect", address]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    seen, deadline = b"", time.monotonic() + 30
    while b"prefetch_less" not in seen and time.monotonic() < deadline:
        seen += os.read(control, 65536)
    os.write(control, b"q")
    while process.poll() is None and time.monotonic() < deadline:
        try:
            os.read(control, 65536)
        except OSError:
            break
    assert process.wait(10) == 0 and b"prefetch_less" in seen
    os.close(control)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("status", "--connect", "unix:/nonexistent/a.sock"), "does not answer"),
        (("status", "--connect", "nowhere"), "is not an address"),
        (("status",), "there is no agent on this node"),
        (("explain", "--connect", "unix:/nonexistent/a.sock"), "explains nothing"),
        (("watch", "--once", "--connect", "unix:/nonexistent/a.sock"), "does not answer"),
        (("watch", "rules.yaml", "--connect", "unix:/nonexistent/a.sock"), "leave out the ruleset"),
        (("explain", "--connect", "unix:/x", "--snapshot", "{}"), "leave out --snapshot"),
        (("explain",), "name a ruleset"),
        (("watch",), "name a ruleset"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(arguments: tuple[str, ...], says: str) -> None:
    done = program(*arguments)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_rule_is_answered_with_the_nearest(address: str) -> None:
    done = program("explain", "hold_larg", "--connect", address)
    assert done.returncode == 2 and "hold_large" in done.stderr
