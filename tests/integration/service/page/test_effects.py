"""What becomes of effects is on the page as the agent has it."""

from collections.abc import Callable
from typing import Any

from tests.integration.coordinator.stand import Endpoint
from tests.integration.service.agents import RunningAgent
from tests.integration.service.page.exporter import Exporter

RULES = """\
version: 1
name: effects
settings: {poll_interval: 100ms, stale_after: 1h}
rules:
  - name: report_heat
    condition: gpu_temperature > 60
    actions:
      - {action: webhook, parameters: {url: "http://127.0.0.1:PORT/services/SECRETTOKEN", backoff: 100ms, retries: 1}}
"""


def test_deliveries_are_shown_with_their_state_and_reason(
    begin: Callable[..., RunningAgent], visit: Callable[..., Any], exporter: Exporter
) -> None:
    exporter.reset()
    endpoint = Endpoint()
    endpoint.statuses = [503]
    agent = begin(source=exporter.source, rules=RULES.replace("PORT", str(endpoint.port)))
    try:
        page = visit(agent, "events")
        exporter.readings[0]["temperature"] = 70
        failed = page.locator(".event", has=page.locator(".badge[data-state=failed]"))
        failed.wait_for()
        event = agent.ask("GET", "/v1/events?kind=effect&limit=1").json["items"][0]
        assert event["state"] == "failed" and event["error"] in failed.inner_text()
        assert event["receiver"] in failed.inner_text() and "report_heat" in failed.inner_text()
        counts = agent.ask("GET", "/v1/status").json["effects"]["webhook"]
        row = page.get_by_role("region", name="Delivery of effects").locator("tbody tr", has_text="webhook")
        row.locator("td", has_text=str(counts["failed"])).first.wait_for()
        assert row.locator("td").all_inner_texts() == [
            str(counts[name]) for name in ("sent", "failed", "dropped", "superseded", "retried")
        ]
        assert "SECRETTOKEN" not in page.content()
        page.goto("about:blank")
    finally:
        agent.kill()
        endpoint.close()
