"""Messages of actions: every placeholder has a value, and what only looks like one is a finding."""

import json

import pytest

from gpurules.engine import Edge, Engine
from gpurules.engine.effects.events import Notice, events_of
from gpurules.linter import lints
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads

TEXT = """\
version: 1
name: m
define:
  busy: gpu_utilization > 70
  headroom: gpu_memory_total - gpu_memory_used
  usual: avg_over_time(gpu_power[2m])
  kinds: ['model', 'tensor']
inputs:
  ceiling: {type: number, unit: C, default: 84C}
  team: {type: string, default: storage}
signals:
  warm: {condition: gpu_temperature > ceiling}
rules:
  - {name: notify, condition: warm AND file_type IN kinds OR warm, action: log, parameters: {message: %s}}
"""
GIB = 1 << 30


def reported(message: str) -> list[tuple[str, str, str | None]]:
    """Return each finding about placeholders: what stands there, code and hint."""
    text = TEXT % json.dumps(message)
    lines = text.splitlines()
    return [
        (lines[d.line - 1][d.column - 1 : d.end_column - 1], d.code, d.hint)
        for d in lints(text, "x.yaml")
        if d.code in ("GPR409", "GPR509")
    ]


def values(message: str, **gpu: float) -> dict[str, object]:
    engine = Engine(loads(TEXT % json.dumps(message)), clock=lambda: 5.0)
    engine.observe(Snapshot(timestamp=5.0, host="n", gpus=(GPU(index=0, temperature=90, **gpu),)))  # type: ignore[arg-type]
    rule = engine.ruleset.rule("notify")
    assert rule is not None
    (event,) = events_of(engine, Notice.of(Edge(rule, None, "start", 5.0, (0,))), rule.actions[0], None)
    assert event is not None
    return dict(event.values)


def test_definitions_and_inputs_have_their_values() -> None:
    found = values(
        "{busy} {headroom} {usual} {kinds} {ceiling} {team} {warm}",
        utilization=80,
        memory_total=80 * GIB,
        memory_used=60 * GIB,
        power=300,
    )
    wanted = {
        "busy": True,
        "headroom": 20 * GIB,
        "usual": 300,
        "kinds": "model, tensor",
        "ceiling": 84,
        "team": "storage",
        "warm": True,
    }
    assert {name: found[name] for name in wanted} == wanted


def test_a_condition_over_missing_facts_is_reported_as_unknown() -> None:
    assert values("{busy}")["busy"] == "unknown"


def test_a_definition_that_only_a_message_names_is_used() -> None:
    def unused(message: str) -> set[str]:
        found = lints(TEXT % json.dumps(message), "x.yaml")
        return {d.message.split("'")[1] for d in found if d.code == "GPR111"}

    assert unused("plain") == {"busy", "headroom", "usual", "team"}
    assert unused("{busy} {team}") == {"headroom", "usual"}


@pytest.mark.parametrize(
    ("message", "where", "hint"),
    [
        ("at {{ $value }}", "{{ $value }}", "name the intended field, such as {gpu_temperature}"),
        ("at {{$labels.gpu}}", "{{$labels.gpu}}", "write {gpu_index}"),
        ("at {{ $value | humanize }}", "{{ $value | humanize }}", "name the intended field"),
        ("on {{.Labels.host}}", "{{.Labels.host}}", "a placeholder is a name in single braces"),
        ("on {{ gpu_power }}", "{{ gpu_power }}", "write {gpu_power}"),
        ("by {{warm}}", "{{warm}}", "write {warm}"),
        ("is $value now", "$value", "name the intended field"),
        ("on $labels.instance", "$labels.instance", "write {host}"),
        ("took %s", "%s", "a placeholder is a name in single braces"),
        ("at %.1f C", "%.1f", "a placeholder is a name in single braces"),
        ("by %(name)s", "%(name)s", "a placeholder is a name in single braces"),
        ("on ${nodename}", "nodename", None),
        ("at {gpu_power", "{", "close it"),
        ("at gpu_power}", "}", "double a literal brace: }}"),
        ("{gpu_power} {", "{", "close it"),
        ("at {gpu_power:5d}", "gpu_power:5d", "write {gpu_power}; formats are {gpu_power:.1f}"),
        ("at {}", "", "double a literal brace"),
        ("at {gpu_powr}", "gpu_powr", "did you mean 'gpu_power'"),
    ],
)
def test_what_prints_no_value_is_a_finding_at_its_place(message: str, where: str, hint: str | None) -> None:
    ((found, _, said),) = reported(message)
    assert found == where
    assert hint is None or (said is not None and said.startswith(hint))


@pytest.mark.parametrize(
    "message",
    [
        "{gpu_power} W at {ceiling}",
        "{{not a name}} 80%",
        "100% sure, 5%s",
        "costs $5",
        "{{}} {rule}{edge}{devices}{host}",
    ],
)
def test_ordinary_messages_are_left_alone(message: str) -> None:
    assert reported(message) == []
