import json

from gpurules.actions import Event
from gpurules.actions.effects.notification.messages import event_json, event_payload, event_text, shown_values
from gpurules.engine import Edge, Engine
from gpurules.engine.effects.events import Notice, events_of
from gpurules.model import GPU, Dimension, Snapshot
from gpurules.rules import loads

EVENT = Event(
    "change", "hot", 1767225600.5, {}, (0, 2), None, {"gpu_temperature": 91, "host": "n<1>", "limit": 85}, {"a": "b"},
    dimensions={"gpu_temperature": Dimension.CELSIUS}, joined=(2,), started=1767225590.0,
    per_gpu={"gpu_temperature": (91, 88)},
)  # fmt: skip


def test_a_text_lists_the_values_of_each_gpu_that_matches():
    assert event_text(EVENT, "{rule} {edge}: GPU {devices} at {gpu_temperature}, {joined} joined") == (
        "hot change: GPU 0, 2 at 91 C, 88 C, 2 joined"
    )
    assert shown_values(EVENT) == {"gpu_temperature": "91 C, 88 C", "limit": "85"}


def test_texts_among_values_can_be_escaped():
    assert event_text(EVENT, "<b>{host}</b>", lambda text: text.replace("<", "&lt;")) == "<b>n&lt;1></b>"


def test_json_is_built_from_values_never_by_pasting_texts():
    hostile = Event("start", 'r", "x": "', 1.0, {}, (0,), None, {"host": '"}\n{', "gpu_power": None})
    body = {"title": "{rule} at {host}", "n": 3, "list": ["{host}", True, None], "power": "{gpu_power}", "{host}": "k"}
    found = json.loads(json.dumps(event_json(hostile, body)))
    assert found == {
        "title": 'r", "x": " at "}\n{',
        "n": 3,
        "list": ['"}\n{', True, None],
        "power": None,
        "{host}": "k",
    }


def test_one_placeholder_alone_becomes_the_value_and_a_per_gpu_field_a_list():
    body = {"t": "{gpu_temperature}", "text": "{gpu_temperature} ", "f": "{gpu_temperature:.1f}", "d": "{devices}"}
    assert event_json(EVENT, {**body, "at": "{timestamp}", "left": "{left}", "limit": "{limit}"}) == {
        "t": [91, 88],
        "text": "91 C, 88 C ",
        "f": "91.0, 88.0",
        "d": [0, 2],
        "at": 1767225600.5,
        "left": [],
        "limit": 85,
    }


def test_the_whole_event_is_json_and_says_who_joined():
    payload = json.loads(json.dumps(event_payload(EVENT)))
    assert (payload["devices"], payload["joined"], payload["left"]) == ([0, 2], [2], [])
    assert "joined" not in event_payload(Event("start", "hot", 1.0, {}))


def test_the_engine_lists_fields_signals_and_definitions_of_each_matching_gpu():
    ruleset = loads("""\
version: 1
name: m
inputs: {limit: {type: number, unit: C, default: 80C}}
define: {over: gpu_temperature - limit}
signals: {warm: {condition: gpu_temperature > 80}}
rules:
  - name: hot
    condition: warm
    action: webhook
    parameters:
      url: http://a
      body: {over: '{over}', deep: [{warm: '{warm}', power: '{gpu_power}'}], limit: '{limit}', count: '{gpu_count}'}
""")
    engine = Engine(ruleset, clock=lambda: 5.0)
    gpus = (GPU(index=0, temperature=91, power=500), GPU(index=1, temperature=50), GPU(index=2, temperature=85))
    engine.observe(Snapshot(timestamp=5.0, host="n", gpus=gpus))
    (ordered,) = ruleset.rules[0].actions
    edge = Edge(ruleset.rules[0], None, "start", 5.0, (0, 2))
    (event,) = events_of(engine, Notice.of(edge), ordered, None)
    assert event_json(event, ordered.parameters["body"]) == {
        "over": [11, 5],
        "deep": [{"warm": [True, True], "power": [500, None]}],
        "limit": 80,
        "count": 3,
    }
    assert event.values["over"] == 11, "the first that matches"
