"""``gpurules test``."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

RULES = "version: 1\nname: x\nrules:\n  - {name: hot, condition: gpu_temperature > 87, action: pause_transfer}\n"
TEST = """\
kind: gpurules/test
version: 1
rulesets: [x.rules.yaml]
cases:
  - name: hot
    given: {snapshot: {gpus: [{temperature: 90}]}}
    expect: [{rule: hot, outcome: match}]
  - name: cool
    given: {snapshot: {gpus: [{temperature: 80}]}}
    expect: [{rule: hot, outcome: %s}]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "x.rules.yaml").write_text(RULES)
    (tmp_path / "x.test.yaml").write_text(TEST % "no-match")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_passes_is_0_and_says_little(gpurules: Any) -> None:
    done = gpurules("test")
    assert (done.code, done.out, done.err) == (0, "", "2 tests in 1 file: 0 failed\n")


def test_what_fails_is_1_with_the_condition(gpurules: Any, here: Path) -> None:
    (here / "x.test.yaml").write_text(TEST % "match")
    done = gpurules("test")
    assert done.code == 1
    assert (
        "FAIL  x.test.yaml: cool\n  --> x.test.yaml:10:14\n      expected  match\n      got       no-match\n"
        in done.out
    )
    assert "gpu_temperature > 87   80 C ✗" in done.out


def test_junit_coverage_and_names(gpurules: Any, here: Path) -> None:
    (here / "x.test.yaml").write_text(TEST % "match")
    done = gpurules("test", "-v", "--coverage", "--junit", "j.xml")
    assert "ok    x.test.yaml: hot\n" in done.out
    assert "rule coverage 100 %" in done.out
    suite = ET.parse(here / "j.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_run_chooses_by_name(gpurules: Any) -> None:
    assert gpurules("test", "--run", "^cool$").err == "1 test in 1 file: 0 failed\n"
    assert gpurules("test", "--run", "none").code == 2
    assert gpurules("test", "--run", "(").code == 2


def test_required_coverage_that_is_not_met_is_1(gpurules: Any, here: Path) -> None:
    assert gpurules("test", "--require", "100").code == 0
    (here / "x.rules.yaml").write_text(RULES + "  - {name: b, condition: gpu_memory > 87, action: pause_transfer}\n")
    done = gpurules("test", "--require", "100")
    assert done.code == 1
    assert "rule coverage is 50 %, but 100 % is required" in done.out


def test_a_file_that_is_wrong_is_1_and_one_that_is_not_there_2(gpurules: Any, here: Path) -> None:
    (here / "y.test.yaml").write_text("kind: gpurules/test\n")
    done = gpurules("test")
    assert done.code == 1
    assert "GPR402" in done.out and "2 tests in 2 files" in done.err
    assert gpurules("test", "none.test.yaml").code == 2
    (here / "empty").mkdir()
    assert gpurules("test", "empty").code == 2
    assert gpurules("test", "empty", "--allow-empty").code == 0


def test_a_failure_without_any_gpu_in_scope_is_shown(gpurules: Any, here: Path) -> None:
    (here / "x.rules.yaml").write_text(RULES.replace("action:", "gpus: workload, action:"))
    done = gpurules("test")
    assert done.code == 1
    assert "there is no GPU in scope" in done.out


def test_mutants_that_no_test_notices_are_listed(gpurules: Any, here: Path) -> None:
    done = gpurules("test", "--mutate")
    assert done.code == 0
    assert done.out == (
        "x.test.yaml: 0 of 3 mutants detected (0 %)\n"
        "  x.rules.yaml:4:28: no test detects the operator of hot: gpu_temperature > 87 → gpu_temperature >= 87\n"
        "  x.rules.yaml:4:46: no test detects the threshold of hot: 87 → 86\n"
        "  x.rules.yaml:4:46: no test detects the threshold of hot: 87 → 88\n"
    )


def test_several_files_about_one_ruleset_notice_mutants_together(gpurules: Any, here: Path) -> None:
    (here / "y.test.yaml").write_text((TEST % "no-match").replace("80", "87"))
    done = gpurules("test", "--mutate")
    assert done.code == 0
    assert done.out == (
        "x.test.yaml: 0 of 3 mutants detected (0 %)\n"
        "y.test.yaml: 2 of 3 mutants detected (67 %)\n"
        "all files together: 2 of 3 mutants detected (67 %)\n"
        "  x.rules.yaml:4:46: no test detects the threshold of hot: 87 → 88\n"
    )


def test_a_required_mutation_score_is_found_out_without_being_asked(gpurules: Any, here: Path) -> None:
    (here / "x.test.yaml").write_text(TEST % "no-match" + "require: {mutation_score: 60}\n")
    done = gpurules("test")
    assert done.code == 1
    assert "mutation_score is 0 %, but 60 % is required" in done.out
    (here / "x.test.yaml").write_text((TEST % "no-match").replace("80", "87") + "require: {mutation_score: 60}\n")
    assert gpurules("test").code == 0  # 87 is hot no more where it is `>= 87` or `> 86`: two of three


def test_update_writes_what_the_rules_do(gpurules: Any, here: Path) -> None:
    text = (TEST % "match").replace("expect: [{rule: hot, outcome: match}]", EXPECT, 1).replace("\n", "\r\n")
    (here / "x.test.yaml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert gpurules("test").code == 1
    done = gpurules("test", "--update")
    assert (done.code, done.err) == (0, "5 expectations rewritten\n2 tests in 1 file: 0 failed\n")
    expected = "{rule: hot, outcome: 'match', devices: [0], matched: [hot], decision: {paused: true, delay: 0}}"
    after = (here / "x.test.yaml").read_bytes().decode()
    assert after == "\ufeff" + text.replace(EXPECT[9:-1], expected).replace("match}]", "no-match}]")


EXPECT = "expect: [{rule: hot, outcome: 'match', devices: [ 3 ], matched: [], decision: {paused: no, delay: 3}}]"


def test_update_leaves_what_it_cannot_write(gpurules: Any, here: Path) -> None:
    text = (TEST % "no-match").replace("outcome: match", "because: for")
    (here / "x.test.yaml").write_text(text)
    done = gpurules("test", "--update")
    assert (done.code, (here / "x.test.yaml").read_text()) == (1, text)


def test_processes_change_nothing_in_the_report(gpurules: Any, here: Path) -> None:
    (here / "x.test.yaml").write_text(TEST % "match")
    (here / "y.test.yaml").write_text((TEST % "no-match").replace("cool", "other"))
    one, two = gpurules("test", "-v", "--coverage", "--jobs", "1"), gpurules("test", "-v", "--coverage", "--jobs", "2")
    assert one == two
    assert (
        gpurules("test", "--mutate", "y.test.yaml", "--jobs", "2").out
        == gpurules("test", "--mutate", "y.test.yaml").out
    )


def test_a_test_that_cannot_fail_is_warned_of(gpurules: Any, here: Path) -> None:
    (here / "x.test.yaml").write_text((TEST % "no-match").replace(", outcome: no-match", ""))
    done = gpurules("test")
    assert done.code == 0
    assert "GPR806 test-cannot-fail (warning)" in done.out and "x.test.yaml:10:14" in done.out


def test_a_key_that_a_decision_lacks_fails_with_the_nearest(gpurules: Any, here: Path) -> None:
    (here / "x.test.yaml").write_text((TEST % "no-match").replace("outcome: match", "decision: {pausd: true}"))
    done = gpurules("test")
    assert done.code == 1
    assert "a decision has no 'pausd'; did you mean 'paused'?" in done.out
