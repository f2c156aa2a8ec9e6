"""``gpurules import``: rules of Prometheus become a ruleset, exactly or not at all."""

from pathlib import Path
from typing import Any

import pytest

from gpurules.rules import load
from tests.integration.telemetry.test_scrape import exporter


def rule(expression: str, name: str = "SomeAlert", wait: str = "0s") -> str:
    return f"  - alert: {name}\n    expr: |-\n      {expression}\n    for: {wait}\n"


def file_of(*rules: str) -> str:
    return "groups:\n- name: g\n  rules:\n" + "".join(rules)


def imported(gpurules: Any, folder: Path, text: str) -> tuple[int, dict[str, str], str]:
    """Return the exit code, the conditions by the name of their rule, and what is written to stderr."""
    source, target = folder / "rules.yml", folder / "node.rules.yaml"
    source.write_text(text)
    done = gpurules("import", "prometheus", source, "-o", target)
    assert "Traceback" not in done.err
    return done.code, {r.name: r.text for r in load(target).rules}, done.err


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("DCGM_FI_DEV_GPU_TEMP > 85", "gpu_temperature > 85"),
        ("nvidia_smi_utilization_gpu_ratio > 0.55", "gpu_utilization > 55"),
        ("DCGM_FI_DEV_FB_FREE < 1024", "gpu_memory_free < 1GiB"),
        ("DCGM_FI_DEV_CLOCKS_EVENT_REASONS >= 64", "gpu_throttle_hw_thermal OR gpu_throttle_hw_power_brake"),
        ("DCGM_FI_DEV_ROW_REMAP_FAILURE > 0", "gpu_row_remap_failure"),
        ('DCGM_FI_DEV_GPU_TEMP{gpu="1", job="dcgm"} > 85', "gpu_index == 1 AND gpu_temperature > 85"),
        ("count by (instance) (DCGM_FI_DEV_GPU_TEMP > 80) < 2",
         "count(gpu_temperature > 80) > 0 AND count(gpu_temperature > 80) < 2"),
        ("avg_over_time(DCGM_FI_DEV_GPU_TEMP[5m]) > 80", "avg_over_time(gpu_temperature[5m1ms]) > 80"),
    ],
)  # fmt: skip
def test_an_expression_becomes_the_condition_that_means_the_same(
    expression: str, condition: str, gpurules: Any, tmp_path: Path
) -> None:
    code, rules, _ = imported(gpurules, tmp_path, file_of(rule(expression)))
    assert (code, rules) == (0, {"some_alert": condition})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("DCGM_FI_DEV_GPU_TEMP > 85 and nvidia_smi_power_draw_watts > 300", "it can never fire"),
        ("avg by (instance) (DCGM_FI_DEV_GPU_UTIL) < 5 and DCGM_FI_DEV_GPU_TEMP > 80", "it can never fire"),
        ("DCGM_FI_DEV_GPU_TEMP offset 5m > 85", "offset has no counterpart"),
        ("max_over_time((DCGM_FI_DEV_GPU_TEMP > 80)[5m:1m]) > 85", "looks at a computed range"),
        ("sum by (pod) (DCGM_FI_DEV_GPU_UTIL) > 50", "it groups by pod, which a GPU does not have"),
        ("topk(3, DCGM_FI_DEV_GPU_TEMP) > 80", "topk() has no counterpart"),
        ("DCGM_FI_DEV_CLOCKS_EVENT_REASONS > 0", "does not name reasons one by one"),
        ('up{job="mysql"} == 0', "not an exporter of GPUs"),
        ('DCGM_FI_DEV_GPU_TEMP{namespace="x"} > 85', "a label that GPUs do not have here"),
        ("(DCGM_FI_DEV_GPU_TEMP > bool 85) == 1", "`bool` makes a number of a comparison"),
        ("DCGM_FI_DEV_GPU_TEMP >", "invalid promql query"),
        ("DCGM_FI_DEV_GPU_TEMP > 85 and on (job) DCGM_FI_DEV_GPU_UTIL > 1", "does not identify them"),
        ("vector(1)", "vector() has no counterpart"),
        ("(" * 500 + "up" + ")" * 500, "nested deeper than"),
        ("up > 0 and " * 1000 + "up > 0", "longer than"),
    ],
)
def test_what_has_no_exact_counterpart_is_left_out_with_its_reason(
    expression: str, reason: str, gpurules: Any, tmp_path: Path
) -> None:
    code, rules, reported = imported(gpurules, tmp_path, file_of(rule(expression)))
    assert (code, rules) == (1, {})
    assert reason in reported and "left out: SomeAlert" in reported
    text = (tmp_path / "node.rules.yaml").read_text()
    assert "# left out: SomeAlert" in text and "#   expr: " in text
    again = gpurules("import", "prometheus", tmp_path / "rules.yml", "--partial")
    assert again.code == 0


