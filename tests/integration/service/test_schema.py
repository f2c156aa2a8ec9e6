"""Every answer is as /openapi.json says, whatever is asked: thousands of generated requests, and no 5xx."""

import subprocess
from pathlib import Path

import pytest

from tests.integration.service.agents import RunningAgent, Start
from tests.integration.service.schema_report import ADMIN, command, program


@pytest.fixture(scope="module")
def open_agent(start: Start, tmp_path_factory: pytest.TempPathFactory) -> RunningAgent:
    folder = tmp_path_factory.mktemp("schema")
    (folder / "tokens").write_text(f"admin {ADMIN}\n")
    return start("--bind", "tcp:127.0.0.1:0", "--token-file", str(folder / "tokens"), folder=folder)


@pytest.mark.slow
def test_generated_requests_are_answered_as_the_description_says(open_agent: RunningAgent, tmp_path: Path) -> None:
    if program() is None:
        pytest.skip("schemathesis is not installed")
    address = next(one for one in open_agent.addresses if one.startswith("http"))
    done = subprocess.run(command(address, 15), capture_output=True, text=True, timeout=400, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:]
    assert open_agent.ask("GET", "/healthz").status == 200
    assert "Traceback" not in open_agent.said


def test_the_description_names_every_path_and_shows_no_secret(open_agent: RunningAgent) -> None:
    described = open_agent.ask("GET", "/openapi.json")
    assert described.json["openapi"] == "3.1.0"
    assert {"/v1/decide", "/v1/decide:batch", "/v1/watch", "/v1/rules/{name}", "/metrics"} <= set(
        described.json["paths"]
    )
    assert ADMIN.encode() not in described.body
    names = [o["operationId"] for methods in described.json["paths"].values() for o in methods.values()]
    assert len(names) == len(set(names))


def test_fields_that_the_ruleset_declares_are_described(start: Start) -> None:
    rules = (
        "version: 1\nname: n\nfields: {tenant: {type: string, scope: transfer}}\n"
        "rules: [{name: r, condition: tenant == 'a', action: pause_transfer}]\n"
    )
    agent = start(rules=rules)
    schemas = agent.ask("GET", "/openapi.json").json["components"]["schemas"]
    assert "tenant" in schemas["Transfer"]["properties"]
    assert agent.ask("POST", "/v1/decide", {"transfer": {"tenant": "a"}}).json["paused"] is True
    assert (
        agent.ask("POST", "/v1/decide", {"transfer": {"tenat": "a"}}).json["errors"][0]["hint"]
        == "did you mean 'tenant'?"
    )
