"""A ruleset that was loaded."""

import pytest

from gpurules.rules import loads
from tests.factories import dataset, gpu, model, one_gpu, ruleset, snapshot

RULE = "  - {name: a, condition: gpu_memory > 80, action: pause_transfer}\n"


def test_rules_are_found_by_name() -> None:
    rules = ruleset(RULE)
    assert rules.rule("a") is rules.rules[0]
    assert rules.rule("b") is None


def test_a_snapshot_may_be_asked_about_often_and_by_several_rulesets() -> None:
    one, two = ruleset(RULE), ruleset(RULE.replace("80", "95"))
    current = one_gpu(memory=90)
    for _ in range(4):
        assert one.evaluate(current, dataset()).rules == ("a",)
        assert two.evaluate(current, dataset()).rules == ()


def test_node_facts_are_of_one_evaluation_only() -> None:
    rules = ruleset("  - {name: a, condition: active_training, action: pause_transfer}\n")
    current = one_gpu()
    for _ in range(3):
        assert rules.evaluate(current, node={"active_training": True}).rules == ("a",)
        assert rules.evaluate(current).rules == ()


def test_without_history_a_signal_is_its_condition() -> None:
    head = "signals: {s: {condition: gpu_memory > 80, until: gpu_memory < 50, for: 1h, keep_for: 1h}}"
    rules = ruleset("  - {name: a, condition: NOT s, action: pause_transfer}\n", head)
    assert rules.evaluate(one_gpu(memory=90)).rules == ()
    assert rules.evaluate(one_gpu(memory=60)).rules == ("a",)
    assert rules.evaluate(one_gpu()).rules == ()


def test_without_history_a_rules_own_timers_are_left_out() -> None:
    rules = ruleset("  - {name: a, condition: gpu_memory > 80, for: 1h, action: pause_transfer}\n")
    assert rules.evaluate(one_gpu(memory=90)).rules == ("a",)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("gpu_memory > 80", "gpu_memory  >   80", True),
        ("gpu_memory > 80", "gpu_memory > 81", False),
        ("action: pause", "description: new, action: pause", True),
        ("action: pause", "priority: 1, action: pause", False),
        ("action: pause", "enabled: false, action: pause", False),
        ("action: pause", "mode: shadow, action: pause", False),
        ("name: a", "name: b", False),
    ],
)
def test_the_version_changes_with_the_meaning(before: str, after: str, same: bool) -> None:
    changed = RULE.replace(before, after)
    assert (ruleset(changed).version == ruleset(RULE).version) is same


def test_the_version_changes_with_what_names_mean() -> None:
    rule = "  - {{name: a, condition: full, action: pause_transfer}}\n"
    text = f"version: 1\nname: x\ndefine: {{{{full: gpu_memory > {{}}}}}}\nrules:\n{rule}"
    assert loads(text.format(80)).version != loads(text.format(81)).version


def test_file_types_of_the_ruleset_come_first() -> None:
    head = "file_types: {'*.pt': dataset, 'models/*': log}"
    rules = ruleset("  - {name: a, condition: file_type == 'dataset', action: pause_transfer}\n", head)
    assert rules.evaluate(one_gpu(), dataset(path="/m/a.pt")).rules == ("a",)
    assert rules.evaluate(one_gpu(), model()).rules == ()


def test_the_zone_is_that_of_the_settings() -> None:
    rules = ruleset("  - {name: a, condition: hour == 9, action: pause_transfer}\n", "settings: {timezone: Asia/Tokyo}")
    assert rules.evaluate(one_gpu()).rules == ("a",)


def test_a_declared_field_can_be_of_any_object() -> None:
    head = (
        "fields:\n  rack: {type: string, scope: node}\n  slot: {type: number, scope: gpu}\n"
        "  urgent: {type: bool, scope: transfer}\n  quota: {type: number, dimension: bytes, scope: workload}"
    )
    rules = ruleset(
        "  - {name: a, condition: rack == 'r1' AND slot > 3 AND urgent AND quota > 1GiB, action: pause_transfer}\n",
        head,
    )
    from gpurules.model import Snapshot
    from tests.factories import job

    current = Snapshot(gpus=(gpu(0, labels={"slot": 4}), gpu(1, labels={"slot": 1})), labels={"rack": "r1"})
    found = rules.evaluate(current, dataset(labels={"urgent": True}), job(labels={"quota": 2**31}))
    assert [m.devices for m in found.matched] == [(0,)]
    assert rules.evaluate(snapshot(), dataset()).rules == ()
