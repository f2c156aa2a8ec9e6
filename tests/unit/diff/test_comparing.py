"""Two rulesets, rule by rule."""

import pytest

from gpurules.diff import ChangeKind, Difference, RuleChange, compare
from gpurules.rules import loads

ACTION = "action: pause_transfer"


def difference(old: str, new: str, head: tuple[str, str] = ("", "")) -> Difference:
    """Compare two lists of rules, each with a head of its own."""
    first, second = (f"version: 1\nname: x\n{h}\nrules:\n{rules}" for h, rules in zip(head, (old, new), strict=True))
    return compare(loads(first), loads(second))


def change(old: str, new: str, more: str = "", head: tuple[str, str] = ("", "")) -> RuleChange | None:
    """Compare one rule of two conditions."""
    rules = [f'  - {{name: a, condition: "{text}", {ACTION}{more}}}\n' for text in (old, new)]
    return next(iter(difference(rules[0], rules[1], head).changes), None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gpu_memory > 80", "gpu_memory > 80%"),
        ("gpu_memory > 80 AND gpu_power > 1", "NOT (gpu_power <= 1 OR gpu_memory <= 80)"),
        ("file_type == 'model'", "file_type IN ('model')"),
        ("gpu_memory BETWEEN 10 AND 20", "10 <= gpu_memory AND gpu_memory <= 20"),
        ("gpu_process_count > 3", "gpu_process_count >= 4"),
        ("any(gpu_memory > 80)", "max(gpu_memory) > 80"),
        ("gpu_memory > 80", "gpu_memory > 80 OR gpu_memory > 90"),
    ],
)
def test_what_means_the_same_is_no_change(old: str, new: str) -> None:
    assert change(old, new) is None


@pytest.mark.parametrize(
    ("old", "new", "kind", "gained", "lost"),
    [
        ("gpu_memory > 80", "gpu_memory > 75", ChangeKind.LOOSER, "gpu_memory 76 %", None),
        ("gpu_memory > 75", "gpu_memory > 80", ChangeKind.STRICTER, None, "gpu_memory 76 %"),
        ("gpu_memory > 75", "gpu_memory < 75", ChangeKind.DIFFERENT, "gpu_memory 74 %", "gpu_memory 76 %"),
        ("gpu_memory > 80", "gpu_memory > 80 OR gpu_memory IS MISSING", ChangeKind.LOOSER, "gpu_memory missing", None),
        ("active_training", "active_training AND hour < 6", ChangeKind.STRICTER, None, "active_training true, hour 6"),
        ("all(gpu_power > 8)", "any(gpu_power > 8)", ChangeKind.LOOSER, "GPU 0: gpu_power 9 W; GPU 1: gpu_power 8 W",
         None),
    ],
)  # fmt: skip
def test_each_direction_has_a_witness(
    old: str, new: str, kind: ChangeKind, gained: str | None, lost: str | None
) -> None:
    found = change(old, new)
    assert found is not None
    assert found.kinds == (kind,)
    assert (found.gained and str(found.gained), found.lost and str(found.lost)) == (gained, lost)


def test_a_rule_that_matches_on_other_gpus_is_different() -> None:
    found = change("gpu_memory > 80", "any(gpu_memory > 80) AND gpu_index >= 0")
    assert found is not None
    assert found.kinds == (ChangeKind.LOOSER,)
    assert found.notes == ("it matches in the same situations, but on different GPUs",)


def test_a_rule_that_no_longer_lists_its_gpus_is_reported() -> None:
    found = change("gpu_memory > 80", "any(gpu_memory > 80)")
    assert found is not None
    assert (found.kinds, found.notes) == ((ChangeKind.OPTIONS,), ("no longer lists the GPUs it matches on",))


def test_what_cannot_be_compared_is_said() -> None:
    found = change("path MATCHES 'a{3}b(?i)c'", "path MATCHES '^zzz$'")
    assert found is not None
    assert found.kinds == (ChangeKind.UNPROVEN,)
    assert "not analyzed" in found.notes[0]


def test_definitions_inputs_and_bases_are_compared_by_what_they_mean() -> None:
    heads = ("define: {full: gpu_memory > 80}", "inputs: {limit: {type: number, unit: '%', default: 80}}")
    assert change("full", "gpu_memory > limit", head=heads) is None
    found = change("full", "full", head=("define: {full: gpu_memory > 80}", "define: {full: gpu_memory > 70}"))
    assert found is not None
    assert found.kinds == (ChangeKind.LOOSER,)


def test_added_removed_and_renamed_rules() -> None:
    old = f"  - {{name: a, condition: gpu_memory > 1, {ACTION}}}\n  - {{name: b, condition: gpu_power > 1, {ACTION}}}\n"
    new = f"  - {{name: c, condition: gpu_memory > 1, {ACTION}}}\n  - {{name: d, condition: gpu_power > 2, {ACTION}}}\n"
    found = difference(old, new)
    assert [(c.rule, c.kinds) for c in found.changes] == [
        ("c", (ChangeKind.RENAMED,)),
        ("d", (ChangeKind.ADDED,)),
        ("b", (ChangeKind.REMOVED,)),
    ]
    assert (found.same, found.all) == (0, 3)


