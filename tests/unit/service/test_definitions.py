"""What a ruleset defines, as data."""

import pytest

import gpurules
from gpurules.service.state.definitions import signals, thresholds

HEAD = "version: 1\nname: t\n"
RULE = "  - {{name: r, condition: {condition!r}, action: reduce_prefetch, parameters: {{reduction_factor: 0.5}}}}\n"


def found(condition: str) -> list[tuple[object, ...]]:
    ruleset = gpurules.loads(HEAD + "rules:\n" + RULE.format(condition=condition))
    return [(t["attribute"], t["comparison"], t["value"], t["rule"]) for t in thresholds(ruleset)]


@pytest.mark.parametrize(
    "condition", ["gpu_memory > 85", "85 < gpu_memory", "max(gpu_memory) > 85", "NOT gpu_memory > 85"]
)
def test_a_threshold_has_its_field_on_the_left(condition: str) -> None:
    assert ("memory", ">", 85.0, "r") in found(condition) or ("memory", "<=", 85.0, "r") in found(condition)


def test_a_chain_has_a_threshold_at_each_end() -> None:
    assert set(found("40 < gpu_temperature <= 80")) == {
        ("temperature", ">", 40.0, "r"),
        ("temperature", "<=", 80.0, "r"),
    }


@pytest.mark.parametrize("condition", ["transfer_size > 1GiB", "gpu_memory > gpu_utilization", "gpu_name == 'x'"])
def test_what_is_not_a_reading_against_a_number_has_none(condition: str) -> None:
    assert found(condition) == []


def test_a_disabled_rule_has_no_threshold() -> None:
    rule = RULE.format(condition="gpu_memory > 85").replace("name: r,", "name: r, enabled: false,")
    assert thresholds(gpurules.loads(HEAD + "rules:\n" + rule)) == []


def test_a_signal_has_the_thresholds_of_its_start_and_of_its_end() -> None:
    text = HEAD + "signals: {full: {condition: gpu_memory > 85, until: gpu_memory < 75, for: 30s}}\nrules:\n"
    ruleset = gpurules.loads(text + RULE.format(condition="full"))
    assert [(t["comparison"], t["value"], t["signal"], t["ends"]) for t in thresholds(ruleset)] == [
        (">", 85.0, "full", False),
        ("<", 75.0, "full", True),
    ]
    assert [(s["name"], s["until"], s["for"]) for s in signals(ruleset)] == [("full", "gpu_memory < 75", 30.0)]
