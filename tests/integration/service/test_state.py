"""The state of an agent as data, and by server-sent events."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import pytest

from tests.integration.service.agents import RunningAgent, Start
from tests.waiting import wait_until


def events(response: HTTPResponse) -> Iterator[tuple[str, int, Any]]:
    """Yield each event of a stream: its kind, its id and its data."""
    event: dict[str, str] = {}
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            event[name] = value
        elif "data" in event:
            yield event["event"], int(event.get("id", 0)), json.loads(event["data"])
            event = {}


def stream(agent: RunningAgent, **headers: str) -> Iterator[tuple[str, int, Any]]:
    connection = agent.connection()
    connection.request("GET", "/v1/watch", headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    assert response.headers["content-type"] == "text/event-stream"
    try:
        yield from events(response)
    finally:
        response.close()
        connection.close()


def test_the_status_says_what_runs(agent: RunningAgent) -> None:
    status = agent.ask("GET", "/v1/status").json
    assert status["ruleset"] == "node" and status["source"] == "synthetic"
    assert status["enabled"] and status["running"] and not status["stale"]


def test_the_agent_is_alive_and_ready(agent: RunningAgent) -> None:
    assert agent.ask("GET", "/healthz").json == {"status": "ok"}
    assert agent.ask("GET", "/readyz").json == {"status": "ready", "reasons": []}


def test_metrics_are_those_of_prometheus_or_openmetrics(agent: RunningAgent) -> None:
    plain = agent.ask("GET", "/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"gpurules_gpus 2.0" in plain.body
    fresh = agent.ask("GET", "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert fresh.headers["content-type"].startswith("application/openmetrics-text")
    assert fresh.body.rstrip().endswith(b"# EOF")


def test_the_snapshot_has_every_gpu(agent: RunningAgent) -> None:
    assert [gpu["index"] for gpu in agent.ask("GET", "/v1/snapshot").json["gpus"]] == [0, 1]


def test_rules_have_their_state(agent: RunningAgent) -> None:
    rules = {rule["name"]: rule for rule in agent.ask("GET", "/v1/rules").json["items"]}
    assert rules["hold_large"]["state"] == "transfer"
    assert rules["prefetch_less"]["state"] == "match" and rules["prefetch_less"]["devices"] == [0, 1]
    assert rules["prefetch_less"]["since"] <= time.time() + 1


def test_one_rule_has_its_explanation_and_a_wrong_name_the_nearest(agent: RunningAgent) -> None:
    rule = agent.ask("GET", "/v1/rules/prefetch_less").json
    assert rule["explanation"]["outcome"] == "match" and rule["episodes"][0]["edge"] == "start"
    answer = agent.ask("GET", "/v1/rules/prefetch_les")
    assert answer.status == 404 and "prefetch_less" in answer.json["detail"]


def test_lists_are_paged(agent: RunningAgent) -> None:
    first = agent.ask("GET", "/v1/rules?limit=1").json
    second = agent.ask("GET", f"/v1/rules?limit=1&offset={first['next']}").json
    assert (first["total"], first["next"], second["next"]) == (2, 1, None)
    assert {first["items"][0]["name"], second["items"][0]["name"]} == {"hold_large", "prefetch_less"}


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1.5", "offset=-1", "lmit=3", "limit=99999"])
def test_a_wrong_parameter_is_named(agent: RunningAgent, query: str) -> None:
    answer = agent.ask("GET", f"/v1/rules?{query}")
    assert answer.status == 400 and answer.json["errors"][0]["parameter"] == query.partition("=")[0]


def test_history_has_a_value_for_each_time(agent: RunningAgent) -> None:
    wait_until(lambda: len(agent.ask("GET", "/v1/history?field=temperature").json["times"]) >= 2)
    found = agent.ask("GET", "/v1/history?field=temperature&gpu=1").json
    assert list(found["gpus"]) == ["1"] and len(found["gpus"]["1"]) == len(found["times"])
    assert agent.ask("GET", "/v1/history?field=temprature").json["errors"][0]["hint"] == "did you mean 'temperature'?"


def test_directives_have_an_etag_and_a_long_poll_waits_for_another_revision(agent: RunningAgent) -> None:
    agent.ask("GET", "/v1/directives?wait=0.5&revision=" + str(agent.ask("GET", "/v1/directives").json["revision"]))
    first = agent.ask("GET", "/v1/directives")  # by now that of the first poll
    assert first.json["prefetch_factor"] == 0.5 and 0 < first.json["expires_in"] <= 3600
    assert agent.ask("GET", "/v1/directives", If_None_Match=first.headers["etag"]).status == 304
    began = time.monotonic()
    same = agent.ask("GET", f"/v1/directives?wait=0.5&revision={first.json['revision']}")
    assert time.monotonic() - began >= 0.5 and same.json["revision"] == first.json["revision"]
    began = time.monotonic()
    agent.ask("GET", "/v1/directives?wait=5&revision=7")
    assert time.monotonic() - began < 2


def test_a_stream_begins_with_the_full_state_and_goes_on_with_changes(agent: RunningAgent) -> None:
    watching = stream(agent)
    kind, number, state = next(watching)
    assert kind == "state" and number == state["revision"]
    assert set(state["rules"]) == {"hold_large", "prefetch_less"} and state["snapshot"]["gpus"]
    kind, later, change = next(event for event in watching if "snapshot" in event[2])
    assert kind == "change" and later > number and "rules" not in change
    assert change["snapshot"]["timestamp"] > state["snapshot"]["timestamp"] and change["clock"] >= state["clock"]
    watching.close()  # type: ignore[attr-defined]


def test_a_stream_resumes_after_the_last_event_that_was_seen(agent: RunningAgent) -> None:
    watching = stream(agent)
    _, number, _ = next(watching)
    watching.close()  # type: ignore[attr-defined]
    kind, _, change = next(stream(agent, Last_Event_ID=str(number)))
    assert kind == "change" and "rules" not in change
    kind, _, _ = next(stream(agent, Last_Event_ID="7"))
    assert kind == "state"


def test_a_stream_shows_a_transfer_that_comes_and_goes(agent: RunningAgent) -> None:
    watching = stream(agent)
    next(watching)
    agent.ask("PUT", "/v1/transfers/t%2F1", {"transfer": {"size": 2 << 30}, "state": "held"})
    row = next(change["transfers"]["t/1"] for _, _, change in watching if "transfers" in change)
    assert row["rules"] == ["hold_large", "prefetch_less"] and row["state"] == "held"
    agent.ask("DELETE", "/v1/transfers/t%2F1")
    assert next(change["transfers"]["t/1"] for _, _, change in watching if "transfers" in change) is None
    watching.close()  # type: ignore[attr-defined]


def test_the_page_and_the_documentation_need_nothing_from_elsewhere(agent: RunningAgent) -> None:
    for path in ("/", "/docs"):
        page = agent.ask("GET", path)
        assert page.status == 200 and page.headers["content-type"].startswith("text/html")
        assert "unsafe" not in page.headers["content-security-policy"]
        assert b"http://" not in page.body and b"https://" not in page.body and b"style=" not in page.body
    tag = agent.ask("GET", "/").headers["etag"]
    assert agent.ask("GET", "/", If_None_Match=tag).status == 304


def test_a_long_poll_and_a_stream_end_when_the_agent_stops(start: Start) -> None:
    agent = start()
    revision = agent.ask("GET", "/v1/directives").json["revision"]
    waiting = agent.connection(30)
    waiting.request("GET", f"/v1/directives?wait=30&revision={revision}")
    watching = stream(agent)
    next(watching)
    began = time.monotonic()
    assert agent.stop() == 0 and time.monotonic() - began < 5
    assert [kind for kind, _, _ in watching][-1] == "end"
    assert waiting.getresponse().status == 200
    assert not agent.socket.exists()
    waiting.close()


def test_the_ruleset_shows_the_text_of_each_file_its_signals_and_its_thresholds(agent: RunningAgent) -> None:
    ruleset = agent.ask("GET", "/v1/ruleset").json
    assert ruleset["sources"] == [{"path": str(agent.ruleset), "source": agent.ruleset.read_text()}]
    assert [(signal["name"], signal["condition"], signal["rule"]) for signal in ruleset["signals"]] == [
        ("warm", "gpu_temperature > 30C", None)
    ]
    threshold = {"attribute": "temperature", "comparison": ">", "value": 30.0, "signal": "warm", "ends": False}
    assert ruleset["thresholds"] == [threshold]


def test_events_may_be_asked_for_by_kind(agent: RunningAgent) -> None:
    signals = agent.ask("GET", "/v1/events?kind=signal").json["items"]
    assert {event["kind"] for event in signals} == {"signal"} and {event["device"] for event in signals} == {0, 1}
    assert agent.ask("GET", "/v1/events?kind=signl").status == 400


def test_a_transfer_names_the_rules_that_hold_it(agent: RunningAgent) -> None:
    large, small = ({"transfer": {"path": "/a", "size": size}, "ttl": 60} for size in (4 << 30, 1))
    agent.ask("PUT", "/v1/transfers/large", large)
    agent.ask("PUT", "/v1/transfers/small", small)
    rows = {row["id"]: row for row in agent.ask("GET", "/v1/transfers").json["items"]}
    assert rows["large"]["held_by"] == ["hold_large"] and rows["large"]["delay"] == 30
    assert rows["small"]["held_by"] == [] and "prefetch_less" in rows["small"]["rules"]
    for name in ("large", "small"):
        agent.ask("DELETE", f"/v1/transfers/{name}")
