"""``gpurules testgen``."""

import re
from pathlib import Path
from typing import Any

import pytest

from gpurules.rules import shipped_names

RULES = """\
version: 1
name: x
rules:
  - {name: hot, condition: gpu_temperature > 87, action: delay_transfer, parameters: {delay: 30s}}
  - {name: models, condition: "gpu_memory > 80 AND file_type == 'model'", action: increase_priority,
     parameters: {priority_boost: 50}}
"""
TEST = """\
kind: gpurules/test
version: 1
rulesets: [x.rules.yaml]
cases:
  - name: heat
    rule: hot
    table:
      columns: ['gpu[0].temperature', outcome]
      rows: [[86C, no-match], [87C, no-match], [88C, match], [_, unknown]]
"""
MODELS = """\
  # models: gpu_memory > 80 AND file_type == 'model'
  - name: models matches with file_type 'model', gpu_memory 81 %
    given: {snapshot: {gpus: [{index: 0, memory: 81%}]}, transfer: {file_type: model}}
    expect: {rule: models, outcome: match, devices: [0], decision: {priority_boost: 50}}
  - name: models at and next to the limit of gpu_memory > 80
    rule: models
    given: {snapshot: {gpus: [{index: 0}]}, transfer: {file_type: model}}
    table:
      columns: ['gpu[0].memory', outcome]
      rows: [[79.9%, no-match], [80%, no-match], [80.1%, match], [_, unknown]]
  - name: models as file_type == 'model' changes
    rule: models
    given: {snapshot: {gpus: [{index: 0, memory: 81%}]}}
    table:
      columns: [transfer.file_type, outcome]
      rows: [[dataset, no-match], [_, unknown]]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "x.rules.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_written_for_a_shipped_ruleset_runs_green_and_covers_it(gpurules: Any, name: str) -> None:
    written = gpurules("testgen", f"gpurules:{name}", "-o", "new.test.yaml")
    assert written.code == 0, written.err
    run = gpurules("test", "new.test.yaml", "--coverage")
    assert run.code == 0, run.out
    assert "rule coverage 100 %" in run.out
    assert "boundary 100 %" in run.out
    branches = re.search(r"branch coverage (\d+) %", run.out)
    assert branches is not None and int(branches[1]) >= 90, run.out


def test_only_what_no_test_shows_is_written(gpurules: Any, here: Path) -> None:
    (here / "x.test.yaml").write_text(TEST)
    written = gpurules("testgen", "x.rules.yaml")
    assert written.code == 0
    assert written.out.endswith("cases:\n\n" + MODELS)
    assert "7 tests written; rule coverage 50 → 100 %" in written.err


def test_coverage_rises_and_then_nothing_is_left(gpurules: Any, here: Path) -> None:
    (here / "x.test.yaml").write_text(TEST)
    assert gpurules("testgen", "x.rules.yaml", "-o", "more.test.yaml").code == 0
    assert gpurules("test", ".").code == 0
    again = gpurules("testgen", "x.rules.yaml")
    assert (again.code, again.out) == (0, "")
    assert "nothing left to write" in again.err
    lint = gpurules("lint", "x.rules.yaml", "--select", "GPR803,GPR804", "--fail-on", "info")
    assert lint.code == 0, lint.out


def test_tests_can_be_named_or_left_aside(gpurules: Any, here: Path) -> None:
    (here / "x.test.yaml").write_text(TEST)
    assert "# hot" not in gpurules("testgen", "x.rules.yaml", "--tests", "x.test.yaml").out
    assert "# hot" in gpurules("testgen", "x.rules.yaml", "--all").out


def test_a_file_in_another_folder_names_the_ruleset_from_there(gpurules: Any, here: Path) -> None:
    (here / "tests").mkdir()
    assert gpurules("testgen", "x.rules.yaml", "-o", "tests/x.test.yaml").code == 0
    assert "rulesets: [../x.rules.yaml]" in (here / "tests" / "x.test.yaml").read_text()
    assert gpurules("test", "tests").code == 0


def test_a_changed_rule_fails_what_was_written_before(gpurules: Any, here: Path) -> None:
    gpurules("testgen", "x.rules.yaml", "-o", "x.test.yaml")
    for before, after in (("> 87", ">= 87"), ("> 80", "> 79"), ("AND", "OR"), ("30s", "31s")):
        (here / "x.rules.yaml").write_text(RULES.replace(before, after))
        assert gpurules("test", "x.test.yaml").code == 1, after


def test_a_file_that_is_there_is_not_written_over_unasked(gpurules: Any, here: Path) -> None:
    (here / "x.test.yaml").write_text(TEST)
    refused = gpurules("testgen", "x.rules.yaml", "-o", "x.test.yaml")
    assert refused.code == 2
    assert "already exists" in refused.err
    assert (here / "x.test.yaml").read_text() == TEST
    assert gpurules("testgen", "x.rules.yaml", "-o", "x.test.yaml", "--force").code == 0
    assert "# hot" in (here / "x.test.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["nope.yaml"], 2, "no such file"),
        (["gpurules:defualt"], 2, "default"),
        (["-"], 2, "cannot be stdin"),
        (["x.rules.yaml", "-o", "x.yaml"], 2, "*.test.yaml"),
        (["x.rules.yaml", "-o", "nowhere/x.test.yaml"], 2, "no such directory"),
        (["x.rules.yaml", "--tests", "x.test.yaml"], 2, "no such file"),
        (["x.rules.yaml", "--tests", "x", "--all"], 2, "--all"),
        (["broken.rules.yaml"], 1, "GPR101"),
    ],
)
def test_wrong_input_is_reported(gpurules: Any, here: Path, arguments: list[str], code: int, expected: str) -> None:
    (here / "broken.rules.yaml").write_text(RULES.replace("gpu_memory", "gpu_memroy"))
    outcome = gpurules("testgen", *arguments)
    assert outcome.code == code, outcome.err
    assert expected in outcome.err


def test_what_takes_time_is_shown_by_a_series(gpurules: Any, here: Path) -> None:
    (here / "x.rules.yaml").write_text(RULES.replace("> 87,", "> 87, for: 30s,"))
    assert gpurules("testgen", "x.rules.yaml", "-o", "x.test.yaml").code == 0
    text = (here / "x.test.yaml").read_text()
    assert "- name: hot holds only after 30s" in text
    assert "{at: 30s, rule: hot, outcome: suppressed, because: for}" in text
    assert "because: for, " not in text  # a single snapshot says nothing about timers
    assert gpurules("test", "x.test.yaml").code == 0
    assert gpurules("testgen", "x.rules.yaml").out == ""  # now they are there
