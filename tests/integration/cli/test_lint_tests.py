"""``gpurules lint`` on what the tests of a project leave out, and on tests that say nothing."""

from pathlib import Path
from typing import Any

import pytest

RULES = """\
version: 1
name: x
rules:
  - name: hot
    description: rest
    condition: gpu_temperature > 87 AND file_type == 'model'
    action: pause_transfer
"""
HEAD = "kind: gpurules/test\nversion: 1\nrulesets: [../rules/x.yaml]\ncases:\n"
TABLE = """\
  - name: hot
    rule: hot
    table:
      columns: ['gpu[0].temperature', transfer.file_type, outcome]
      rows: [%s]
"""
ALL = ("[87, model, no-match]", "[88, model, match]", "[88, log, no-match]", "[_, model, unknown]", "[88, _, unknown]")
MORE = "  - {name: %s, given: {snapshot: {gpus: [{temperature: 99}]}}, expect: %s}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in (".git", "rules", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "rules" / "x.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lint(gpurules: Any, *arguments: str) -> list[str]:
    done = gpurules("lint", "--extend-select", "GPR8", "--output-format", "concise", *arguments)
    return [" ".join(line.split()[:2]) for line in done.out.splitlines()]


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        (TABLE % ", ".join(ALL), []),
        (TABLE % ALL[0], ["4:11: GPR801", "6:16: GPR803", "6:16: GPR804", "6:41: GPR804"]),
        (TABLE % ALL[1], ["4:11: GPR802", "6:16: GPR803", "6:16: GPR804", "6:41: GPR804"]),
        (TABLE % ", ".join([ALL[1], *ALL[2:]]), ["6:16: GPR803"]),
        (TABLE % ", ".join(ALL[:4]), ["6:41: GPR804"]),
        (TABLE % ", ".join(ALL) + MORE % ("cool", "[{rule: hot}]"), ["10:75: GPR806"]),
        (TABLE % ", ".join(ALL) + MORE % ("cool", "[]"), ["10:5: GPR806"]),
        (TABLE % ", ".join(ALL) + MORE % ("cool", "{rule: hot, outcome: no-match}"), []),
        (MORE % ("one", "{rule: hot, outcome: unknown}") + MORE % ("one", "[]"), ["6:12: GPR807"]),
        (MORE % ("one", "{rule: hto, outcome: unknown}"), ["5:80: GPR808"]),
    ],
)
def test_what_tests_leave_out_stands_at_the_rule(gpurules: Any, here: Path, cases: str, expected: list[str]) -> None:
    (here / "tests" / "x.test.yaml").write_text(HEAD + cases)
    found = [line.removeprefix("rules/x.yaml:").removeprefix("tests/x.test.yaml:") for line in lint(gpurules)]
    assert found == expected


def test_where_no_test_names_the_ruleset_nothing_is_asked_of_tests(gpurules: Any, here: Path) -> None:
    assert lint(gpurules) == []
    (here / "tests" / "x.test.yaml").write_text((HEAD + TABLE % ALL[0]).replace("../rules/x.yaml", "gpurules:default"))
    assert not [line for line in lint(gpurules) if line.startswith("rules/")]


def test_the_tests_of_all_files_count_together_wherever_one_stands(
    gpurules: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "tests" / "a.test.yaml").write_text(HEAD + TABLE % ", ".join(ALL[:3]))
    (here / "tests" / "b.test.yaml").write_text(HEAD + TABLE % ", ".join(ALL[3:]))
    monkeypatch.chdir(here / "rules")
    assert lint(gpurules, "x.yaml") == []


def test_a_suppression_silences_them_and_is_not_unused_where_they_are_not_checked(gpurules: Any, here: Path) -> None:
    silenced = '# gpurules: ignore[GPR801, GPR803, GPR804] reason="an emergency"\n  - name: hot'
    (here / "rules" / "x.yaml").write_text(RULES.replace("- name: hot", silenced))
    (here / "tests" / "x.test.yaml").write_text(HEAD + TABLE % ALL[0])
    assert lint(gpurules) == []
    assert gpurules("lint", "--output-format", "concise").out == ""
    (here / "tests" / "x.test.yaml").unlink()
    assert lint(gpurules) == []


def test_fix_leaves_what_tests_leave_out(gpurules: Any, here: Path) -> None:
    (here / "rules" / "x.yaml").write_text(RULES.replace(" > 87 AND", " > 87 AND gpu_temperature > 60 AND"))
    (here / "tests" / "x.test.yaml").write_text(HEAD + TABLE % ALL[0])
    assert "rules/x.yaml:4:11: GPR801" in lint(gpurules, "--fix")
    assert (here / "rules" / "x.yaml").read_text() == RULES


def test_rules_that_are_disabled_and_percent_signs_are_no_trouble(gpurules: Any, here: Path) -> None:
    text = RULES.replace("gpu_temperature > 87 AND file_type == 'model'", "gpu_memory > 90%")
    text += (
        "  - {name: later, description: not yet, condition: gpu_memory > 1, action: pause_transfer, enabled: false}\n"
    )
    (here / "rules" / "x.yaml").write_text(text)
    (here / "tests" / "x.test.yaml").write_text(HEAD + "  - {name: a, expect: {rule: hot, outcome: no-match}}\n")
    assert [line.split()[1] for line in lint(gpurules)] == ["GPR801", "GPR803", "GPR804"]
