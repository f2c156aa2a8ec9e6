"""Several files to one ruleset."""

from pathlib import Path

import pytest

from gpurules.diagnostics import Severity
from gpurules.rules import Ruleset, examine_file, load

HEAD = "version: 1\nname: x\n"
BASE = (
    f"{HEAD}inputs: {{limit: {{type: number, unit: C, default: 80}}}}\n"
    "rules:\n- {name: hot, condition: gpu_temperature > limit, action: log, parameters: {level: error}}\n"
)


class Files:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, main: str, **files: str) -> Path:
        for name, text in {"main": main, **files}.items():
            path = self.folder / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self.folder / "main.yaml"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def errors(path: Path) -> list[tuple[str, str, int, int]]:
    found = examine_file(path).diagnostics
    return [(d.code, Path(d.path or "").stem, d.line, d.column) for d in found if d.severity is Severity.ERROR]


def names(ruleset: Ruleset) -> list[str]:
    return [rule.name for rule in ruleset.rules]


def test_bases_come_first_and_paths_are_relative_to_their_file(files: Files) -> None:
    deep = f"{HEAD}rules: [{{name: deep, condition: gpu_memory > 1, action: log}}]\n"
    main = f"{HEAD}extends: [sub/a.yaml]\nrules: [{{name: own, condition: gpu_memory > 2, action: log}}]\n"
    path = files(main, **{"sub/a": f"{HEAD}extends: [b.yaml]\n", "sub/b": deep})
    ruleset = load(path)
    assert names(ruleset) == ["deep", "own"]
    assert [Path(f).name for f in ruleset.files] == ["b.yaml", "a.yaml", "main.yaml"]
    assert Path(ruleset.rules[0].path or "").name == "b.yaml"


def test_with_sets_the_inputs_of_a_base(files: Files) -> None:
    path = files(f"{HEAD}extends: [{{from: base.yaml, with: {{limit: 83C}}}}]\n", base=BASE)
    assert load(path).inputs["limit"].value == 83


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("{limt: 83C}", ("GPR409", "main", 3, 36)),
        ("{limit: 5MB}", ("GPR409", "main", 3, 43)),
        ("{limit: hot}", ("GPR409", "main", 3, 43)),
        ("{limit: [1]}", ("GPR403", "main", 3, 43)),
        ("[limit]", ("GPR403", "main", 3, 35)),
    ],
)
def test_what_with_cannot_set_is_reported_there(files: Files, values: str, expected: tuple[str, str, int, int]) -> None:
    assert errors(files(f"{HEAD}extends: [{{from: base.yaml, with: {values}}}]\n", base=BASE)) == [expected]


def test_a_file_met_twice_counts_once(files: Files) -> None:
    main = f"{HEAD}extends: [a.yaml, b.yaml, ./a.yaml]\n"
    a, b = f"{HEAD}extends: [base.yaml]\n", f"{HEAD}extends: [./base.yaml]\n"
    assert names(load(files(main, a=a, b=b, base=BASE))) == ["hot"]


def test_two_bases_cannot_bring_one_name(files: Files) -> None:
    assert errors(files(f"{HEAD}extends: [a.yaml, b.yaml]\n", a=BASE, b=BASE)) == [("GPR301", "b", 5, 10)]


def test_a_file_that_extends_itself_is_reported(files: Files) -> None:
    assert errors(files(f"{HEAD}extends: [main.yaml]\n")) == [("GPR411", "main", 3, 11)]
    main = f"{HEAD}extends: [a.yaml]\n"
    assert errors(files(main, a=f"{HEAD}extends: [b.yaml]\n", b=main.replace("a.yaml", "main.yaml"))) == [
        ("GPR411", "b", 3, 11)
    ]


def test_a_missing_base_is_reported_with_the_nearest_name(files: Files) -> None:
    path = files(f"{HEAD}extends: [sit.yaml, gpurules:defualt, sub]\n", site=BASE, **{"sub/x": ""})
    found = examine_file(path).diagnostics
    assert [(d.code, d.column) for d in found] == [("GPR408", 11), ("GPR408", 21), ("GPR408", 39)]
    assert "'site.yaml'" in str(found[0].hint)


@pytest.mark.parametrize(
    "name", ['"a\\0b"', "x" * 5000, "../../../../../../../../nowhere/x.yaml", "gpurules:../../etc"]
)
def test_a_name_that_is_no_path_is_a_finding(files: Files, name: str) -> None:
    assert errors(files(f"{HEAD}extends: [{name}]\n")) == [("GPR408", "main", 3, 11)]


def test_a_circle_of_links_is_a_finding(files: Files) -> None:
    path = files(f"{HEAD}extends: [loop.yaml]\n")
    (files.folder / "loop.yaml").symlink_to("loop.yaml")
    assert errors(path) == [("GPR408", "main", 3, 11)]


def test_a_patch_replaces_the_keys_it_names(files: Files) -> None:
    main = f"{HEAD}extends: [base.yaml]\nrules: [{{name: hot, override: true, priority: 9, enabled: false}}]\n"
    (rule,) = load(files(main, base=BASE)).rules
    assert (rule.priority, rule.enabled, rule.text) == (9, False, "gpu_temperature > limit")
    assert rule.actions[0].parameters["level"] == "error"


