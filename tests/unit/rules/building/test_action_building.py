"""What rules order: each mistake in parameters is one finding at its place, and values come in canonical units."""

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.rules import RulesetError, examine, loads

HEAD = "version: 1\nname: x\n"
INPUTS = (
    "inputs:\n  night: {type: number, unit: s, default: 22:00}\n  who: {type: string, default: 'on'}\n"
    "  n: {type: number, default: 3}\n  flag: {type: bool, default: false}\n"
)


def lints(text: str | bytes) -> tuple[Diagnostic, ...]:
    return examine(text, None).diagnostics


def text(order: str, more: str = "") -> str:
    return f"{HEAD}{more}rules:\n- {{name: a, condition: gpu_memory > 80, action: {order}}}\n"


def findings(order: str, more: str = "") -> list[tuple[str, str]]:
    """The findings: code, and the text that each points at."""
    source = text(order, more)
    lines = source.splitlines()
    return [
        (d.code, lines[d.line - 1][d.column - 1 : d.end_column - 1])
        for d in lints(source)
        if d.code not in ("GPR111", "GPR105")
    ]


def parameters(order: str, more: str = "") -> dict[str, object]:
    return dict(loads(text(order, more)).rules[0].actions[0].parameters)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("stage_transer", [("GPR501", "stage_transer")]),
        ("reduce_prefetch", [("GPR503", "reduce_prefetch")]),
        ("reduce_prefetch, parameters: {}", [("GPR503", "{}")]),
        ("reduce_prefetch, parameters: {reduction_facter: 0.5}", [("GPR502", "reduction_facter")]),
        ("reduce_prefetch, parameters: {reduction_factor: 1.5}", [("GPR504", "1.5")]),
        ("reduce_prefetch, parameters: {reduction_factor: half}", [("GPR403", "half")]),
        ("reduce_prefetch, parameters: {reduction_factor: .nan}", [("GPR403", ".nan")]),
        ("reduce_prefetch, parameters: {reduction_factor: 1}", [("GPR506", "1")]),
        ("increase_priority, parameters: {priority_boost: .inf}", [("GPR403", ".inf")]),
        ("increase_priority, parameters: {priority_boost: '50'}", [("GPR403", "'50'")]),
        ("increase_priority, parameters: {priority_boost: true}", [("GPR403", "true")]),
        ("limit_bandwidth, parameters: {max_bandwidth: 200MB}", [("GPR104", "200MB")]),
        ("limit_bandwidth, parameters: {max_bandwidth: 0}", [("GPR504", "0")]),
        ("limit_concurrency, parameters: {max_concurrency: 0}", [("GPR504", "0")]),
        ("limit_concurrency, parameters: {max_concurrency: 2.5}", [("GPR403", "2.5")]),
        ("delay_transfer", [("GPR503", "delay_transfer")]),
        ("delay_transfer, parameters: {delay: 5s, delay_seconds: 3}", [("GPR505", "5s")]),
        ("delay_transfer, parameters: {delay: -5s}", [("GPR504", "-5s")]),
        ("delay_transfer, parameters: {delay: 5min}", [("GPR403", "5min")]),
        ("delay_transfer, parameters: {delay: 1m30h}", [("GPR403", "1m30h")]),
        ("delay_transfer, parameters: {delay: '30 s'}", [("GPR403", "'30 s'")]),
        ("delay_transfer, parameters: {delay: [1]}", [("GPR403", "[1]")]),
        ("delay_transfer, parameters: {delay: 22:00}", [("GPR403", "22:00")]),
        ("delay_transfer, parameters: {delay: 5s, running: paus}", [("GPR504", "paus")]),
        ("pause_transfer, parameters: {x: 1}", [("GPR502", "x")]),
        ("pause_transfer, parameters: {x-note: 1}", []),
        ("log, parameters: {message: 'at {gpu_temprature}{{x}}'}", [("GPR509", "gpu_temprature")]),
        ("log, parameters: {message: '{gpu.x}', level: loud}", [("GPR509", "gpu.x"), ("GPR504", "loud")]),
        ("log, parameters: {message: '{rule} {devices} {edge} {host}'}", []),
        ("webhook, parameters: {url: 'ftp://x'}", [("GPR504", "'ftp://x'")]),
        ("webhook, parameters: {url: 'http://x', on: start}", [("GPR403", "start")]),
        ("webhook, parameters: {url: 'http://x', on: [start, end]}", [("GPR504", "end")]),
        ("webhook, parameters: {url: 'http://x', headers: {a: [1]}}", [("GPR403", "[1]")]),
    ],
)
def test_each_mistake_is_one_finding(order: str, expected: list[tuple[str, str]]) -> None:
    assert findings(order) == expected


