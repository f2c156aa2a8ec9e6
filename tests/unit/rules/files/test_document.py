"""The shape of a file: each mistake is one finding, at its place."""

import pytest

from gpurules.diagnostics import Diagnostic, Severity
from gpurules.rules import examine, loads

HEAD = "version: 1\nname: x\n"
RULE = "rules:\n- {name: a, condition: gpu_memory > 80, action: pause_transfer}\n"


def lints(text: str | bytes) -> tuple[Diagnostic, ...]:
    return examine(text, None).diagnostics


def errors(text: str) -> list[tuple[str, int, int]]:
    return [(d.code, d.line, d.column) for d in lints(text) if d.severity is Severity.ERROR]


def of_rule(keys: str) -> list[tuple[str, int]]:
    """The findings on a rule with more *keys*, by column after the key's start."""
    line = f"- {{name: a, condition: gpu_memory > 80, action: pause_transfer, {keys}}}"
    return [(d.code, d.column - 1 - line.index(keys)) for d in lints(f"{HEAD}rules:\n{line}\n")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", (1, 1)),
        ("# nothing\n", (1, 1)),
        ("hello", (1, 1)),
        ("- just\n- a list\n", (1, 1)),
        ("kind: gpurules/test\nversion: 1\ncases: []", (1, 7)),
        ("# alerts\ngroups:\n- name: x\n  rules: []\n", (2, 1)),
        ("apiVersion: v1\nkind: Pod\n", (1, 1)),
    ],
)
def test_what_is_no_ruleset_is_one_finding(text: str, place: tuple[int, int]) -> None:
    assert errors(text) == [("GPR405", *place)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 2\nname: x\n", [("GPR404", 1, 10)]),
        ("version: '1'\nname: x\n", [("GPR404", 1, 10)]),
        ("version: one\nname: x\n", [("GPR404", 1, 10)]),
        ("version:\nname: x\n", [("GPR404", 1, 9)]),
        ("name: x\n", [("GPR402", 1, 1)]),
        ("version: 1\n", [("GPR402", 1, 1)]),
        ("version: 1\nname: ''\n", [("GPR403", 2, 7)]),
        ("version: 1\nname: [x]\n", [("GPR403", 2, 7)]),
        (f"{HEAD}setings: {{}}\n", [("GPR401", 3, 1)]),
        (f"{HEAD}rules: {{}}\n", [("GPR403", 3, 8)]),
        (f"{HEAD}rules:\n", [("GPR403", 3, 7)]),
        (f"{HEAD}rules: [a, {{name: b}}]\n", [("GPR403", 3, 9), ("GPR402", 3, 12), ("GPR402", 3, 12)]),
        (f"{HEAD}settings: {{poll_interval: 0s}}\n", [("GPR403", 3, 27)]),
        (f"{HEAD}settings: {{poll_interval: often}}\n", [("GPR403", 3, 27)]),
        (f"{HEAD}settings: {{max_delay: 5MB}}\n", [("GPR104", 3, 23)]),
        (f"{HEAD}settings: {{max_delay: 22:00}}\n", [("GPR403", 3, 23)]),
        (f"{HEAD}settings: {{max_priority: .nan}}\n", [("GPR403", 3, 26)]),
        (f"{HEAD}settings: {{on_stale: off}}\n", [("GPR403", 3, 22)]),
        (f"{HEAD}settings: {{timezone: Mars/Olympus}}\n", [("GPR403", 3, 22)]),
        (f"{HEAD}settings: {{timezone: ../../etc/passwd}}\n", [("GPR403", 3, 22)]),
        (f"{HEAD}fields: {{a b: {{type: string, scope: node}}}}\n", [("GPR403", 3, 10)]),
        (f"{HEAD}fields: {{a: {{type: text, scope: node}}}}\n", [("GPR403", 3, 20)]),
        (f"{HEAD}fields: {{a: {{type: string}}}}\n", [("GPR402", 3, 13)]),
        (f"{HEAD}file_types: {{'*.x': modle}}\n", [("GPR403", 3, 21)]),
        (f"{HEAD}define: {{a: {{b: c}}}}\n", [("GPR403", 3, 13)]),
        (f"{HEAD}define: {{a: []}}\n", [("GPR403", 3, 13)]),
        (f"{HEAD}define: {{a: }}\n", [("GPR003", 3, 13)]),
        (f"{HEAD}define: {{5a: gpu_memory}}\n", [("GPR403", 3, 10)]),
        (f"{HEAD}inputs: {{a: {{type: number, default: lots}}}}\n", [("GPR403", 3, 37)]),
        (f"{HEAD}inputs: {{a: {{type: number, unit: C, default: 5MB}}}}\n", [("GPR403", 3, 46)]),
        (f"{HEAD}inputs: {{a: {{type: number, unit: parsec, default: 5}}}}\n", [("GPR403", 3, 34)]),
        (f"{HEAD}signals: {{a: gpu_memory > 5}}\n", [("GPR403", 3, 14)]),
        (f"{HEAD}signals: {{a: {{until: gpu_memory > 5}}}}\n", [("GPR402", 3, 14)]),
        (f"{HEAD}signals: {{a: {{condition: gpu_memory > 5, for: -1s}}}}\n", [("GPR403", 3, 47)]),
        (f"{HEAD}extends: a.yaml\n", [("GPR403", 3, 10)]),
        (f"{HEAD}extends: ['']\n", [("GPR403", 3, 11)]),
        (f"{HEAD}extends: [{{with: {{a: 1}}}}]\n", [("GPR402", 3, 11)]),
    ],
)
def test_the_shape_of_a_file(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert errors(text) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("prioritty: 5", [("GPR401", 0)]),
        ("priority: high", [("GPR403", 10)]),
        ("priority: 1.5", [("GPR403", 10)]),
        ("priority: true", [("GPR403", 10)]),
        ("enabled: sometimes", [("GPR403", 9)]),
        ("enabled: 'false'", [("GPR403", 9)]),
        ("stop: null", [("GPR403", 6)]),
        ("gpus: all", [("GPR403", 6)]),
        ("mode: off", [("GPR403", 6)]),
        ("tags: a", [("GPR403", 6)]),
        ("cooldown: 5GB", [("GPR104", 10)]),
        ("cooldown: -5", [("GPR403", 10)]),
        ("annotations: {a: [1]}", [("GPR403", 17)]),
        ("actions: [{action: log}]", [("GPR410", 0)]),
        ("parameters: null", [("GPR403", 12)]),
        ("parameters: [1]", [("GPR403", 12)]),
        ("name: b", [("GPR002", 0)]),
        ("override: maybe", [("GPR403", 10)]),
        ("override: true", [("GPR406", -55)]),
        ("description: no", [("GPR006", 13)]),
        ("tags: [1:30]", [("GPR006", 7)]),
        ("x-team: [whatever, {a: b}]", []),
        ("priority: 1e3", []),
        ("enabled: off", []),
        ("cooldown: 90", []),
        ("tags: [memory, 'on']", []),
    ],
)
def test_the_keys_of_a_rule(keys: str, expected: list[tuple[str, int]]) -> None:
    assert of_rule(keys) == expected


