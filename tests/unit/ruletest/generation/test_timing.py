"""Series that are written for rules: timers, cooldowns and windows, as the engine plays them."""

import pytest

from gpurules.rules import Ruleset
from gpurules.ruletest.coverage.coverage import Coverage
from gpurules.ruletest.generation.generator import generate_tests
from gpurules.ruletest.generation.timing import TimedTests, timed_tests
from gpurules.ruletest.generation.writing import WrittenTest
from tests.factories import ruleset

LIMIT = "action: limit_concurrency, parameters: {max_concurrency: 2}"
HOOK = "action: webhook, parameters: {url: 'https://example.org/x'}"


def of(rules: Ruleset, coverage: Coverage | None = None) -> TimedTests:
    return timed_tests(rules.rules[0], rules, coverage or Coverage(), set())


def only(rules: Ruleset) -> WrittenTest:
    (case,) = of(rules).cases
    return case


def outcomes(case: WrittenTest) -> list[tuple[object, object, object]]:
    return [(expect["at"], expect["outcome"], expect.get("because")) for expect in case.expects]


def test_a_for_is_held_back_until_its_time_and_then_matches() -> None:
    case = only(ruleset(f"  - {{name: a, condition: gpu_temperature > 85, for: 20s, {LIMIT}}}\n"))
    assert case.series == {"gpu[0].temperature": "85C 86Cx5 85Cx2"}
    assert outcomes(case) == [
        ("0s", "no-match", None),
        ("5s", "suppressed", "for"),
        ("20s", "suppressed", "for"),
        ("25s", "match", None),
        ("30s", "no-match", None),
    ]
    assert case.expects[3]["decision"] == {"max_concurrency": 2}


def test_an_until_holds_between_the_two_thresholds_and_keep_for_behind_them() -> None:
    timers = "until: gpu_memory < 75, keep_for: 10s"
    case = only(ruleset(f"  - {{name: a, condition: gpu_memory > 85, {timers}, {LIMIT}}}\n"))
    assert case.name == "a stays until its end is reached and is kept for 10s"
    assert case.series == {"gpu[0].memory": "74% 86% 75%x2 74%x7"}
    assert case.interval == 2  # 10 s in four parts or more
    assert outcomes(case) == [
        ("0s", "no-match", None), ("2s", "match", None), ("16s", "match", None), ("18s", "no-match", None),
    ]  # fmt: skip


def test_the_rest_of_a_condition_holds_all_the_time() -> None:
    head = "signals: {hot: {condition: gpu_temperature > 85, for: 10s}}"
    case = only(ruleset(f"  - {{name: a, condition: hot AND file_type == 'model', {LIMIT}}}\n", head))
    assert case.given["transfer"] == {"file_type": "model"}
    assert list(case.series) == ["gpu[0].temperature"]


def test_gpus_of_a_workload_are_given_as_such() -> None:
    head = "signals: {hot: {condition: gpu_temperature > 85, for: 10s}}"
    case = only(ruleset(f"  - {{name: a, condition: hot, gpus: workload, {LIMIT}}}\n", head))
    assert case.given["workload"] == {"gpu_devices": [0]}
    assert "match" in {outcome for _, outcome, _ in outcomes(case)}


def test_a_cooldown_holds_a_start_back_and_lets_the_next_one_go() -> None:
    case = only(ruleset(f"  - {{name: a, condition: gpu_power > 300W, cooldown: 1m, {HOOK}}}\n"))
    assert [one for one in outcomes(case) if one[1] != "no-match"] == [
        ("5s", "match", None), ("60s", "suppressed", "cooldown"), ("70s", "match", None),
    ]  # fmt: skip


def test_a_window_fills_with_other_samples() -> None:
    case = only(ruleset(f'  - {{name: a, condition: "avg_over_time(gpu_power[20s]) > 300W", {LIMIT}}}\n'))
    assert case.series == {"gpu[0].power": "300Wx5 301Wx5 300Wx5"}
    assert outcomes(case)[1][:2] == ("25s", "match")


@pytest.mark.parametrize(
    ("condition", "path", "series"),
    [
        ("rate(gpu_pcie_rx[20s]) > 3", "gpu[0].pcie_rx", "0x5 18.8+18.8x5 94x5"),
        ("20 < delta(gpu_temperature[20s]) AND file_type == 'model'", "gpu[0].temperature", "-50x5 -41+9x5 -5x5"),
        ("delta(pending_transfers[20s]) >= 20", "node.pending_transfers", "0x5 9+9x5 45x5"),
    ],
)
def test_a_reading_rises_where_that_is_waited_for(condition: str, path: str, series: str) -> None:
    case = only(ruleset(f'  - {{name: a, condition: "{condition}", {LIMIT}}}\n'))
    assert case.series == {path: series}
    reported = [outcome for _, outcome, _ in outcomes(case)]
    assert "match" in reported and reported[-1] == "no-match"


@pytest.mark.parametrize(
    ("condition", "more"),
    [
        ("stddev_over_time(gpu_power[1m]) > 3", ""),  # the readings have to differ in a way of their own
        ("delta(gpu_memory[1m]) > 99", ""),  # which leaves the range
        ("host == 'a' AND gpu_power > 300W", ", cooldown: 1m"),  # a fact of the snapshot is not a series
    ],
)
def test_what_cannot_be_written_is_said(condition: str, more: str) -> None:
    found = of(ruleset(f'  - {{name: a, condition: "{condition}"{more}, {HOOK}}}\n'))
    assert (found.cases, len(found.left_out)) == ([], 1)


def test_what_tests_have_seen_is_not_written_again() -> None:
    rules = ruleset(f"  - {{name: a, condition: gpu_temperature > 85, for: 20s, {LIMIT}}}\n")
    coverage = Coverage()
    assert len(of(rules, coverage).cases) == 1
    assert of(rules, coverage).cases == []


def test_a_signal_is_shown_by_one_of_its_rules() -> None:
    head = "signals: {hot: {condition: gpu_temperature > 85, for: 10s}}"
    rules = ruleset(f"  - {{name: a, condition: hot, {LIMIT}}}\n  - {{name: b, condition: hot, {LIMIT}}}\n", head)
    found = generate_tests(rules, Coverage())
    assert [len([case for case in one.cases if case.series]) for one in found.rules] == [1, 0]


@pytest.mark.parametrize("off", [", enabled: false", ", mode: shadow"])
def test_a_rule_that_does_nothing_has_none(off: str) -> None:
    rules = ruleset(f"  - {{name: a, condition: gpu_temperature > 85, for: 20s{off}, {LIMIT}}}\n")
    assert of(rules).cases == []