def test_absence_becomes_the_age_of_telemetry_without_a_timer(gpurules: Any, tmp_path: Path) -> None:
    text = file_of(
        rule("absent(DCGM_FI_DEV_GPU_TEMP)", "Gone", "10m"),
        rule('up{job="dcgm-exporter"} == 0', "ExporterDown", "2m"),
    )
    code, rules, _ = imported(gpurules, tmp_path, text)
    assert (code, rules) == (0, {"gone": "telemetry_age > 10m", "exporter_down": "telemetry_age > 2m"})
    assert all(r.signal is None for r in load(tmp_path / "node.rules.yaml").rules)


def test_a_file_about_two_vendors_has_conditions_on_the_vendor(gpurules: Any, tmp_path: Path) -> None:
    text = file_of(rule("DCGM_FI_DEV_GPU_TEMP > 85", "A"), rule("rocm_smi_dummy > 1 and rocm_smi_dummy < 5", "B"))
    _, rules, _ = imported(gpurules, tmp_path, text)
    assert rules["a"] == "gpu_vendor == 'nvidia' AND (gpu_temperature > 85)"


def test_name_timers_severity_and_annotations_are_kept(gpurules: Any, tmp_path: Path) -> None:
    lines = (
        "- alert: GPUTooHot", "  expr: DCGM_FI_DEV_GPU_TEMP > 85", "  for: 1h30m", "  keep_firing_for: 5m",
        "  labels: {severity: warning, team: ml}", "  annotations: {summary: 'a \"b\" {{ $x }}'}",
    )  # fmt: skip
    source = tmp_path / "rules.yml"
    source.write_text(file_of(*(f"  {line}\n" for line in lines)))
    gpurules("import", "prometheus", source, "-o", tmp_path / "x.rules.yaml")
    (made,) = load(tmp_path / "x.rules.yaml").rules
    assert made.name == "gpu_too_hot"
    assert dict(made.annotations) == {
        "alertname": "GPUTooHot", "severity": "warning", "team": "ml", "summary": 'a "b" {{ $x }}',
    }  # fmt: skip
    signal = load(tmp_path / "x.rules.yaml").signals[made.signal or ""]
    assert (signal.for_seconds, signal.keep_for_seconds) == (5400, 300)


def test_an_unused_recording_rule_is_left_out_and_a_used_one_is_put_in_place(gpurules: Any, tmp_path: Path) -> None:
    records = "".join(
        f"  - record: {name}\n    expr: DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)\n"
        for name in ("gpu:share", "gpu:unused")
    )
    code, rules, reported = imported(gpurules, tmp_path, file_of(records, rule("gpu:share > 0.9")))
    assert code == 1 and "left out: gpu:unused" in reported and "gpu:share" not in reported
    assert rules == {"some_alert": "(gpu_memory_used / (gpu_memory_used + gpu_memory_free)) > 0.9"}


@pytest.mark.parametrize(
    "text", ["", "a: b\n", "groups: 7\n", "groups: [1, {rules: [2, {alert: x}]}]\n", "{", "groups:\n- rules: {a: b}\n"]
)
def test_what_is_no_rule_file_is_answered(text: str, gpurules: Any, tmp_path: Path) -> None:
    source = tmp_path / "x.yml"
    source.write_text(text)
    done = gpurules("import", "prometheus", source)
    assert done.code in (0, 1, 2) and "Traceback" not in done.err + done.out
    assert done.code or "0 of 0 rules" in done.err


def test_two_series_of_one_metric_become_two_fields(gpurules: Any, tmp_path: Path) -> None:
    text = file_of(
        rule("sum(gpu_cost) > 100", "All"), rule('sum(gpu_cost{class="low"}) > 20', "Low"), rule("gpu_cost > 5", "One")
    )
    code, rules, reported = imported(gpurules, tmp_path, text)
    made = load(tmp_path / "node.rules.yaml")
    assert code == 0 and "has to name" not in reported
    assert rules == {
        "all": "sum(gpu_cost_sum) > 100",
        "low": "sum(gpu_cost_sum_2) > 20",
        "one": "gpu_cost_max > 5",
    }
    assert set(made.fields) >= {"gpu_cost_sum", "gpu_cost_sum_2", "gpu_cost_max"}
    assert (
        'gpu_cost_sum_2: {type: number, scope: gpu, from: {prometheus: "gpu_cost{class=\\"low\\"}", aggregate: sum}}'
        in (tmp_path / "node.rules.yaml").read_text()
    )


