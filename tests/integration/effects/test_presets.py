"""What PagerDuty and Slack are sent, and bodies of webhooks."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gpurules.actions import Event
from gpurules.actions.effects.pagerduty import PagerDuty
from gpurules.actions.effects.slack import Slack
from gpurules.actions.effects.webhook import Webhook
from gpurules.model import Dimension
from tests.integration.coordinator.stand import Endpoint


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint) -> None:
    monkeypatch.setenv("KEY", "R0UTING")
    monkeypatch.setenv("SLACK_URL", f"{endpoint.url}/T0/B0/secret")


def event(edge: Any = "start", **more: Any) -> Event:
    values = {"gpu_temperature": 91, "host": "node <7> & co"}
    dimensions = {"gpu_temperature": Dimension.CELSIUS}
    made = Event(edge, "page_on_heat", 1767225600.5, {}, (0,), None, values, {"runbook": "https://x"})
    return replace(made, dimensions=dimensions, started=1767225600.5, per_gpu={"gpu_temperature": (91,)}, **more)


def pagerduty(endpoint: Endpoint, **parameters: Any) -> dict[str, Any]:
    return {"url": endpoint.url, "secret_env": "KEY", "severity": "critical", **parameters}


def test_pagerduty_opens_updates_and_resolves_one_incident(endpoint: Endpoint):
    start = event(parameters=pagerduty(endpoint, summary="GPU {devices} at {gpu_temperature}"))
    PagerDuty().start(start)
    PagerDuty().start(replace(start, edge="change", timestamp=1767225700.0, devices=(0, 1)))
    PagerDuty().stop(replace(start, edge="stop", timestamp=1767225800.0))
    sent = [got.data for got in endpoint.received]
    assert [one["event_action"] for one in sent] == ["trigger", "trigger", "resolve"]
    assert {one["routing_key"] for one in sent} == {"R0UTING"}
    assert len({one["dedup_key"] for one in sent}) == 1 and len(sent[0]["dedup_key"]) <= 255
    assert sent[0]["payload"] == {
        "summary": "GPU 0 at 91 C",
        "source": "node <7> & co",
        "severity": "critical",
        "component": "gpu",
        "group": "node <7> & co",
        "class": "page_on_heat",
        "custom_details": {
            "rule": "page_on_heat", "gpus": [0], "gpu_temperature": "91 C", "runbook": "https://x",
        },
    }  # fmt: skip
    assert sent[1]["payload"]["custom_details"]["gpus"] == [0, 1]
    assert "payload" not in sent[2]


def test_pagerduty_has_an_incident_for_each_gpu_where_it_is_grouped_so(endpoint: Endpoint):
    for device in (0, 1):
        PagerDuty().start(event(parameters=pagerduty(endpoint), device=device, devices=(device,)))
    assert len({got.data["dedup_key"] for got in endpoint.received}) == 2


def test_a_long_summary_is_clipped_to_what_pagerduty_takes(endpoint: Endpoint):
    PagerDuty().start(event(parameters=pagerduty(endpoint, summary="x" * 5000)))
    PagerDuty().start(event(parameters=pagerduty(endpoint, summary="")))
    assert [len(got.data["payload"]["summary"]) for got in endpoint.received] == [1024, len("page_on_heat")]


def test_slack_shows_values_as_they_are_and_keeps_the_markup_of_the_message(endpoint: Endpoint):
    parameters = {"secret_env": "SLACK_URL", "message": "*{host}*: GPU {devices} at {gpu_temperature}"}
    Slack().start(event(parameters=parameters))
    Slack().stop(event("stop", parameters=parameters))
    assert [got.path for got in endpoint.received] == ["/hook/T0/B0/secret"] * 2
    assert [got.data["text"] for got in endpoint.received] == [
        ":red_circle: *node &lt;7&gt; &amp; co*: GPU 0 at 91 C",
        ":white_circle: *node &lt;7&gt; &amp; co*: GPU 0 at 91 C",
    ]


def test_a_webhook_posts_the_json_of_its_template_with_secret_headers(endpoint: Endpoint):
    headers = {"Authorization": {"secret_env": "KEY", "prefix": "Bearer "}, "X-Team": "gpu", "content-type": "text/x"}
    body = {"text": "GPU {devices} at {gpu_temperature}", "celsius": "{gpu_temperature}", "tags": ["{rule}", 5]}
    Webhook().start(event(parameters={"url": endpoint.url, "headers": headers, "body": body}))
    (got,) = endpoint.received
    assert json.loads(got.body) == {"text": "GPU 0 at 91 C", "celsius": [91], "tags": ["page_on_heat", 5]}
    assert got.headers["Authorization"] == "Bearer R0UTING"
    assert (got.headers["X-Team"], got.headers["content-type"]) == ("gpu", "text/x")


def test_for_one_gpu_a_field_is_a_number_in_a_webhook(endpoint: Endpoint):
    body = {"celsius": "{gpu_temperature}"}
    Webhook().start(event(parameters={"url": endpoint.url, "body": body}, device=0))
    assert endpoint.received[0].data == {"celsius": 91}
