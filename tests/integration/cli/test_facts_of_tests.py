"""What tests of rules say of facts reaches the rules, and what is wrong with it fails the test at its place."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gpurules.ruletest import examine, facts_of_cases

RULES = """\
version: 1
name: hall
settings: {timezone: Europe/Berlin}
fields:
  door_closed: {type: bool, scope: node}
  inlet: {type: number, dimension: celsius, scope: gpu}
rules:
  - {name: open_door, condition: NOT door_closed, action: pause_transfer}
  - {name: warm_air, condition: inlet > 30C, action: pause_transfer}
  - {name: weekend, condition: "weekday IN ('sat', 'sun')", action: pause_transfer}
  - {name: late, condition: "time_of_day >= 22:00", action: pause_transfer}
  - {name: open_long, condition: NOT door_closed, for: 10s, action: pause_transfer}
"""
Run = Callable[..., Any]


@pytest.fixture
def tested(gpurules: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def run(cases: str, head: str = "") -> Any:
        (tmp_path / "hall.rules.yaml").write_text(RULES)
        path = tmp_path / "hall.test.yaml"
        path.write_text(f"kind: gpurules/test\nversion: 1\nrulesets: [hall.rules.yaml]\n{head}cases:\n{cases}")
        return gpurules("test", "hall.test.yaml")

    return run


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ("{node: {door_closed: false}}", "open_door"),
        ("{snapshot: {labels: {door_closed: false}}}", "open_door"),
        ("{snapshot: {gpus: [{index: 0, inlet: 31C}]}}", "warm_air"),
        ("{snapshot: {gpus: [{index: 0, labels: {inlet: 31C}}]}}", "warm_air"),
        ("{snapshot: {gpus: [{index: 0, labels: {inlet: 31}}]}}", "warm_air"),
        ("{node: {weekday: sun}}", "weekend"),
        ("{snapshot: {timestamp: 2026-03-29T10:00:00Z}}", "weekend"),
        ("{snapshot: {timestamp: 2026-03-29T20:30:00Z}}", "late"),
        ("{snapshot: {timestamp: 1774816200}}", "late"),
    ],
)
def test_facts_reach_the_rule_in_every_way_to_give_them(tested: Run, given: str, rule: str) -> None:
    done = tested(f"  - {{name: c, given: {given}, expect: {{rule: {rule}, outcome: match}}}}\n")
    assert done.code == 0, done.out
    wrong = tested(f"  - {{name: c, given: {given}, expect: {{rule: {rule}, outcome: no-match}}}}\n")
    assert wrong.code == 1


def test_a_declared_fact_of_the_node_reaches_rules_over_time(tested: Run) -> None:
    expect = "[{at: 5s, rule: open_long, outcome: suppressed, because: for}, {rule: open_long, outcome: match}]"
    done = tested(f'  - {{name: c, series: {{node.door_closed: "true falsex4"}}, expect: {expect}}}\n')
    assert done.code == 0, done.out


def test_a_fact_of_the_node_that_a_table_leaves_away_is_missing_whatever_the_labels_say(tested: Run) -> None:
    head = "defaults: {snapshot: {labels: {door_closed: false}}}\n"
    table = "table: {columns: [node.door_closed, outcome], rows: [[false, match], [true, no-match], [_, unknown]]}"
    assert tested(f"  - {{name: c, rule: open_door, {table}}}\n", head).code == 0


def test_labels_that_a_case_gives_stand_against_the_node_of_the_defaults(tested: Run) -> None:
    head = "defaults: {node: {door_closed: true}}\n"
    given = "{snapshot: {labels: {door_closed: false}}}"
    assert tested(f"  - {{name: c, given: {given}, expect: {{rule: open_door, outcome: match}}}}\n", head).code == 0


@pytest.mark.parametrize(
    ("when", "rule", "outcome"),
    [
        ("2026-03-29 23:30 Europe/Berlin", "late", "match"),
        ("2026-03-29T21:30:00Z", "late", "match"),
        ("2026-03-29T21:30:00Z", "weekend", "match"),
        ("2026-03-29T22:30:00Z", "weekend", "no-match"),
        ("2026-03-28T22:30:00Z", "late", "match"),
        ("2026-07-01T19:59:00Z", "late", "no-match"),
        ("2026-07-01T20:00:00Z", "late", "match"),
    ],
)
def test_a_case_can_be_at_a_date_with_its_zone(tested: Run, when: str, rule: str, outcome: str) -> None:
    done = tested(f"  - {{name: c, at: '{when}', expect: {{rule: {rule}, outcome: {outcome}}}}}\n")
    assert done.code == 0, done.out


def test_rows_of_a_table_can_be_at_dates(tested: Run) -> None:
    rows = "[['2026-07-01 21:59 Europe/Berlin', no-match], ['2026-07-01 22:00 Europe/Berlin', match]]"
    table = f"table: {{columns: [at, outcome], rows: {rows}}}"
    assert tested(f"  - {{name: c, rule: late, {table}}}\n").code == 0


@pytest.mark.parametrize("when", ["2026-03-29 02:30 Europe/Berlin", "2026-10-25 02:30 Europe/Berlin", "22:00", "1h"])
def test_a_date_that_names_no_point_in_time_is_reported_at_its_place(tested: Run, when: str) -> None:
    done = tested(f"  - name: c\n    at: '{when}'\n    expect: {{rule: late, outcome: match}}\n")
    assert done.code == 1
    assert "hall.test.yaml:6:9" in done.out and "GPR403" in done.out


TIMES = ["true", ".nan", ".inf", "[1]", "{a: 1}", "1h", "'2026-03-29 23:30'", "23:30", "2026-13-01T00:00:00Z"]


@pytest.mark.parametrize("when", TIMES)
def test_a_time_that_cannot_be_read_fails_its_case_and_no_other(tested: Run, when: str) -> None:
    done = tested(
        f"  - name: bad\n    given: {{snapshot: {{timestamp: {when}}}}}\n    expect: {{rule: late, outcome: match}}\n"
        "  - {name: good, given: {node: {weekday: sun}}, expect: {rule: weekend, outcome: match}}\n"
    )
    assert done.code == 1
    assert "hall.test.yaml:6:35" in done.out
    assert done.err.strip().endswith("2 tests in 1 file: 1 failed")


def test_every_wrong_fact_of_a_case_is_found_where_it_stands(tested: Run) -> None:
    done = tested(
        "  - name: c\n"
        "    given:\n"
        "      node: {weekday: Sunday}\n"
        "      transfer: {size: -2GiB, priority: 1}\n"
        "      snapshot:\n"
        "        gpus:\n"
        "          - {index: 0, memory: 101%}\n"
        "          - {index: 0, inlet: 3%, hotness: 5}\n"
        "    expect: {rule: weekend, outcome: no-match}\n"
    )
    places = [line.split("hall.test.yaml:")[1] for line in done.out.splitlines() if "-->" in line]
    assert places == ["7:23", "8:24", "11:32", "12:21", "12:31", "12:35"]
    for said in ("did you mean 'sun'?", "0 or more", "0 to 100 %", "two GPUs have the index 0", "has no 'hotness'"):
        assert said in done.out


def test_a_wrong_fact_in_a_series_or_a_table_fails_at_it(tested: Run) -> None:
    series = tested(
        '  - name: c\n    series:\n      gpu[0].memory: "50% 120%x3"\n    expect: {rule: weekend, outcome: no-match}\n'
    )
    assert "hall.test.yaml:7:22" in series.out and "gpu_memory is 0 to 100 %, and this is 120%" in series.out
    table = tested(
        "  - name: c\n    rule: weekend\n    table:\n      columns: [node.weekday, outcome]\n"
        "      rows: [[sun, match], [Monday, no-match]]\n"
    )
    assert "hall.test.yaml:9:29" in table.out and "did you mean 'mon'?" in table.out
    assert table.err.strip().endswith("2 tests in 1 file: 1 failed")


def test_wrong_facts_of_the_defaults_are_one_finding_not_one_for_each_case(tested: Run) -> None:
    cases = "".join(f"  - {{name: c{n}, expect: {{rule: late, outcome: no-match}}}}\n" for n in range(5))
    done = tested(cases, "defaults: {node: {hour: 25}}\n")
    assert done.code == 1
    assert done.out.count("hour is 0 to 23, and this is 25") == 1
    assert "hall.test.yaml:4:25" in done.out


def test_an_age_in_a_case_stands_against_a_time_in_the_defaults(tested: Run) -> None:
    head = "defaults: {transfer: {created: 5}}\n"
    done = tested("  - {name: c, given: {transfer: {age: 5s}}, expect: {rule: late, outcome: no-match}}\n", head)
    assert done.code == 0, done.out


def test_testgen_writes_tests_of_declared_fields_of_the_node_and_they_pass(
    gpurules: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hall.rules.yaml").write_text(RULES)
    written = gpurules("testgen", "hall.rules.yaml", "-o", "hall.test.yaml")
    assert "rule coverage 0 → 100 %" in written.err, written.err
    text = (tmp_path / "hall.test.yaml").read_text()
    assert "given: {node: {door_closed: false}}" in text and "gpu[0].inlet" in text
    done = gpurules("test", "hall.test.yaml", "--coverage")
    assert done.code == 0 and "rule coverage 100 %" in done.out


def test_testgen_names_what_it_cannot_generate_and_does_not_count_it(
    gpurules: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rules = (
        "version: 1\nname: n\nrules:\n"
        "  - {name: odd, condition: \"path MATCHES '^x+(a|b)$'\", action: pause_transfer}\n"
        "  - {name: plain, condition: gpu_memory > 80, action: pause_transfer}\n"
    )
    (tmp_path / "n.rules.yaml").write_text(rules)
    written = gpurules("testgen", "n.rules.yaml", "-o", "n.test.yaml")
    assert "left out: odd: a case in which it matches: none was found" in written.err
    assert "rule coverage 0 → 50 %" in written.err
    assert "left out: a case in which it matches: none was found" in (tmp_path / "n.test.yaml").read_text()


def test_an_editor_shows_what_is_wrong_with_the_facts_of_cases(tmp_path: Path) -> None:
    (tmp_path / "hall.rules.yaml").write_text(RULES)
    path = tmp_path / "hall.test.yaml"
    case = "  - {name: c, given: {node: {weekday: Sunday}}, expect: {rule: weekend, outcome: match}}\n"
    text = f"kind: gpurules/test\nversion: 1\nrulesets: [hall.rules.yaml]\ncases:\n{case}"
    tests, ruleset, problems = examine(text, str(path))
    assert tests is not None and ruleset is not None and not problems
    (found,) = facts_of_cases(tests, ruleset)
    assert (found.code, found.line, found.column, found.hint) == ("GPR403", 5, 39, "did you mean 'sun'?")


def test_eval_and_explain_without_a_time_are_of_now_and_say_so_where_it_matters(
    gpurules: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hall.rules.yaml").write_text(RULES)
    now = f"taken as of now: {datetime.now(UTC).year}-"
    assert now in gpurules("eval", "hour >= 0").err
    assert now in gpurules("eval", "-r", "hall.rules.yaml").err
    assert now in gpurules("explain", "hall.rules.yaml", "late", "--snapshot", "{}").err
    assert now in gpurules("eval", "gpu_count == 0", "--transfer", '{"age": "5s"}').err
    assert gpurules("eval", "gpu_count == 0", "--snapshot", "{}").err == ""
    timed = gpurules("eval", "hour == 23", "--snapshot", '{"timestamp": "2026-03-29T23:30:00Z"}')
    assert (timed.out, timed.err) == ("true\n", "")


def test_wrong_facts_on_the_command_line_end_it_with_all_that_is_wrong(gpurules: Run) -> None:
    done = gpurules("eval", "gpu_memory > 80", "--snapshot", '{"gpu": []}', "--node", '{"hour": 25}')
    assert done.code == 2 and done.out == ""
    assert "did you mean 'gpus'?" in done.err and "hour is 0 to 23" in done.err


def test_wrong_facts_of_transfers_that_are_played_are_named(gpurules: Run, tmp_path: Path) -> None:
    path = tmp_path / "transfers.jsonl"
    path.write_text('{"id": "a", "size": "4GiB", "file_typ": "model"}\n{"id": "b", "size": -4}\n')
    done = gpurules("run", "gpurules:default", "--source", "synthetic:gpus=1,seconds=30", "--transfers", path)
    assert done.code == 0 and "2 transfers" in done.out
    assert "transfers.jsonl:1: transfer.file_typ: " in done.err and "transfers.jsonl:2: transfer.size: " in done.err
