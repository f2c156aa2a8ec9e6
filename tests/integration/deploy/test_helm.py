"""What the real Helm says of the chart, and what the optional parts of it do where they are used."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.deploy.test_deploy import ALL, CUSTOM, documents
from tests.promtool import PROMTOOL, needs_promtool

HELM = shutil.which("helm") or shutil.which("helm", path=str(Path(sys.prefix, "bin")))
needs_helm = pytest.mark.skipif(HELM is None, reason="Helm is not installed")


@pytest.fixture
def chart(root: Path) -> Path:
    return root / "deploy" / "helm" / "gpurules"


def helm(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HELM), *map(str, arguments)], capture_output=True, text=True, timeout=60)


def gpurules(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gpurules", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def by_name(found: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


@needs_helm
def test_helm_finds_nothing_to_say(chart: Path) -> None:
    done = helm("lint", "--strict", chart)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not [line for line in done.stdout.splitlines() if line.startswith(("[WARNING]", "[ERROR]"))]


@needs_helm
@pytest.mark.parametrize("values", [{}, ALL], ids=["defaults", "all"])
def test_helm_renders_what_the_tests_render(values: dict[str, Any], chart: Path, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    done = helm("template", "gpurules", chart, "--namespace", "gpurules", "-f", tmp_path / "values.yaml")
    assert done.returncode == 0, done.stderr
    rendered = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert by_name(rendered) == by_name(documents(chart, values))


@needs_helm
@pytest.mark.parametrize(
    "wrong", ["metrics.port=0", "ruleset=../x", "imag.tag=1", "socketPath=run", "nodeProblemDetector.program=gpurules"]
)
def test_helm_refuses_wrong_values(wrong: str, chart: Path) -> None:
    done = helm("template", "gpurules", chart, "--set", wrong)
    assert done.returncode != 0 and wrong.partition("=")[0].partition(".")[0] in done.stderr


@needs_helm
@needs_promtool
def test_exported_rules_go_into_a_prometheus_rule(chart: Path, tmp_path: Path) -> None:
    path = tmp_path / "gpurules.rules.yml"
    gpurules("export", "prometheus", "gpurules:health", "--partial", "-o", path)
    given = f"prometheusRule.rules={path}"
    done = helm("template", "gpurules", chart, "--set", "prometheusRule.enabled=true", "--set-file", given)
    (rule,) = [one for one in yaml.safe_load_all(done.stdout) if one and one["kind"] in CUSTOM]
    assert rule["spec"] == yaml.safe_load(path.read_text()) and rule["spec"]["groups"][0]["rules"]
    (tmp_path / "spec.yml").write_text(yaml.safe_dump(rule["spec"]))
    check = subprocess.run([str(PROMTOOL), "check", "rules", "spec.yml"], cwd=tmp_path, capture_output=True, timeout=30)
    assert check.returncode == 0


def test_the_plugin_of_node_problem_detector_answers_as_its_contract_says(chart: Path) -> None:
    (made,) = [one for one in documents(chart, ALL) if one["metadata"]["name"].endswith("node-problem-detector")]
    plugin = json.loads(made["data"]["gpurules.json"])
    (rule,) = plugin["rules"]
    assert rule["condition"] in [one["type"] for one in plugin["conditions"]]
    assert rule["path"].endswith("/gpurules") and (plugin["plugin"], rule["type"]) == ("custom", "permanent")
    source = rule["args"].index("--source") + 1
    done = gpurules(*rule["args"][:source], "synthetic:gpus=2", *rule["args"][source + 1 :])
    assert (
        done.returncode in (0, 1) and len(done.stdout.strip().encode()) <= plugin["pluginConfig"]["max_output_length"]
    )
    gone = gpurules(*rule["args"][:source], "dcgm:http://127.0.0.1:9/metrics", *rule["args"][source + 1 :])
    assert gone.returncode == 2 and len(gone.stdout.strip().splitlines()) == 1
