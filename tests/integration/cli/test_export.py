"""``gpurules export``: files that other tools read."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gpurules.backends.promql import GPU_METRICS
from gpurules.engine import Coordinator
from gpurules.interop.prometheus import NAMINGS
from gpurules.rules import shipped_names
from gpurules.service.metrics import text_of
from tests.promtool import PROMTOOL, needs_promtool

MIXED = """
version: 1
name: mixed
settings: {poll_interval: 5s}
rules:
  - {name: hot, condition: gpu_temperature > 85, description: "Hot {{ $x }}", action: log, cooldown: 1h,
     parameters: {message: 'GPU {devices} is hot'}, annotations: {severity: page, team: ml, alertname: GPUHot}}
  - {name: later, condition: gpu_temperature > 85, for: 90s, keep_for: 1h, action: log}
  - {name: of_a_file, condition: transfer_size > 1GiB, action: delay_transfer, parameters: {delay: 5s}}
  - {name: off, condition: gpu_temperature > 1, enabled: false, action: log}
  - {name: shadow, condition: gpu_temperature > 2, mode: shadow, action: log}
  - {name: fast, condition: 'rate(gpu_energy[1m]) > 300W', action: log}
"""


def test_what_is_left_out_is_listed_with_reason_and_place(gpurules: Any, tmp_path: Path) -> None:
    path, target = tmp_path / "mixed.rules.yaml", tmp_path / "out.yml"
    path.write_text(MIXED)
    done = gpurules("export", "prometheus", path, "-o", target)
    assert done.code == 1
    lines = [line.removeprefix("gpurules: ") for line in done.err.splitlines()]
    assert lines[0].startswith(f"left out: of_a_file ({path}:9): there are no series per transfer")
    assert lines[1] == f"left out: off ({path}:10): it is disabled"
    assert lines[2] == f"left out: shadow ({path}:11): it is in shadow mode"
    assert "extrapolates rate" in lines[3]
    assert lines[4].startswith("hot: its cooldown is left to")
    assert lines[5] == "2 alerts exported, 4 rules left out"
    text = target.read_text()
    assert all(f"# {line}" in text for line in lines[:5])
    assert gpurules("export", "prometheus", path, "-o", target, "--partial").code == 0


def test_an_alert_has_name_timers_labels_and_annotations(gpurules: Any, tmp_path: Path) -> None:
    path = tmp_path / "mixed.rules.yaml"
    path.write_text(MIXED)
    out = gpurules("export", "prometheus", path, "--naming", "dcgm").out
    assert '- alert: "GPUHot"' in out and 'severity: "page"' in out and 'team: "ml"' in out
    assert 'summary: "Hot {{ \\"{{\\" }} $x }}"' in out
    assert 'description: "GPU {{ $labels.gpu }} is hot"' in out
    assert "for: 1m30s" in out and "keep_firing_for: 1h" in out
    assert "DCGM_FI_DEV_GPU_TEMP" in out


@needs_promtool
def test_promtool_accepts_every_shipped_ruleset_in_every_naming(gpurules: Any, tmp_path: Path) -> None:
    made = []
    for name in shipped_names():
        for naming in NAMINGS:
            made.append(tmp_path / f"{name}-{naming}.yml")
            assert gpurules("export", "prometheus", f"gpurules:{name}", "-o", made[-1], "--naming", naming).code in (
                0,
                1,
            )
    (tmp_path / "mixed.rules.yaml").write_text(MIXED)
    made.append(tmp_path / "mixed.yml")
    gpurules("export", "prometheus", tmp_path / "mixed.rules.yaml", "-o", made[-1])
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "check", "rules", *map(str, made)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("absent.yaml",), ("gpurules:thermal", "--naming", "x")])
def test_wrong_arguments_are_answered(gpurules: Any, arguments: tuple[str, ...]) -> None:
    done = gpurules("export", "prometheus", *arguments)
    assert done.code == 2 and done.err.startswith("gpurules: ")


@needs_promtool
@pytest.mark.parametrize("name", ["thermal", "coordinator", "health"])
def test_rule_tests_pass_in_promtool_on_the_exported_rules(
    name: str, gpurules: Any, root: Path, tmp_path: Path
) -> None:
    rules, tests = tmp_path / "gpurules.rules.yml", tmp_path / "tests.yml"
    gpurules("export", "prometheus", f"gpurules:{name}", "-o", rules)
    done = gpurules("export", "tests", root / "tests" / "rulesets" / f"{name}.test.yaml", "-o", tests, "--partial")
    assert done.code == 0 and not done.err.splitlines()[-1].startswith("gpurules: 0 tests")
    assert PROMTOOL is not None
    ran = subprocess.run([PROMTOOL, "test", "rules", str(tests)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    wrong = tests.read_text().replace('"value": 1', '"value": 2')
    tests.write_text(wrong)
    ran = subprocess.run([PROMTOOL, "test", "rules", str(tests)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1


def test_the_dashboard_shows_only_metrics_that_the_agent_serves(gpurules: Any) -> None:
    data = json.loads(gpurules("export", "grafana").out)
    panels = [panel for panel in data["panels"] if panel["type"] != "row"]
    named = {name for panel in panels for name in re.findall(r"\bgpurules_\w+", panel["targets"][0]["expr"])}
    coordinator = Coordinator("gpurules:health", source="synthetic:gpus=1,seconds=60")
    coordinator.poll()
    served = set(re.findall(r"^# TYPE (\w+) ", text_of(coordinator), re.MULTILINE)) | {m.name for m in GPU_METRICS}
    coordinator.stop()
    assert named and named <= served
    assert {"gpurules_gpu_temperature", "gpurules_gpu_info", "gpurules_gpus_lost"} <= served


def test_the_dashboard_can_be_imported(gpurules: Any) -> None:
    data = json.loads(gpurules("export", "grafana").out)
    assert data["id"] is None and data["__inputs"][0]["name"] == "DS_PROMETHEUS"
    ids = [panel["id"] for panel in data["panels"]]
    assert len(ids) == len(set(ids))
    cells = set()
    for panel in data["panels"]:
        grid = panel["gridPos"]
        own = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        assert not own & cells and grid["x"] + grid["w"] <= 24
        cells |= own
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${DS_PROMETHEUS}" and panel["targets"][0]["expr"]
