"""Rules that others cover but for one range of one fact."""

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.linter import Policy, lints

STOP = "name: full, condition: gpu_memory > 85, action: pause_transfer, priority: 9, stop: true"
MODELS = "name: models, condition: {}, action: increase_priority, parameters: {{priority_boost: 20}}"


def found(*rules: str, head: str = "") -> list[Diagnostic]:
    text = f"version: 1\nname: x\n{head}rules:\n" + "".join(f"  - {{{rule}}}\n" for rule in rules)
    return [one for one in lints(text, "x.yaml", None, Policy()) if one.code == "GPR305"]


def region(*rules: str, head: str = "") -> str:
    """Return the region that the one finding names."""
    (one,) = found(*rules, head=head)
    return one.message.partition(" only where ")[2].partition(":")[0]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("gpu_memory > 80 AND file_type == 'model'", "80 < gpu_memory <= 85"),
        ("gpu_memory >= 80 AND active_training", "80 <= gpu_memory <= 85"),
        ("gpu_memory < 99 AND active_training", "gpu_memory <= 85"),
    ],
)
def test_the_region_is_what_the_coverer_leaves(condition: str, expected: str) -> None:
    assert region(STOP, MODELS.format(condition)) == expected


def test_the_witness_is_in_the_region_and_the_example_agrees_with_the_evaluator() -> None:
    (one,) = found(STOP, MODELS.format("gpu_memory > 80 AND file_type == 'model'"))
    assert one.witness == "file_type 'model', gpu_memory 81 %"
    assert one.example is not None
    assert one.example.outcomes == (("models", "match"), ("full", "no-match"))


def test_whole_numbers_are_bounded_as_they_were_written() -> None:
    stop = STOP.replace("gpu_memory > 85", "gpu_temperature > 85")
    assert region(stop, MODELS.format("gpu_temperature > 80 AND active_training")) == "80 < gpu_temperature <= 85"


def test_several_rules_may_leave_one_region_together() -> None:
    low = "name: low, condition: gpu_memory < 20, action: pause_transfer, priority: 9, stop: true"
    (one,) = found(STOP, low, MODELS.format("gpu_memory < 99 AND active_training"))
    assert "where 20 <= gpu_memory <= 85: wherever else it matches, one of `full` and `low` does" in one.message


def test_one_value_of_a_list_may_be_what_is_left() -> None:
    stop = STOP.replace("gpu_memory > 85", "\"file_type IN ('log', 'config')\"")
    rule = MODELS.format("\"file_type IN ('log', 'config', 'code') AND active_training\"")
    assert region(stop, rule) == "file_type == 'code'"


@pytest.mark.parametrize(
    ("stop", "rule"),
    [
        ("gpu_memory > 85", "gpu_memory > 80"),  # a special case before the general rule
        ("gpu_memory > 85 AND gpu_throttled", "gpu_memory > 80 AND active_training"),  # it asks for more
        ("gpu_memory > 85", "file_type == 'model'"),  # the rule does not speak of the fact
        ("gpu_memory > 85", "gpu_memory > 90 AND active_training"),  # covered wholly: GPR303
        ("80 < gpu_memory < 85", "gpu_memory < 99 AND active_training"),  # two regions are left
        ("gpu_memory > 85", "gpu_memory < 80 AND active_training"),  # nothing is covered
    ],
)
def test_there_is_none(stop: str, rule: str) -> None:
    assert found(STOP.replace("gpu_memory > 85", stop), MODELS.format(rule)) == []


def test_rules_that_do_not_stop_may_overlap() -> None:
    slow = "name: slow, condition: gpu_memory > 85, action: delay_transfer, parameters: {delay: 60s}, priority: 3"
    fast = "name: fast, condition: 80 < gpu_memory < 90 AND active_training, action: delay_transfer"
    assert found(slow, f"{fast}, parameters: {{delay: 30s}}") == []


def test_an_arm_of_an_or_cuts_off_too() -> None:
    stop = STOP.replace("gpu_memory > 85", "gpu_throttled OR gpu_memory > 85")
    assert region(stop, MODELS.format("gpu_memory > 80 AND active_training")) == "80 < gpu_memory <= 85"


def test_gpus_are_looked_at_one_by_one() -> None:
    stop = STOP.replace("gpu_memory > 85", "max(gpu_memory) > 85")
    assert region(stop, MODELS.format("gpu_memory > 80 AND active_training")) == "80 < gpu_memory <= 85"


def test_a_signal_is_what_it_is_where_it_has_memory() -> None:
    head = "signals: {busy: {condition: gpu_throttled, for: 30s}}\n"
    assert region(STOP, MODELS.format("gpu_memory > 80 AND busy"), head=head) == "80 < gpu_memory <= 85"
