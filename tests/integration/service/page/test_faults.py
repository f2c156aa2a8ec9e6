"""Where the agent, its telemetry or its ruleset fails, the page says so and goes on by itself."""

import os
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.service.agents import RunningAgent
from tests.integration.service.page.conftest import RULES
from tests.integration.service.page.exporter import Exporter

Visit = Callable[..., Any]
Begin = Callable[..., RunningAgent]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_telemetry_that_fails_is_shown_as_stale_and_comes_back(
    agent: RunningAgent, visit: Visit, exporter: Exporter
) -> None:
    page = visit(agent)
    page.get_by_role("article").first.wait_for()
    exporter.is_down = True
    banner = page.locator(".banner.bad", has_text="Telemetry is stale")
    banner.wait_for()
    assert banner.bounding_box()["y"] < 300 and page.locator("#banners").get_attribute("role") == "alert"
    assert "⚠" in page.title() and page.locator("body.stale").count() == 1
    page.locator(".banner", has_text="Telemetry cannot be read").wait_for()
    error = agent.ask("GET", "/v1/status").json["source_error"]
    assert error in page.locator("#banners").inner_text()
    status = agent.ask("GET", "/v1/status").json
    assert status["clock"] - status["telemetry_at"] > status["stale_after"], "its age is that of the last reading"
    page.locator("#age", has_text=re.compile(r"telemetry [2-9]")).wait_for()
    exporter.is_down = False
    banner.wait_for(state="detached")
    assert page.locator("body.stale").count() == 0


def test_an_agent_that_hangs_is_shown_as_stale(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent)
    page.get_by_role("article").first.wait_for()
    os.kill(agent.process.pid, signal.SIGSTOP)
    try:
        page.locator(".banner.bad", has_text="Telemetry is stale").wait_for()
    finally:
        os.kill(agent.process.pid, signal.SIGCONT)
    page.locator(".banner.bad").first.wait_for(state="detached")


def test_the_page_reconnects_after_a_kill_and_shows_the_new_state(
    begin: Begin, visit: Visit, exporter: Exporter, tmp_path: Path, with_errors: None
) -> None:
    exporter.reset()
    options = ("--bind", f"tcp:127.0.0.1:{free_port()}", "--state", str(tmp_path / "state.json"))
    agent = begin(*options, source=exporter.source, folder=tmp_path)
    page = visit(agent)
    page.get_by_role("article", name="GPU 0").wait_for()
    agent.stop(signal.SIGKILL)
    page.locator(".banner.bad", has_text="No connection to the agent").wait_for()
    exporter.readings[0]["temperature"] = 81
    begin(*options, source=exporter.source, folder=tmp_path)
    page.locator("#connection[data-state=live]").wait_for()
    page.get_by_role("article", name="GPU 0").locator("b", has_text="81 °C").wait_for()
    assert page.locator(".banner").count() == 0


def test_an_edit_that_is_refused_stays_on_top_until_it_is_fixed(
    begin: Begin, visit: Visit, exporter: Exporter, tmp_path: Path
) -> None:
    exporter.reset()
    agent = begin(source=exporter.source, folder=tmp_path)
    version = agent.ask("GET", "/v1/status").json["ruleset_version"]
    page = visit(agent, "ruleset")
    page.locator(".source .l").first.wait_for()
    agent.ruleset.write_text(RULES.replace("gpu_power", "gpu_powr"))
    agent.ask("POST", "/v1/reload")
    banner = page.locator(".banner", has_text="The edited ruleset was refused")
    banner.wait_for()
    assert agent.ask("GET", "/v1/ruleset").json["reload_error"].strip() in banner.inner_text()
    assert version in page.locator("#ruleset").inner_text(), "the old one stays in force"
    agent.ruleset.write_text(RULES.replace("650W", "640W"))
    agent.ask("POST", "/v1/reload")
    banner.wait_for(state="detached")
    page.locator(".source .l", has_text="640W").wait_for()
    assert agent.ask("GET", "/v1/status").json["ruleset_version"] in page.locator("#ruleset").inner_text()


def test_the_page_asks_for_a_token_and_keeps_it_for_the_tab(
    begin: Begin, visit: Visit, exporter: Exporter, tmp_path: Path, tab: Any
) -> None:
    exporter.reset()
    tokens, token = tmp_path / "tokens", "a-token-of-enough-characters"
    tokens.write_text(f"use {token}\n")
    agent = begin("--bind", "tcp:127.0.0.1:0", "--token-file", str(tokens), source=exporter.source, folder=tmp_path)
    page = visit(agent)
    field = page.get_by_label("Token", exact=True)
    field.fill("not-the-token-of-this-agent")
    field.press("Enter")
    page.get_by_text("The agent does not accept that token.").wait_for()
    field.fill(token)
    field.press("Enter")
    page.get_by_role("article", name="GPU 0").wait_for()
    page.reload()
    page.get_by_role("article", name="GPU 0").wait_for()
    assert token not in page.content() and token not in page.url and page.evaluate("localStorage.length") == 0
    seen = tab[1]
    assert {error for error in seen.errors if "401" not in error} == set()
    seen.errors = []


def test_rules_that_are_disabled_are_shown_as_such(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent)
    agent.ask("POST", "/v1/disable")
    try:
        page.locator(".banner", has_text="The rules are disabled").wait_for()
    finally:
        agent.ask("POST", "/v1/enable")
    page.locator(".banner", has_text="The rules are disabled").wait_for(state="detached")
