"""What PagerDuty, Slack and Alertmanager are sent has the format and the limits that they document."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.actions import Event
from gpurules.actions.effects.alertmanager import Alertmanager
from gpurules.actions.effects.pagerduty import PagerDuty
from gpurules.actions.effects.slack import Slack
from gpurules.actions.effects.transport import posting
from gpurules.strict_json import loads

TEXT = {"type": "string", "minLength": 1}
PAGERDUTY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["routing_key", "event_action", "dedup_key"],
    "properties": {
        "routing_key": TEXT,
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {**TEXT, "maxLength": 255},
        "client": TEXT,
        "payload": {
            "type": "object",
            "additionalProperties": False,
            "required": ["summary", "source", "severity"],
            "properties": {
                "summary": {**TEXT, "maxLength": 1024},
                "source": TEXT,
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "component": TEXT,
                "group": TEXT,
                "class": TEXT,
                "custom_details": {"type": "object"},
            },
        },
    },
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
}
"""Source: the schema of the Events API v2 (github.com/PagerDuty/api-schema) and the limits in its overview."""
SLACK = {
    "type": "object",
    "additionalProperties": False,
    "required": ["text"],
    "properties": {"text": {**TEXT, "maxLength": 4000}},
}
NAMES = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
    "additionalProperties": {"type": "string"},
}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
ALERTMANAGER = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["labels"],
        "properties": {
            "labels": {**NAMES, "required": ["alertname"]},
            "annotations": NAMES,
            "startsAt": TIME,
            "endsAt": TIME,
            "generatorURL": {"type": "string", "format": "uri"},
        },
    },
}
"""Source: postableAlerts of api/v2/openapi.yaml of Alertmanager, and the names of labels in its data model."""
SECRETS = {"secret_env": "RECEIVER_SECRET"}
texts = st.one_of(
    st.text(max_size=20),
    st.builds(
        lambda part, times: part * times, st.sampled_from(["<&>", "é", "x", "\U0001f525", "\n"]), st.integers(0, 9000)
    ),
)
names = st.from_regex(r"\A[A-Za-z_.-][A-Za-z0-9_ .-]{0,20}\Z")
events = st.builds(
    Event,
    edge=st.sampled_from(["start", "change", "repeat"]),
    rule=st.sampled_from(["r", "page_on_heat", "x" * 200]),
    timestamp=st.floats(0, 4e9),
    parameters=st.just({}),
    devices=st.lists(st.integers(0, 64), max_size=64, unique=True).map(tuple),
    transfer=st.none(),
    values=st.fixed_dictionaries({"host": st.one_of(st.none(), texts), "gpu_temperature": st.integers(0, 99)}),
    annotations=st.dictionaries(st.one_of(names, st.just("alertname"), st.just("1st")), texts, max_size=200),
    started=st.one_of(st.none(), st.floats(0, 4e9)),
)


class Sent(list[tuple[Any, int]]):
    """The bodies that were posted, each with its size."""


@pytest.fixture(scope="module")
def sent() -> Iterator[Sent]:
    found = Sent()

    def post_json(event: Event, url: str, body: str | bytes, *rest: object) -> posting.HttpReply:
        data = body.encode() if isinstance(body, str) else body
        found.append((loads(data), len(data)))
        return posting.HttpReply(202, "", b"", None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posting, "post_json", post_json)
        patch.setenv("RECEIVER_SECRET", "https://hooks.example.org/T0")
        yield found


def with_parameters(event: Event, parameters: Mapping[str, Any]) -> Event:
    return replace(event, parameters={**SECRETS, **parameters})


QUICK = settings(max_examples=40, deadline=None)


@QUICK
@given(events, texts, st.sampled_from(["critical", "error", "warning", "info"]))
def test_pagerduty_gets_events_of_its_schema_within_512_kilobytes(
    sent: Sent, event: Event, summary: str, severity: str
) -> None:
    sent.clear()
    made = with_parameters(event, {"summary": f"{summary} {{host}}", "severity": severity})
    PagerDuty().start(made)
    PagerDuty().stop(made)
    assert [data["event_action"] for data, _ in sent] == ["trigger", "resolve"]
    assert sent[0][0]["dedup_key"] == sent[1][0]["dedup_key"]
    for data, size in sent:
        jsonschema.validate(data, PAGERDUTY)
        assert size <= 512 * 1024


@QUICK
@given(events, texts)
def test_slack_gets_one_message_without_markup_in_values(sent: Sent, event: Event, host: str) -> None:
    sent.clear()
    Slack().start(with_parameters(event, {"message": "{host} {rule}"}))
    ((data, _),) = sent
    jsonschema.validate(data, SLACK)
    assert not re.search(r"[<>]|&(?!(?:amp|lt|gt);)", data["text"])


@QUICK
@given(events, texts, st.dictionaries(st.from_regex(r"\A[a-zA-Z_][a-zA-Z0-9_]{0,9}\Z"), texts, max_size=4))
def test_alertmanager_gets_postable_alerts(sent: Sent, event: Event, summary: str, labels: dict[str, str]) -> None:
    sent.clear()
    given_ = {"url": "http://a:9093", "summary": summary.replace("{", ""), "labels": labels}
    made = with_parameters(event, given_)
    manager = Alertmanager(clock=lambda: event.timestamp)
    manager.start(made)
    manager.stop(made)
    for data, _ in sent:
        jsonschema.validate(data, ALERTMANAGER)
        (alert,) = data
        assert alert["labels"]["alertname"] or labels.get("alertname") == ""
        assert datetime.fromisoformat(alert["startsAt"]) < datetime.fromisoformat(alert["endsAt"])


def test_what_is_cut_ends_with_an_ellipsis_and_details_that_are_left_out_are_counted(sent: Sent) -> None:
    sent.clear()
    values = {"host": "n", "gpu_temperature": 91}
    event = Event("start", "hot", 0.0, {}, (0,), None, values, {f"note_{n}": "é" * 4000 for n in range(100)})
    PagerDuty().start(with_parameters(event, {"summary": "x" * 5000}))
    Slack().start(with_parameters(event, {"message": "x" * 5000}))
    payload = sent[0][0]["payload"]
    assert payload["summary"] == "x" * 1023 + "…" and sent[1][0]["text"].endswith("x…")
    details = payload["custom_details"]
    assert details["more"].startswith(f"{100 + 3 - (len(details) - 1)} further details")
    assert details["rule"] == "hot" and details["gpus"] == [0]
