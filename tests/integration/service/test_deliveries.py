"""What becomes of the events of effects is shown: pending, then delivered, failed with its reason, or dropped."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.coordinator.stand import Endpoint
from tests.integration.service.agents import RULES, RunningAgent, Start
from tests.waiting import wait_until

SECRET = "SECRETTOKEN"
RULE = """\
  - name: report
    condition: warm
    actions:
      - {action: webhook, parameters: {url: "URL/services/SECRETTOKEN?key=SECRETKEY", backoff: 100ms, retries: 2,
         headers: {Authorization: "Bearer SECRETTOKEN"}}}
"""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    the = Endpoint()
    yield the
    the.close()


Reporting = Callable[[], RunningAgent]


@pytest.fixture
def reporting(start: Start, endpoint: Endpoint, tmp_path: Path) -> Reporting:
    rules = RULES.replace("poll_interval: 1s", "poll_interval: 100ms")
    return lambda: start(rules=rules + RULE.replace("URL", f"http://127.0.0.1:{endpoint.port}"), folder=tmp_path)


def effects(agent: RunningAgent) -> list[dict[str, Any]]:
    """Return the events about effects, oldest first."""
    found: list[dict[str, Any]] = agent.ask("GET", "/v1/events?kind=effect").json["items"]
    return found[::-1]


def states(agent: RunningAgent) -> list[str]:
    return [event["state"] for event in effects(agent)]


def test_a_delivery_is_shown_when_it_has_succeeded(reporting: Reporting, endpoint: Endpoint) -> None:
    agent = reporting()
    wait_until(lambda: "delivered" in states(agent))
    last = effects(agent)[-1]
    assert (last["effect"], last["rule"], last["edge"], last["error"]) == ("webhook", "report", "start", None)
    assert last["receiver"] == f"webhook 127.0.0.1:{endpoint.port}" and len(endpoint.received) == 1


def test_a_delivery_is_pending_while_it_is_repeated_and_the_reason_is_shown(
    reporting: Reporting, endpoint: Endpoint
) -> None:
    endpoint.statuses = [503]
    agent = reporting()
    wait_until(lambda: "failed" in states(agent))
    found = effects(agent)
    assert [event["state"] for event in found][-1] == "failed" and "pending" in states(agent)
    assert found[-1]["attempts"] == 3 and "503" in found[-1]["error"]
    counts = agent.ask("GET", "/v1/status").json["effects"]["webhook"]
    assert (counts["sent"], counts["failed"], counts["retried"]) == (0, 1, 2)


def test_no_secret_is_in_what_is_shown_of_a_delivery(reporting: Reporting, endpoint: Endpoint) -> None:
    endpoint.statuses = [403]
    agent = reporting()
    wait_until(lambda: "failed" in states(agent))
    shown = [agent.ask("GET", path).body for path in ("/v1/events", "/v1/status", "/v1/rules")]
    connection = agent.connection()
    connection.request("GET", "/v1/watch")
    shown.append(connection.getresponse().read1(1 << 20))
    connection.close()
    assert b'"effect"' in shown[-1]
    assert not any(SECRET.encode() in body or b"SECRETKEY" in body for body in shown)
    assert SECRET not in agent.said