@pytest.mark.parametrize(
    ("order", "name", "value"),
    [
        ("delay_transfer, parameters: {delay: 1h30m}", "delay", 5400),
        ("delay_transfer, parameters: {delay: '30s'}", "delay", 30),
        ("delay_transfer, parameters: {delay_seconds: 30}", "delay_seconds", 30),
        ("delay_transfer, parameters: {delay_seconds: 1m}", "delay_seconds", 60),
        ("delay_transfer, parameters: {delay_seconds: 1_000}", "delay_seconds", 1000),
        ("limit_bandwidth, parameters: {max_bandwidth: 200MB/s}", "max_bandwidth", 209715200),
        ("limit_bandwidth, parameters: {max_bandwidth: 1Gbps}", "max_bandwidth", 125000000),
        ("stage_transfer, parameters: {staging_threshold: 100MB}", "staging_threshold", 104857600),
        ("stage_transfer", "staging_threshold", 0),
        ("stage_transfer", "on_full", "direct"),
        ("increase_priority, parameters: {priority_boost: -20}", "priority_boost", -20),
        ("log, parameters: {message: 22:00}", "message", "22:00"),
        ("webhook, parameters: {url: 'http://x', timeout: 500ms}", "timeout", 0.5),
    ],
)
def test_values_come_in_canonical_units_with_defaults(order: str, name: str, value: object) -> None:
    assert parameters(order)[name] == value


def test_an_unknown_parameter_is_answered_with_the_signature() -> None:
    (found,) = lints(text("limit_bandwidth, parameters: {max_bandwith: 1GB/s}"))
    assert found.hint == "did you mean 'max_bandwidth'? limit_bandwidth takes max_bandwidth"
    assert found.rule == "a"


@pytest.mark.parametrize(
    ("order", "name", "value"),
    [
        ("delay_transfer, parameters: {delay: '${night}'}", "delay", 79200),
        ("increase_priority, parameters: {priority_boost: '${n}'}", "priority_boost", 3),
        ("delay_transfer, parameters: {delay: 5s, early_release: '${flag}'}", "early_release", False),
        ("log, parameters: {message: 'hi ${who} and ${n}'}", "message", "hi on and 3"),
        ("log, parameters: {message: '${who}'}", "message", "on"),
        ("webhook, parameters: {url: 'http://${who}', headers: {X: '${who}'}}", "headers", {"X": "on"}),
    ],
)
def test_inputs_are_put_in_the_place_of_their_names(order: str, name: str, value: object) -> None:
    assert findings(order, INPUTS) == []
    assert parameters(order, INPUTS)[name] == value


def test_an_input_of_the_wrong_dimension_does_not_fit() -> None:
    assert [c for c, _ in findings("limit_bandwidth, parameters: {max_bandwidth: '${night}'}", INPUTS)] == ["GPR104"]


def test_an_input_that_is_not_declared_is_reported_at_its_name() -> None:
    assert findings("log, parameters: {message: 'hi ${whom}'}", INPUTS) == [("GPR409", "whom")]


def test_an_input_used_in_a_parameter_is_used() -> None:
    more = "inputs: {n: {type: number, default: 3}}\n"
    assert not lints(text("increase_priority, parameters: {priority_boost: '${n}'}", more))


def test_several_actions_keep_their_order_and_places() -> None:
    source = (
        f"{HEAD}rules:\n- name: a\n  condition: gpu_memory > 80\n  actions:\n"
        "  - {action: log}\n  - action: pause_transer\n"
        "  - {action: reduce_prefetch, parameters: {reduction_factor: 2}}\n"
    )
    assert [(d.code, d.line) for d in lints(source)] == [("GPR501", 8), ("GPR504", 9)]
    with pytest.raises(RulesetError) as caught:
        loads(source)
    assert [d.code for d in caught.value.diagnostics] == ["GPR501", "GPR504"]
