"""Tests of rules run, pass and fail."""

import re
from pathlib import Path

import pytest

from gpurules.ruletest import FileResult, read_tests, run_file

RULES = """\
version: 1
name: node
fields: {tenant: {type: string, scope: transfer}}
signals:
  pressure: {condition: gpu_memory > 85, until: gpu_memory < 75, for: 10s}
rules:
  - {name: held, condition: gpu_memory > 85, for: 30s, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
  - name: model
    condition: gpu_memory > 80 AND file_type == 'model'
    action: increase_priority
    parameters: {priority_boost: 50}
  - {name: hot, condition: gpu_temperature > 87, action: delay_transfer, parameters: {delay: 30s}, priority: 5}
  - {name: large, condition: transfer_size > 100MB AND gpu_temperature <= 87, action: stage_transfer}
  - {name: page, condition: gpu_temperature > 95, cooldown: 1m, action: webhook, parameters: {url: 'https://example.org/'}}
  - {name: quiet, condition: gpu_temperature > 87, mode: shadow, action: pause_transfer}
  - {name: off, condition: gpu_temperature > 87, enabled: false, action: pause_transfer}
  - {name: last, condition: gpu_temperature > 99, stop: true, priority: 9, action: pause_transfer}
  - {name: pressed, condition: pressure AND tenant == 'batch', action: pause_transfer, priority: -1}
  - {name: own, condition: gpu_temperature > 89 AND workload_age > 1m, gpus: workload, action: pause_transfer}
"""
HEAD = """\
kind: gpurules/test
version: 1
rulesets: [node.rules.yaml]
defaults:
  snapshot: {gpus: [{index: 0, memory: 40%, temperature: 50C}]}
  transfer: {file_type: dataset, size: 1GiB}
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "node.rules.yaml").write_text(RULES)
    return tmp_path


def run(here: Path, text: str, wanted: str | None = None) -> FileResult:
    (here / "x.test.yaml").write_text(HEAD + text)
    return run_file(str(here / "x.test.yaml"), re.compile(wanted) if wanted else None)


def case(series: str, *expect: str) -> str:
    return f"cases:\n  - name: c\n    series: {{{series}}}\n    expect: [{', '.join(f'{{{e}}}' for e in expect)}]\n"


PASSING = {
    "for": case(
        "'gpu[0].memory': 70% 86%x12",
        "at: 0s, rule: held, outcome: no-match",
        "at: 20s, rule: held, outcome: suppressed, because: for",
        "at: 40s, rule: held, outcome: match, devices: [0], decision: {prefetch_factor: 50%}".replace("50%", "0.5"),
    ),
    "cooldown": case(
        "'gpu[0].temperature': 90 96 90 96 90x12 96",
        "at: 5s, rule: page, outcome: match",
        "at: 15s, rule: page, outcome: suppressed, because: cooldown",
        "at: 80s, rule: page, outcome: match",
    ),
    "stop": case("'gpu[0].temperature': 100", "rule: hot, outcome: suppressed, because: stop"),
    "shadow": case("'gpu[0].temperature': 90", "rule: quiet, outcome: suppressed, because: shadow"),
    "disabled": case("'gpu[0].temperature': 90", "rule: off, outcome: suppressed, because: disabled"),
    "missing": case("'gpu[0].temperature': 90 _", "rule: hot, outcome: unknown"),
    "gone": case("'gpu[0].temperature': 90 gone", "rule: hot, outcome: unknown"),
    "stale": case("'gpu[0].temperature': 90 stalex9", "rule: hot, outcome: match, decision: {stale: true, delay: 30s}"),
    "two GPUs": case("'gpu[0].memory': 90, 'gpu[1].temperature': 90", "rule: hot, devices: [1]"),
    "signals and labels": case(
        "'gpu[0].memory': 90x9, transfer.tenant: batch",
        "at: 5s, rule: pressed, outcome: no-match",
        "at: 10s, rule: pressed, outcome: match",
    ),
    "matched": case("'gpu[0].temperature': 90", "matched: [hot], decision: {delay: 30, paused: false, stage: null}"),
    "stage": case("'gpu[0].temperature': 60", "decision: {stage: {rule: large, on_full: direct}}"),
    "a path implies the type": "cases:\n  - name: c\n"
    "    given: {transfer: {path: /m/model-00001.safetensors}, snapshot: {gpus: [{index: 0, memory: 81%}]}}\n"
    "    expect: {rule: model, outcome: match, decision: {priority_boost: 50}}\n",
    "a workload has GPUs": "cases:\n  - name: c\n    given: {workload: {gpu_devices: [0], type: training, age: 5m}}\n"
    "    series: {'gpu[0].temperature': 90}\n    expect: {rule: own, outcome: match, devices: [0]}\n"
    "  - name: d\n    series: {'gpu[0].temperature': 90}\n    expect: {rule: own, outcome: no-match}\n",
    "table": "cases:\n  - name: c\n    rule: model\n    table:\n"
    "      columns: [gpu[0].memory, transfer.file_type, outcome]\n"
    "      rows: [[80%, model, no-match], [80.1%, model, match], [95%, dataset, no-match], [_, model, unknown]]\n",
    "property": "properties:\n  - {name: p, always: {if: gpu_temperature > 90, some_match: [hot, last]}}\n"
    "  - {name: q, never: {if: gpu_temperature <= 80, all_match: [large], none_match: [large]}}\n",
}


@pytest.mark.parametrize("name", sorted(PASSING))
def test_it_passes(here: Path, name: str) -> None:
    result = run(here, PASSING[name])
    assert [(f.expected, f.got) for done in result.results for f in done.failures] == []
    assert result.is_good and result.results


FAILING = {
    "outcome": (case("'gpu[0].memory': 86", "rule: held, outcome: match"), "match", "suppressed because: for"),
    "because": (
        case("'gpu[0].memory': 86", "rule: held, because: stop"),
        "suppressed because: stop",
        "suppressed because: for",
    ),
    "devices": (case("'gpu[0].temperature': 90", "rule: hot, devices: [1]"), "devices: 1", "devices: 0"),
    "decision": (case("'gpu[0].temperature': 90", "decision: {delay: 31s}"), "decision.delay: 31s", "30"),
    "matched": (case("'gpu[0].temperature': 90", "matched: [large]"), "matched: large", "hot"),
    "too late": (case("'gpu[0].temperature': 90", "at: 1h, rule: hot"), "a sample at 3600 s", "ends at 0 s"),
    "unit": (case("'gpu[0].temperature': 90W", "rule: hot"), "valid facts", "temperature is in celsius"),
    "unknown fact": (
        case("'gpu[0].temprature': 90", "rule: hot"),
        "valid facts",
        "did you mean 'temperature'",
    ),
    "never": (
        "properties:\n  - {name: p, never: {all_match: [large, hot]}}\n",
        "never: all of large, hot match",
        "hot, large",
    ),
    "always": (
        "properties:\n  - {name: p, always: {if: gpu_temperature > 85, some_match: [hot, last]}}\n",
        "always where gpu_temperature > 85: some of hot, last match",
        "GPU 0: temperature 87 C: no rule matched",
    ),
    "a condition that is wrong": (
        "properties:\n  - {name: p, always: {if: gpu_tmp > 85, some_match: [hot]}}\n",
        "a proof",
        "no field",
    ),
    "no recording": ("replay:\n  - {name: r, history: none.jsonl, expect: {rule: hot}}\n", "a recording", "none.jsonl"),
}


@pytest.mark.parametrize("name", sorted(FAILING))
def test_it_fails(here: Path, name: str) -> None:
    text, expected, got = FAILING[name]
    (done,) = run(here, text).results
    (failure, *_) = done.failures
    assert failure.expected == expected
    assert got in failure.got


def test_a_replay_counts_matches_and_flaps(here: Path) -> None:
    lines = [
        f'{{"timestamp": {n * 60}, "gpus": [{{"index": 0, "temperature": {t}}}]}}\n'
        for n, t in enumerate([80, 90, 80, 90, 80, 90, 80] + [80] * 60)
    ]
    (here / "h.jsonl").write_text("".join(lines))
    replay = (
        "replay:\n  - {name: r, history: h.jsonl, expect: {rule: hot, matches_between: [%s], max_flaps_per_hour: %s}}\n"
    )
    assert run(here, replay % ("3, 3", 2)).is_good
    failed = run(here, replay % ("1, 2", 1)).results[0].failures
    assert [f.got for f in failed] == ["3 in 67 snapshots", "1.82"]


def test_a_replay_reports_what_of_the_recording_it_could_not_use(here: Path) -> None:
    (here / "h.csv").write_text("timestamp, index, temperature.gpu\ntorn\n2026/01/01 00:00:00.000, 0, 90\n")
    replay = "replay:\n  - {name: r, history: h.csv, expect: {rule: hot, matches_between: [1, 1]}}\n"
    (done,) = run(here, replay).results
    assert done.note is not None
    assert "1 not used, first" in done.note
    assert "h.csv:2: 1 cells for 3 columns" in done.note


@pytest.mark.parametrize("length", [1, 400])
def test_a_replay_over_which_the_rule_is_never_known_fails(here: Path, length: int) -> None:
    lines = [f'{{"timestamp": {60 * n}, "gpus": [{{"index": 0, "memory": 5}}]}}\n' for n in range(length)]
    (here / "h.jsonl").write_text("".join(lines))
    replay = "replay:\n  - {name: r, history: h.jsonl, expect: {rule: hot, matches_between: [0, 0]}}\n"
    (failure,) = run(here, replay).results[0].failures
    assert failure.expected == "a history over which hot is known"
    assert failure.got.startswith(f"unknown in {length} snapshots: gpu_temperature is missing")


def test_a_replay_in_which_one_gpu_reports_is_known(here: Path) -> None:
    gpus = '[{"index": 0}, {"index": 1, "temperature": 50}]'
    (here / "h.jsonl").write_text(f'{{"timestamp": 0, "gpus": {gpus}}}\n')
    assert run(here, "replay:\n  - {name: r, history: h.jsonl, expect: {rule: hot, matches_between: [0, 0]}}\n").is_good


WRONG = {
    "GPR401": ("cases:\n  - {name: c, expct: []}\n", "did you mean 'expect'?"),
    "GPR402": ("cases:\n  - {name: c}\n", None),
    "GPR403": ("cases:\n  - {name: c, expect: [{outcome: mach}]}\n", "did you mean 'match'?"),
    "GPR807": ("cases:\n  - {name: c, expect: []}\n  - {name: c, expect: []}\n", "rename one of them"),
    "GPR808": ("cases:\n  - {name: c, expect: [{rule: hott}]}\n", "did you mean 'hot'?"),
    "GPR104": ("interval: 5C\n", "write 30s"),
    "GPR001": ("cases: [\n", None),
}


@pytest.mark.parametrize("code", sorted(WRONG))
def test_what_is_wrong_about_a_file_is_found(here: Path, code: str) -> None:
    text, hint = WRONG[code]
    result = run(here, text)
    assert not result.is_good
    assert code in [d.code for d in result.diagnostics]
    assert hint is None or hint in [d.hint for d in result.diagnostics]


@pytest.mark.parametrize("text", ["", "- 1", "a", "version: 1", "kind: gpurules/ruleset\n"])
def test_another_file_is_no_test(text: str) -> None:
    tests, problems = read_tests(text, "x.test.yaml")
    assert tests is None
    assert "GPR405" in [d.code for d in problems]


def test_a_ruleset_that_does_not_load_says_why(here: Path) -> None:
    (here / "node.rules.yaml").write_text(RULES.replace("gpu_temperature > 99", "gpu_temp > 99"))
    assert [d.code for d in run(here, PASSING["stop"]).diagnostics] == ["GPR101"]


def test_several_rulesets_are_tested_together(here: Path) -> None:
    (here / "y.rules.yaml").write_text(
        "version: 1\nname: y\nrules:\n  - {name: more, condition: gpu_memory > 1, action: pause_transfer}\n"
    )
    text = HEAD.replace("[node.rules.yaml]", "[node.rules.yaml, y.rules.yaml]")
    (here / "x.test.yaml").write_text(text + case("'gpu[0].memory': 50", "matched: [large, more]"))
    assert run_file(str(here / "x.test.yaml")).is_good


def test_only_some_are_run_and_then_nothing_is_required(here: Path) -> None:
    text = PASSING["property"] + "require: {rule_coverage: 100}\n"
    result = run(here, text, "^p$")
    assert [done.name for done in result.results] == ["p"]
    assert result.is_good
    assert run(here, text).unmet == ["rule_coverage is 0 %, but 100 % is required"]


def test_coverage_counts_rules_parts_thresholds_and_missing_facts(here: Path) -> None:
    result = run(here, PASSING["table"])
    gaps = list(result.coverage.gaps())
    assert "hot: no test covers it" in gaps
    assert not any(gap.startswith("model: gpu_memory") for gap in gaps)
    assert "model: file_type == 'model' is never tested with its facts missing" in gaps
    assert result.coverage.measures["boundary"] == 100
