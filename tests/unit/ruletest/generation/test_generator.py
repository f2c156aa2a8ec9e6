"""Tests that are written for rules: they cover them, they pass, and they say what they leave out."""

import pytest

from gpurules.rules import load, shipped_names
from gpurules.ruletest import read_tests
from gpurules.ruletest.coverage.coverage import Coverage
from gpurules.ruletest.execution.assertions import check_case
from gpurules.ruletest.generation.generator import GeneratedTests, generate_tests
from tests.factories import ruleset

LIMIT = "action: limit_concurrency, parameters: {max_concurrency: 2}"


def of(condition: str, more: str = "") -> GeneratedTests:
    return generate_tests(ruleset(f'  - {{name: a, condition: "{condition}"{more}, {LIMIT}}}\n'), Coverage())


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_written_for_a_shipped_ruleset_passes_and_covers_it(name: str) -> None:
    rules = load(name if name.startswith("gpurules:") else f"gpurules:{name}")
    found = generate_tests(rules, Coverage())
    assert found.coverage.measures == dict.fromkeys(found.before, 100)
    tests, problems = read_tests(found.text("x.rules.yaml"), "x.test.yaml")
    assert problems == () and tests is not None
    coverage = Coverage()
    assert [case.name for case in tests.cases if check_case(case, rules, coverage).failures] == []
    assert coverage.measures["unknown_paths"] == 100


def test_a_fact_that_is_always_known_has_no_row_without_it() -> None:
    (case,) = [case for case in of("pending_transfers > 20").rules[0].cases if case.rows]
    assert case.rows == [("19", "no-match"), ("20", "no-match"), ("21", "match")]


def test_the_other_facts_of_a_table_let_its_part_decide() -> None:
    tables = [case for case in of("gpu_memory > 80 AND file_type == 'model'").rules[0].cases if case.rows]
    assert [(case.given, case.columns[0]) for case in tables] == [
        ({"snapshot": {"gpus": [{"index": 0}]}, "transfer": {"file_type": "model"}}, "gpu[0].memory"),
        ({"snapshot": {"gpus": [{"index": 0, "memory": "81%"}]}}, "transfer.file_type"),
    ]


def test_a_window_of_one_sample_is_tried_at_its_limit_too() -> None:
    (table,) = [case for case in of("avg_over_time(gpu_power[1m]) > 300W").rules[0].cases if case.rows]
    assert [row[:2] for row in table.rows] == [
        ("299W", "no-match"), ("300W", "no-match"), ("301W", "match"), ("_", "unknown"),
    ]  # fmt: skip


def test_a_case_says_what_it_shows_or_is_left_out() -> None:
    (one,) = of("rate(gpu_pcie_rx[1m]) > 3").rules
    assert [case.expect["outcome"] for case in one.cases if case.expect] == ["unknown"]
    assert one.cases[0].name == "a does not match without history"
    assert [case.name for case in one.cases if case.series] == ["a follows rate(gpu_pcie_rx[…])"]
    assert one.left_out == []


def test_disabled_rules_are_left_out_and_named() -> None:
    assert of("gpu_memory > 80", ", enabled: false").left_out == ["a, disabled."]
