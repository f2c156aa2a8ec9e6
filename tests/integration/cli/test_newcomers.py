"""What a newcomer gets wrong: the five typos, and files of other tools."""

import json
from pathlib import Path
from typing import Any

import pytest

RULESET = """\
version: 1
name: node
rules:
  - name: first_rule
    condition: transfer_size > 100GiB AND file_type == 'model'
    action: delay_transfer
    parameters: {delay: 30s}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "code", "suggestion"),
    [
        ("condition", "condtion", "GPR401", "did you mean 'condition'?"),
        ("transfer_size", "transfer_sise", "GPR101", "did you mean 'transfer_size'?"),
        ("100GiB", "100GIB", "GPR116", "units are case-sensitive: write GiB"),
        ("'model'", "'modle'", "GPR107", "did you mean 'model'?"),
        ("delay:", "dealy:", "GPR502", "did you mean 'delay'?"),
    ],
    ids=["key", "field", "unit", "enum value", "parameter"],
)
def test_one_typo_is_one_finding_at_its_place_with_the_right_word(
    gpurules: Any, tmp_path: Path, right: str, wrong: str, code: str, suggestion: str
) -> None:
    text = RULESET.replace(right, wrong, 1)
    path = tmp_path / "node.rules.yaml"
    path.write_text(text)
    done = gpurules("lint", "--output-format", "json", "--fail-on", "warning", path)
    (found,) = json.loads(done.out)["diagnostics"]
    assert done.code == 1
    assert found["code"] == code
    assert found["hint"].startswith(suggestion)
    before, _, _ = text.partition(wrong)
    line, column = before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
    assert (found["line"], found["column"]) == (line, column)
    assert (found["end_line"], found["end_column"]) == (line, column + len(wrong.rstrip(":")))


@pytest.mark.parametrize("wrong", ["condtion", "transfer_sise", "100GIB", "'modle'", "dealy:"])
def test_the_fix_of_a_typo_gives_back_the_ruleset(gpurules: Any, tmp_path: Path, wrong: str) -> None:
    right = {"condtion": "condition", "transfer_sise": "transfer_size", "100GIB": "100GiB", "'modle'": "'model'"}
    path = tmp_path / "node.rules.yaml"
    path.write_text(RULESET.replace(right.get(wrong, "delay:"), wrong, 1))
    done = gpurules("lint", "--fix", "--unsafe-fixes", path)
    assert (done.code, path.read_text()) == (0, RULESET)


OTHERS = {
    "alerts.yaml": ("groups:\n- name: gpu\n  rules:\n  - alert: Hot\n", "Prometheus alerting rules"),
    "tests.yaml": (
        "rule_files: [a.yaml]\nevaluation_interval: 1m\ntests: []\n",
        "unit tests of Prometheus alerting rules",
    ),
    "cluster.yaml": (
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec: {groups: []}\n",
        "a Kubernetes resource (PrometheusRule)",
    ),
    "helm.yaml": ("{{- if .Values.on }}\napiVersion: v1\n{{- end }}\n", "a template (Helm or Jinja)"),
    "fields.csv": (
        "# clocks\nDCGM_FI_DEV_SM_CLOCK, gauge, SM clock (in MHz).\n\n# heat\nDCGM_FI_DEV_GPU_TEMP, gauge, Heat.\n",
        "a list of DCGM fields (CSV)",
    ),
    "log.csv": ("timestamp,index,memory\n2024-01-01,0,5\n", "a table (CSV)"),
    "gpu.prom": (
        '# HELP DCGM_FI_DEV_GPU_TEMP heat\n# TYPE DCGM_FI_DEV_GPU_TEMP gauge\nDCGM_FI_DEV_GPU_TEMP{gpu="0"} 35\n',
        "metrics of a Prometheus exporter",
    ),
    "smi.txt": (
        "Mon Jul 13 08:12:38 2026\n+-----+\n| NVIDIA-SMI 590.48.01   Driver Version: 590.48.01 |\n+-----+\n",
        "output of nvidia-smi",
    ),
    "smi-q.txt": (
        "\n======NVSMI LOG======\n\nTimestamp    : Mon Jul 13\nAttached GPUs : 1\n",
        "output of nvidia-smi",
    ),
    "dmon.txt": ("# gpu    pwr  gtemp\n# Idx      W      C\n    0     70     35\n", "output of nvidia-smi"),
    "smi-l.txt": ("GPU 0: NVIDIA H100 (UUID: GPU-1f)\n", "output of nvidia-smi"),
    "smi.csv": ("index, memory.used [MiB]\n0, 4 MiB\n", "a table (CSV)"),
    "smi-log.csv": (
        "2026/04/25 16:06:06.780, 0 %, 2 MiB\n2026/04/25 16:06:11.788, 0 %, 2 MiB\n",
        "a log of nvidia-smi (CSV)",
    ),
    "rocm.json": ('{"card0": {"GPU use (%)": "3"}, "system": {"Driver version": "6.7"}}', "output of rocm-smi"),
    "rocm.txt": ("====== ROCm System Management Interface ======\nGPU  Temp\n0    31c\n", "output of rocm-smi"),
    "node.jsonl": ('{"gpus": []}\n{"gpus": []}\n', "records, one per line (JSONL)"),
    "gpurules.toml": ('# ours\nselect = ["GPR1"]\n', "a configuration (TOML or INI)"),
    "gpus.ini": ("[system]\ndriver_version = 580\n", "a configuration (TOML or INI)"),
    "report.sarif": ('{"version": "2.1.0", "runs": []}', "a SARIF report"),
    "baseline.json": ('{"schema_version": 1, "findings": []}', "a baseline of findings"),
    "transfer.json": ('{"id": "t-1", "path": "/x", "size": 3}', "a transfer"),
    "workload.json": ('{"id": "w-1", "type": "training", "gpu_devices": [0]}', "a workload"),
    "smi.xml": ('<?xml version="1.0" ?>\n<nvidia_smi_log/>\n', "XML or HTML"),
    "node.json": ('{"gpus": [{"index": 0}]}', "a snapshot"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_tool_is_one_finding_that_names_it(gpurules: Any, tmp_path: Path, name: str) -> None:
    text, what = OTHERS[name]
    path = tmp_path / name
    path.write_text(text)
    for subcommand, wanted in (("lint", "a ruleset"), ("test", "a test of rules")):
        done = gpurules(subcommand, path)
        assert done.code in (1, 2)
        assert done.out.count("GPR") == 2  # the finding, and where more is said
        assert f"GPR405 wrong-document-kind: this looks like {what}, not {wanted}\n" in done.out


@pytest.mark.parametrize("name", [name for name in OTHERS if not name.endswith(".json")])
def test_the_file_of_another_tool_is_never_laid_out_again(gpurules: Any, tmp_path: Path, name: str) -> None:
    text, what = OTHERS[name]
    path = tmp_path / name
    path.write_text(text)
    done = gpurules("fmt", path)
    assert (done.code, path.read_text()) == (1, text)
    assert f"this looks like {what}, not a ruleset; the file is left unchanged" in done.err


def test_a_test_of_rules_is_no_ruleset_and_the_command_that_runs_it_is_named(gpurules: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.test.yaml"
    path.write_text("kind: gpurules/test\nversion: 1\nrulesets: [x.rules.yaml]\ncases: []\n")
    done = gpurules("lint", path)
    assert done.code == 1
    assert "this is a file of kind gpurules/test, not a ruleset" in done.out
    assert "= help: gpurules test runs it\n" in done.out


def test_a_ruleset_is_no_test_of_rules(gpurules: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.test.yaml"
    path.write_text(RULESET)
    assert "this looks like a ruleset, not a test of rules" in gpurules("test", path).out


def test_real_files_of_other_tools_are_named_for_what_they_are(gpurules: Any, data: Path) -> None:
    files = sorted(path for folder in data.iterdir() if folder.is_dir() for path in folder.iterdir() if path.is_file())
    assert len(files) > 30
    done = gpurules("lint", "--output-format", "json-lines", *files)
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [d["code"] for d in found] == ["GPR405"] * len(files)
    assert all(d["message"].startswith("this looks like ") for d in found)
