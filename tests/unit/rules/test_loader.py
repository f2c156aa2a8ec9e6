"""From files to rulesets, and everything that is wrong at once."""

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.fields import FIELDS
from gpurules.rules import RulesetError, examine, examine_file, load, loads

HEAD = "version: 1\nname: x\n"
RULE = "rules:\n- {name: a, condition: gpu_memory > 80, action: pause_transfer}\n"
FOUR = """\
version: 1
name: seeds
rules:
  - name: reduce_prefetch_on_memory_pressure
    condition: "gpu_memory > 85"
    action: reduce_prefetch
    parameters: {reduction_factor: 0.5}
    priority: 10
    enabled: true
  - name: delay_transfer_on_temperature
    condition: "gpu_temperature > 87"
    action: delay_transfer
    parameters: {delay_seconds: 30}
    priority: 20
    enabled: true
  - name: prioritize_model_files
    condition: "gpu_memory > 80 AND file_type == 'model'"
    action: increase_priority
    parameters: {priority_boost: 50}
    priority: 15
    enabled: true
  - name: stage_large_transfers
    condition: "active_training AND transfer_size > 100MB"
    action: stage_transfer
    parameters: {staging_threshold: 104857600}
    priority: 5
    enabled: true
"""


def lints(text: str | bytes) -> tuple[Diagnostic, ...]:
    return examine(text, None).diagnostics


def codes(text: str | bytes) -> list[str]:
    return [d.code for d in lints(text)]


def test_the_four_rules_of_the_original_load_in_order_of_priority() -> None:
    ruleset = loads(FOUR)
    assert [(rule.name, rule.priority, rule.line) for rule in ruleset.rules] == [
        ("delay_transfer_on_temperature", 20, 10),
        ("prioritize_model_files", 15, 16),
        ("reduce_prefetch_on_memory_pressure", 10, 4),
        ("stage_large_transfers", 5, 22),
    ]
    assert ruleset.diagnostics == ()


def test_equal_priorities_keep_the_order_of_the_file() -> None:
    lines = "".join(f"- {{name: {n}, condition: gpu_memory > 1, action: log}}\n" for n in "cab")
    assert [rule.name for rule in loads(f"{HEAD}rules:\n{lines}").rules] == ["c", "a", "b"]


def test_all_problems_are_reported_at_once_in_order_of_place() -> None:
    text = (
        f"{HEAD}setings: {{}}\nrules:\n- name: a\n  condition: gpu_mem > 80\n  action: paus_transfer\n"
        "- name: b\n  condition: gpu_temperature > 100MB\n  action: reduce_prefetch\n  priority: high\n"
    )
    assert [(d.code, d.line) for d in lints(text)] == [
        ("GPR401", 3), ("GPR101", 6), ("GPR501", 7), ("GPR104", 9), ("GPR503", 10), ("GPR403", 11),
    ]  # fmt: skip
    with pytest.raises(RulesetError) as caught:
        loads(text, "f.yaml")
    assert [d.line for d in caught.value.diagnostics] == [3, 6, 7, 9, 10, 11]
    assert str(caught.value).startswith("f.yaml:3:1: GPR401 unknown key 'setings'")


def test_warnings_do_not_stop_a_ruleset_and_come_with_it() -> None:
    ruleset = loads(f"{HEAD}description: no\n{RULE}")
    assert [d.code for d in ruleset.diagnostics] == ["GPR006"]
    assert ruleset.description == "no"


def test_findings_in_conditions_stand_at_their_characters() -> None:
    text = f"{HEAD}rules:\n- name: a\n  condition: >-\n    gpu_memory > 80\n    AND gpu_temp > 5\n  action: log\n"
    (found,) = lints(text)
    assert (found.code, found.line, found.column, found.end_column, found.rule) == ("GPR101", 7, 9, 17, "a")