def test_a_rule_moves_by_its_priority_or_its_place() -> None:
    rule = "  - {{name: {}, condition: gpu_power > {}, action: pause_transfer, priority: {}}}\n"
    old = rule.format("a", 1, 3) + rule.format("b", 2, 3) + rule.format("c", 3, 1)
    new = rule.format("b", 2, 3) + rule.format("a", 1, 3) + rule.format("c", 3, 2)
    found = difference(old, new)
    assert {(c.rule, *c.kinds, *c.notes) for c in found.changes} == {
        ("b", ChangeKind.MOVED, "now before a"),
        ("c", ChangeKind.MOVED, "priority 1 → 2"),
    } or {(c.rule, *c.kinds, *c.notes) for c in found.changes} == {
        ("a", ChangeKind.MOVED, "now before c"),
        ("c", ChangeKind.MOVED, "priority 1 → 2"),
    }


def test_one_rule_that_moves_does_not_move_the_others() -> None:
    rules = [f"  - {{name: r{n}, condition: gpu_power > {n}, {ACTION}}}\n" for n in range(6)]
    found = difference("".join(rules), "".join([rules[5], *rules[:5]]))
    assert [(c.rule, c.kinds, c.notes) for c in found.changes] == [("r5", (ChangeKind.MOVED,), ("now before r0",))]


def test_a_changed_action_is_reported_by_its_parameters() -> None:
    rule = "  - {{name: a, condition: gpu_power > 1, action: delay_transfer, parameters: {{{}}}}}\n"
    assert not difference(rule.format("delay_seconds: 30"), rule.format("delay: 30s, jitter: 0")).changes
    found = difference(rule.format("delay_seconds: 30"), rule.format("delay: 1m")).changes[0]
    assert (found.kinds, found.notes) == ((ChangeKind.ACTION,), ("delay_transfer: delay 30 s → 1 m",))
    other = difference(rule.format("delay: 30s"), f"  - {{name: a, condition: gpu_power > 1, {ACTION}}}\n").changes[0]
    assert other.notes == ("action delay_transfer → pause_transfer",)


def test_options_and_settings_are_compared_and_descriptions_are_not() -> None:
    old = f"  - {{name: a, condition: gpu_power > 1, {ACTION}, description: before, tags: [x]}}\n"
    assert not difference(old, old.replace("before", "after").replace("[x]", "[y]")).changes
    new = f"  - {{name: a, condition: gpu_power > 1, {ACTION}, mode: shadow, stop: true}}\n"
    found = difference(old, new, ("", "settings: {max_delay: 1m}\nfile_types: {'*.x': model}"))
    assert found.changes[0].kinds == (ChangeKind.OPTIONS,)
    assert found.changes[0].notes == ("mode enforce → shadow", "stop false → true")
    assert found.settings == ("settings.max_delay 5 m → 1 m", "file_types '*.x' none → model")
    assert found.kinds == {ChangeKind.OPTIONS, ChangeKind.SETTINGS}


def test_a_rule_that_sees_the_gpus_of_the_workload_only_is_stricter() -> None:
    rule = "  - {{name: a, condition: gpu_power > 1, action: pause_transfer, gpus: {}}}\n"
    found = difference(rule.format("node"), rule.format("workload")).changes[0]
    assert found.kinds == (ChangeKind.STRICTER, ChangeKind.OPTIONS)
    assert found.notes == ("gpus node → workload",)


def test_a_disabled_rule_is_not_compared_further() -> None:
    old = f"  - {{name: a, condition: gpu_power > 1, {ACTION}}}\n"
    new = f"  - {{name: a, condition: gpu_power > 2, {ACTION}, enabled: false}}\n"
    found = difference(old, new).changes[0]
    assert (found.kinds, found.notes) == ((ChangeKind.OPTIONS,), ("enabled true → false",))


def test_a_field_that_is_declared_otherwise_is_not_compared() -> None:
    heads = (
        "fields: {x: {type: number, dimension: bytes, scope: gpu}}",
        "fields: {x: {type: number, dimension: seconds, scope: gpu}}",
    )
    found = change("x > 5", "x > 6", head=heads)
    assert found is not None
    assert found.kinds == (ChangeKind.UNPROVEN,)
    assert found.notes == ("not compared: the field x is declared differently",)


def test_it_is_data_too() -> None:
    found = change("gpu_memory > 80", "gpu_memory > 75")
    assert found is not None
    data = found.to_dict()
    assert data["kinds"] == ["looser"]
    assert data["now_matches"] == {
        "text": "gpu_memory 76 %",
        "snapshot": {"timestamp": 0.0, "gpus": [{"index": 0, "memory": 76}]},
    }
    assert data["no_longer_matches"] is None