@pytest.mark.parametrize(
    ("patch", "ordered"),
    [
        ("action: pause_transfer", ["pause_transfer"]),
        ("actions: [{action: log}, {action: pause_transfer}]", ["log", "pause_transfer"]),
        ("parameters: {level: info}", ["log"]),
        ("action: increase_priority, parameters: {priority_boost: 5}", ["increase_priority"]),
    ],
)
def test_naming_actions_drops_the_old_ones(files: Files, patch: str, ordered: list[str]) -> None:
    main = f"{HEAD}extends: [base.yaml]\nrules: [{{name: hot, override: true, {patch}}}]\n"
    (rule,) = load(files(main, base=BASE)).rules
    assert [action.name for action in rule.actions] == ordered


def test_naming_one_action_drops_several(files: Files) -> None:
    base = f"{HEAD}rules: [{{name: hot, condition: gpu_memory > 5, actions: [{{action: log}}, {{action: log}}]}}]\n"
    main = f"{HEAD}extends: [base.yaml]\nrules: [{{name: hot, override: true, action: pause_transfer}}]\n"
    (rule,) = load(files(main, base=base)).rules
    assert [action.name for action in rule.actions] == ["pause_transfer"]


def test_parameters_alone_do_not_patch_several_actions(files: Files) -> None:
    base = f"{HEAD}rules: [{{name: hot, condition: gpu_memory > 5, actions: [{{action: log}}]}}]\n"
    main = f"{HEAD}extends: [base.yaml]\nrules: [{{name: hot, override: true, parameters: {{level: info}}}}]\n"
    assert errors(files(main, base=base)) == [("GPR410", "main", 4, 37)]


def test_remove_drops_a_rule_and_makes_room_for_its_name(files: Files) -> None:
    middle = f"{HEAD}extends: [base.yaml]\nrules: [{{name: hot, remove: true}}]\n"
    main = f"{HEAD}extends: [middle.yaml]\nrules: [{{name: hot, condition: gpu_memory > 3, action: log}}]\n"
    assert load(files(main, middle=middle, base=BASE)).rules[0].text == "gpu_memory > 3"


def test_a_patch_of_a_missing_rule_is_reported(files: Files) -> None:
    main = f"{HEAD}extends: [base.yaml]\nrules:\n- {{name: hott, override: true}}\n- {{name: cold, remove: true}}\n"
    path = files(main, base=BASE)
    assert errors(path) == [("GPR406", "main", 5, 10), ("GPR406", "main", 6, 10)]
    assert "did you mean 'hot'?" in str(examine_file(path).diagnostics[0].hint)


def test_a_rule_of_a_base_needs_override_and_that_is_one_finding(files: Files) -> None:
    path = files(f"{HEAD}extends: [base.yaml]\nrules: [{{name: hot, priority: 9}}]\n", base=BASE)
    assert errors(path) == [("GPR301", "main", 4, 16)]
    assert Path(examine_file(path).diagnostics[0].related[0].path or "").name == "base.yaml"


def test_sections_merge_by_name_and_bases_use_what_is_in_force(files: Files) -> None:
    base = (
        f"{HEAD}settings: {{max_delay: 5s, poll_interval: 2s}}\ndefine: {{limit: 95}}\n"
        "signals: {s: {condition: gpu_temperature > limit, for: 5s}}\nfields: {t: {type: string, scope: node}}\n"
        "rules: [{name: a, condition: s, action: log}]\n"
    )
    main = (
        f"{HEAD}extends: [base.yaml]\nsettings: {{max_delay: 7s}}\ndefine: {{limit: 85}}\n"
        "signals: {s: {condition: gpu_memory > limit}}\n"
    )
    ruleset = load(files(main, base=base))
    assert (ruleset.settings.max_delay, ruleset.settings.poll_interval) == (7, 2)
    assert (ruleset.signals["s"].text, ruleset.signals["s"].for_seconds) == ("gpu_memory > limit", 0)
    assert list(ruleset.fields) == ["t"]


def test_problems_of_a_base_stand_in_the_base(files: Files) -> None:
    main = f"{HEAD}extends: [base.yaml]\nrules: [{{name: b, condition: gpu_mem > 5, action: log}}]\n"
    base = f"{HEAD}rules: [{{name: a, condition: gpu_tmp > 5, action: log}}]\n"
    assert errors(files(main, base=base)) == [("GPR101", "base", 3, 30), ("GPR101", "main", 4, 30)]


def test_a_base_that_is_no_yaml_is_one_finding(files: Files) -> None:
    main = f"{HEAD}extends: [{{from: base.yaml, with: {{limit: 83C}}}}]\n"
    assert errors(files(main, base="rules: [\n")) == [("GPR001", "base", 2, 1)]


@pytest.mark.parametrize(
    "base", ["a: [\n", "PATH=/bin\0HOME=/root", "password: x\n", "[1, 2]", "root:x:0:0::/:/bin/sh\n"]
)
def test_of_a_base_that_is_no_ruleset_nothing_is_shown(files: Files, base: str) -> None:
    main = f"{HEAD}extends: [base.yaml]\nrules: []\n"
    assert errors(files(main, base=base)) == [("GPR408", "main", 3, 11)]
