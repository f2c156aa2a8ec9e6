"""A bad night of a node, as the page shows it: heat, clients that hold, a wrong edit, a good one, a crash."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpurules
from gpurules.governor import Governor
from tests.integration.service.agents import RunningAgent
from tests.integration.service.page.conftest import RULES
from tests.integration.service.page.exporter import Exporter
from tests.integration.service.page.test_faults import free_port
from tests.waiting import wait_until

LARGE = gpurules.Transfer(id="shard-1", path="/data/shard-1.tar", size=4 << 30)
BODY = json.dumps({"transfer": {"path": "/data/curl.tar", "size": 4 << 30}, "state": "held", "ttl": 60})


def curl(agent: RunningAgent, path: str, *options: str) -> Any:
    command = ["curl", "--silent", "--max-time", "5", "--unix-socket", str(agent.socket), f"http://agent{path}"]
    return json.loads(subprocess.run([*command, *options], capture_output=True, check=True).stdout)


def held(governor: Governor) -> bool:
    return governor.status().transfers[0].state.value == "held"


def since(agent: RunningAgent) -> list[tuple[str, float]]:
    return [(s["owner"], s["since"]) for s in agent.ask("GET", "/v1/signals").json["items"] if s["on"]]


def test_the_page_shows_why_clients_hold_and_nothing_is_lost(
    begin: Callable[..., RunningAgent],
    visit: Callable[..., Any],
    exporter: Exporter,
    tmp_path: Path,
    with_errors: None,
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    exporter.reset()
    state = ("--state", str(tmp_path / "state.json"))
    options = ("--bind", f"tcp:127.0.0.1:{free_port()}", *state)
    agent = begin(*options, source=exporter.source, folder=tmp_path)
    engine = gpurules.connect(f"unix:{agent.socket}", timeout=2.0)
    governor = Governor(engine)
    try:
        page = visit(agent)
        exporter.readings[0]["temperature"] = 70
        wait_until(lambda: engine.decide(LARGE).delay)
        governor.transfer(LARGE)
        assert held(governor), "the Python client holds"
        assert curl(agent, "/v1/transfers/curl-1", "-X", "PUT", "--json", BODY)["delay"] == 30, "curl holds"
        page.evaluate("location.hash = '#/transfers'")
        page.locator("tr", has_text="curl-1").get_by_role("link", name="hold_large_while_hot").click()
        why = page.locator(".detail p", has_text="Now:")
        why.filter(has_text="temperature").wait_for()
        assert curl(agent, "/v1/rules/hold_large_while_hot")["explanation"]["reason"] in why.inner_text()

        agent.ruleset.write_text(RULES.replace("gpu_power", "gpu_powr"))
        assert curl(agent, "/v1/reload", "-X", "POST")["status"] == 409
        page.locator(".banner", has_text="refused").filter(has_text="gpu_powr").wait_for()
        assert held(governor), "a wrong edit changes nothing"

        agent.ruleset.write_text(RULES.replace("delay: 30s", "delay: 45s"))
        curl(agent, "/v1/reload", "-X", "POST")
        page.locator(".banner").wait_for(state="detached")
        page.locator(".detail p", has_text="delay: 45").wait_for()

        before = since(agent)
        agent.stop(signal.SIGKILL)
        page.locator(".banner", has_text="No connection").wait_for()
        assert engine.decide(LARGE).source in ("directives", "fallback") and governor.status().transfers
        agent = begin(*options, source=exporter.source, folder=tmp_path)
        page.locator("#connection[data-state=live]").wait_for()
        wait_until(lambda: engine.decide(LARGE).source == "agent")
        assert since(agent) == before != []
        assert held(governor)
        assert curl(agent, "/v1/transfers/curl-1", "-X", "PUT", "--json", BODY)["delay"] == 45
        page.evaluate("location.hash = '#/transfers'")
        page.locator("tr", has_text="curl-1").wait_for()
    finally:
        governor.stop()
        engine.stop()