def test_a_finding_in_a_definition_is_reported_once_at_its_place() -> None:
    rules = "".join(f"- {{name: {n}, condition: hot, action: log}}\n" for n in "ab")
    found = lints(f"{HEAD}define: {{hot: gpu_temprature > 85}}\nrules:\n{rules}")
    assert [(d.code, d.line, d.column) for d in found] == [("GPR101", 3, 15)]


def test_definitions_can_be_lists_of_either_kind() -> None:
    text = f"""{HEAD}define: {{yaml: ['model', tensor], quoted: "['model']", sizes: [1MB, 5]}}
rules:
- {{name: a, condition: file_type IN yaml AND file_type IN quoted AND transfer_size IN sizes, action: log}}
"""
    assert not [d for d in lints(text) if d.severity == "error"]


def test_a_circle_of_definitions_is_one_finding() -> None:
    definitions = "define:\n  a: b AND active_training\n  b: NOT a\n"
    text = f"{HEAD}{definitions}signals:\n  s: {{condition: t}}\n  t: {{condition: s}}\n"
    assert sorted(d.code for d in lints(text)) == ["GPR115", "GPR115"]


def test_timers_of_a_rule_become_a_signal() -> None:
    timers = "for: 30s, until: gpu_memory < 70, keep_for: 1m"
    ruleset = loads(f"{HEAD}rules:\n- {{name: a, condition: gpu_memory > 80, {timers}, action: log}}\n")
    (rule,) = ruleset.rules
    signal = ruleset.signals["rule:a"]
    assert rule.signal == "rule:a"
    assert rule.text == "gpu_memory > 80"
    assert (signal.for_seconds, signal.keep_for_seconds, signal.until_text, signal.per_gpu) == (
        30, 60, "gpu_memory < 70", True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rest", "place"),
    [
        ("signals: {s: {condition: transfer_size > 5MB}}\n", (3, 26)),
        ("signals: {s: {condition: gpu_memory > 5, until: batch_size > 5}}\n", (3, 49)),
        ("rules: [{name: a, condition: gpu_memory > 8 AND file_type == 'log', for: 1s, action: log}]\n", (3, 30)),
        ("rules: [{name: a, condition: gpu_memory > 8, until: file_type == 'log', action: log}]\n", (3, 53)),
        ("define: {d: transfer_size > 5MB}\nsignals: {s: {condition: d}}\n", (4, 26)),
    ],
)
def test_a_timer_on_a_transfer_is_reported(rest: str, place: tuple[int, int]) -> None:
    found = [d for d in lints(HEAD + rest) if d.severity == "error"]
    assert [(d.code, d.line, d.column) for d in found] == [("GPR608", *place)]
    assert found[0].hint


def test_inputs_are_constants_of_conditions() -> None:
    text = (
        f"{HEAD}inputs: {{night: {{type: number, unit: s, default: 22:00}}, who: {{type: string, default: on}}}}\n"
        "rules: [{name: a, condition: time_of_day > night AND host == who, action: log}]\n"
    )
    ruleset = loads(text)
    assert (ruleset.inputs["night"].value, ruleset.inputs["who"].value) == (79200, "on")


def test_an_input_of_the_wrong_dimension_is_reported_where_it_is_used() -> None:
    inputs = "inputs: {n: {type: number, unit: s, default: 5}}\n"
    assert codes(f"{HEAD}{inputs}rules: [{{name: a, condition: gpu_memory > n, action: log}}]\n") == ["GPR104"]


def test_unused_definitions_are_warnings() -> None:
    assert codes(f"{HEAD}define: {{a: gpu_memory > 5}}\n{RULE}") == ["GPR111"]


def test_a_definition_that_hides_a_field_is_a_warning() -> None:
    text = f"{HEAD}define: {{gpu_power: gpu_memory > 5}}\nrules: [{{name: a, condition: gpu_power, action: log}}]\n"
    assert codes(text) == ["GPR112"]


