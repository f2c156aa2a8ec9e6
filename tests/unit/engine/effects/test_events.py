from gpurules.engine import Edge, Engine, Metrics
from gpurules.engine.effects.events import (
    Notice,
    contextual_rules,
    count_missing,
    events_of,
    fields_read,
    matching_rules,
    outcomes,
)
from gpurules.model import GPU, Snapshot, Transfer, Workload
from gpurules.rules import loads

TEXT = """
version: 1
name: t
signals: {hot: {condition: gpu_temperature > 80}}
rules:
  - {name: node, condition: hot, action: log, parameters: {message: '{gpu_power} {hot} {workload_id}'}}
  - {name: own, condition: gpu_memory > 50, gpus: workload, action: log}
  - {name: file, condition: file_type == 'model', action: log, mode: shadow}
  - {name: off, condition: transfer_size > 1, action: log, enabled: false}
  - {name: dark, condition: gpu_fan_speed > 5, action: log}
"""
SNAPSHOT = Snapshot(
    timestamp=1.0, host="n", gpus=(GPU(index=0, temperature=70), GPU(index=1, temperature=90, power=400, memory=60))
)


def engine():
    found = Engine(loads(TEXT), clock=lambda: 1.0)
    found.observe(SNAPSHOT)
    return found


def test_rules_over_transfers_and_workloads_match_for_each_apart():
    assert contextual_rules(loads(TEXT)) == {"own", "file"}


def test_matching_rules_name_their_devices():
    found = engine()
    contextual = contextual_rules(found.ruleset)
    assert {name: devices() for name, devices in matching_rules(found, None, None, contextual).items()} == {
        "node": (1,)
    }
    transfer, workload = Transfer(id="t", path="/m/a.pt"), Workload(gpu_devices=(1,))
    matching = matching_rules(found, transfer, workload, contextual)
    assert {name: devices() for name, devices in matching.items()} == {"own": (1,), "file": ()}


def test_an_event_has_the_values_of_the_gpu_that_matched():
    found = engine()
    rule = found.ruleset.rule("node")
    (ordered,) = rule.actions
    (event,) = events_of(
        found, Notice.of(Edge(rule, None, "start", 1.0, (1,))), ordered, Transfer(id="t"), Workload(id="w")
    )
    assert event.values == {"gpu_power": 400, "hot": True, "workload_id": "w", "host": "n"}
    assert events_of(found, Notice.of(Edge(rule, None, "stop", 1.0, (1,))), ordered, None) == (), (
        "it does not ask for the end"
    )


def test_outcomes_are_counted():
    found, metrics = engine(), Metrics()
    outcomes(found, metrics)
    reported = {name: (c.true, c.false, c.unknown, c.suppressed) for name, c in metrics.rules.items()}
    assert reported == {"node": (1, 0, 0, 0), "own": (0, 1, 0, 0), "file": (0, 0, 1, 0), "dark": (0, 0, 1, 0)}


def test_missing_fields_are_counted_per_gpu():
    found, metrics = engine(), Metrics()
    count_missing(found, [f for f in fields_read(found.ruleset) if f.is_per_gpu], metrics)
    assert metrics.unknown_fields == {"gpu_memory": 1, "gpu_fan_speed": 2, "gpu_power": 1}


def test_the_fields_of_signals_and_messages_are_read_too():
    assert {f.name for f in fields_read(loads(TEXT))} == {
        "gpu_temperature", "gpu_memory", "file_type", "gpu_fan_speed", "gpu_power", "workload_id",
    }  # fmt: skip