def test_a_slip_in_a_key_is_not_a_missing_key_too() -> None:
    assert errors(f"{HEAD}rules:\n- {{name: a, conditon: gpu_memory > 80, action: log}}\n") == [("GPR401", 4, 13)]


def test_a_duplicate_name_is_reported_at_the_second_with_the_first() -> None:
    text = f"{HEAD}{RULE}- {{name: a, condition: gpu_memory > 90, action: pause_transfer}}\n"
    (found,) = lints(text)
    assert (found.code, found.line, found.column, found.rule) == ("GPR301", 5, 10, "a")
    assert (found.related[0].location.line, found.related[0].location.column) == (4, 10)


@pytest.mark.parametrize(
    ("name", "code"),
    [("a" * 100, None), ("a" * 101, "GPR403"), ('"a\\nb"', "GPR403"), ("''", "GPR403"), ("Ü b/c", None)],
)
def test_a_rule_name_has_one_to_a_hundred_printable_characters(name: str, code: str | None) -> None:
    text = f"{HEAD}rules:\n- name: {name}\n  condition: gpu_memory > 80\n  action: pause_transfer\n"
    assert errors(text) == ([(code, 4, 9)] if code else [])


def test_a_text_that_yaml_would_misread_has_a_safe_fix() -> None:
    (found,) = lints(f"{HEAD}description: no\n")
    assert (found.code, found.line, found.column, found.safe) == ("GPR006", 3, 14, True)
    assert [edit.replacement for edit in found.edits] == ["'no'"]


def test_a_merged_condition_that_is_hidden_is_a_warning() -> None:
    base = "x-base: &b {condition: gpu_memory > 80, action: log}\n"
    text = f"{HEAD}{base}rules:\n- {{<<: *b, name: a, condition: gpu_memory > 90}}\n"
    assert [(d.code, d.line) for d in lints(text)] == [("GPR008", 5)]
    assert loads(text).rules[0].text == "gpu_memory > 90"


def test_the_message_names_the_expected_form() -> None:
    hints = {d.code: (d.message, d.hint) for d in lints(f"{HEAD}rules: [{{name: a, condition: a, actions: [log]}}]")}
    assert hints["GPR403"] == ("expected a mapping", "write {action: log}")