def test_the_version_is_a_hash_of_what_the_file_says() -> None:
    version = loads(HEAD + RULE).version
    assert version == loads(f"# comment\n{HEAD}\n{RULE}".replace("- {", "-   {")).version
    for other in ("gpu_memory > 81", "gpu_memory > 80 AND active_training"):
        assert version != loads((HEAD + RULE).replace("gpu_memory > 80", other)).version
    assert version != loads((HEAD + RULE).replace("pause_transfer", "log")).version
    assert version != loads(f"{HEAD}settings: {{max_delay: 1s}}\n{RULE}").version


def test_the_version_sees_through_definitions() -> None:
    text = f"{HEAD}define: {{hot: gpu_temperature > 85}}\nrules: [{{name: a, condition: hot, action: log}}]\n"
    assert loads(text).version != loads(text.replace("85", "86")).version


def test_neither_the_version_nor_the_state_of_a_signal_depends_on_a_description() -> None:
    text = f"{HEAD}fields: {{ck: {{type: bool, scope: node, description: One.}}}}\nsignals: {{s: {{condition: ck}}}}\n"
    one, other = (
        loads(f"{each}rules: [{{name: a, condition: s, action: log}}]\n") for each in (text, text.replace("One", "Two"))
    )
    assert one.version == other.version
    assert one.signals["s"].fingerprint == other.signals["s"].fingerprint
    documented = FIELDS["gpu_memory"]
    assert repr(documented) == repr(
        replace(documented, description="Other words.", source="nvmlDeviceGetMemoryInfo_v2")
    )
    assert repr(documented) != repr(replace(documented, attribute="memory_used"))


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_path_that_cannot_be_read_is_a_finding(tmp_path: Path, kind: str) -> None:
    path = tmp_path if kind == "folder" else tmp_path / "missing.yaml"
    (found,) = examine_file(path).diagnostics
    assert (found.code, found.path, found.line, found.column) == ("GPR001", str(path), 1, 1)
    with pytest.raises(RulesetError):
        load(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.touch(mode=0)
    assert [d.code for d in examine_file(path).diagnostics] == ["GPR001"]


def test_a_path_with_a_null_character_is_a_finding() -> None:
    assert [d.code for d in examine_file("a\0b").diagnostics] == ["GPR001"]


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(11 * 1024 * 1024)
    assert [d.code for d in examine_file(path).diagnostics] == ["GPR009"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"version: 1\nname: caf\xe9\n", "GPR010"),
        (b"version: 1\nname: a\0b\n", "GPR001"),
        (b"[" * 100_000, "GPR009"),
        (b"a: &a [*a]", "GPR009"),
        (b"version: 1\nversion: 1\nname: x\n", "GPR002"),
        (b"version: 1\nname: x\nrules:\n\t- name: r\n", "GPR001"),
    ],
)
def test_bad_bytes_are_a_finding(data: bytes, code: str) -> None:
    assert codes(data) == [code]


def test_a_condition_that_is_too_long_or_deep_is_a_finding() -> None:
    long = "gpu_memory > 80 OR " * 4000 + "gpu_memory > 80"
    deep = "(" * 300 + "gpu_memory > 80" + ")" * 300
    for condition in (long, deep):
        assert codes(f"{HEAD}rules: [{{name: a, condition: {condition}, action: log}}]\n") == ["GPR009"]


def test_no_cut_or_change_of_a_file_raises() -> None:
    rng = random.Random(7)
    text = FOUR + "signals:\n  s: {condition: gpu_memory > 85, until: gpu_memory < 75, for: 30s}\ndefine: {a: [1, 2]}\n"
    alphabet = "\n\t :-{}[]'\"&*!|>#%@,?aé0\0<$"
    for _ in range(400):
        at = rng.randrange(len(text))
        changed = text[:at] + rng.choice(alphabet) + text[at + rng.randrange(4) :]
        for found in (*lints(changed), *lints(text[:at])):
            assert found.line >= 1
            assert found.column >= 1