def test_a_metric_of_many_series_of_a_node_is_reduced_by_what_decides(gpurules: Any, tmp_path: Path) -> None:
    text = file_of(rule("node_disk_fill_ratio > 0.9", "Full"), rule("node_disk_free < 10", "Short"))
    code, _, reported = imported(gpurules, tmp_path, text)
    written = (tmp_path / "node.rules.yaml").read_text()
    assert code == 0 and "its labels are lost" in reported
    assert 'from: {prometheus: "node_disk_fill_ratio", aggregate: max}' in written
    assert 'from: {prometheus: "node_disk_free", aggregate: min}' in written


RESOURCE = """apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: %s, labels: {release: prometheus}}
spec:
  groups:
  - name: g
    interval: 30s
    rules:
    - {alert: %s, expr: DCGM_FI_DEV_GPU_TEMP > %d, for: 5m, labels: {severity: critical}}
"""


def test_a_resource_of_kubernetes_is_a_rule_file(gpurules: Any, tmp_path: Path) -> None:
    assert imported(gpurules, tmp_path, RESOURCE % ("a", "Hot", 85))[:2] == (0, {"hot": "gpu_temperature > 85"})
    assert load(tmp_path / "node.rules.yaml").rules[0].signal is not None, "it waits for five minutes"


def test_a_list_of_resources_as_kubectl_prints_it_is_read_whole(gpurules: Any, tmp_path: Path) -> None:
    items = [RESOURCE % ("a", "Hot", 85), RESOURCE % ("b", "VeryHot", 95)]
    indented = ["- " + item.rstrip("\n").replace("\n", "\n  ") + "\n" for item in items]
    found = imported(gpurules, tmp_path, "apiVersion: v1\nkind: List\nitems:\n" + "".join(indented))
    assert found[:2] == (0, {"hot": "gpu_temperature > 85", "very_hot": "gpu_temperature > 95"})


@pytest.mark.parametrize(
    "text",
    ["kind: List\nitems: []\n", "kind: List\nitems:\n- {kind: ConfigMap, data: {}}\n", f"{RESOURCE}---\n{RESOURCE}"],
)
def test_a_list_with_something_else_is_refused(text: str, gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(text.replace("%s", "a").replace("%d", "85"))
    done = gpurules("import", "prometheus", tmp_path / "rules.yml")
    assert done.code != 0 and done.out == "" and ("groups" in done.err or "several documents" in done.err)


def test_an_imported_alert_on_a_metric_of_the_node_fires_on_what_a_page_says(gpurules: Any, tmp_path: Path) -> None:
    text = file_of(rule('node_disk_fill_ratio{mountpoint="/scratch"} > 0.9', "ScratchFull"))
    assert imported(gpurules, tmp_path, text)[0] == 0
    page = 'node_disk_fill_ratio{mountpoint="/scratch"} %s\nnode_disk_fill_ratio{mountpoint="/"} 0.99\n'
    outcomes = []
    for fill in ("0.5", "0.95", "NaN"):
        with exporter(page % fill) as address:
            options = ("--source", f"scrape:http://{address}/metrics", "--once", "--format", "json")
            done = gpurules("run", tmp_path / "node.rules.yaml", *options)
        outcomes.append("scratch_full" in done.out)
        assert done.code == 0, done.err
    assert outcomes == [False, True, False]


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("my_load * -1 > -5", "(my_load * (-1)) > (-5)"),
        ("my_used / my_size * 100 >= 57", "(((my_used / my_size) * 100) >= 57 OR (my_size == 0 AND my_used > 0))"),
        ("my_wanted > my_limit * 1.2", "my_wanted > (my_limit * 1.2)"),
        ("my_queue > 5 and my_other < 3", "(my_queue > 5) AND (my_other < 3)"),
        ("my_queue > 5 and on (instance) my_other < 3", "(my_queue_max > 5) AND (my_other_min < 3)"),
        ("my_state != 1", "my_state_min != 1 OR my_state_max != 1"),
        ("DCGM_FI_DEV_FB_USED / DCGM_FI_DEV_FB_TOTAL > 0.9", "(gpu_memory_used / gpu_memory_total) > 0.9"),
        ("DCGM_FI_DEV_FB_USED / 1024 >= 70", "gpu_memory_used >= 70GiB"),
    ],
)
def test_limits_zeros_and_several_series_keep_their_meaning(
    expression: str, condition: str, gpurules: Any, tmp_path: Path
) -> None:
    code, rules, _ = imported(gpurules, tmp_path, file_of(rule(expression, "Alert")))
    assert (code, rules) == (0, {"alert": condition})
