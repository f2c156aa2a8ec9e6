"""What is deployed: manifests that Kubernetes accepts, a command line that starts, units that are locked down."""

import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gpurules.rules import loads
from tests.helm_templates import manifests
from tests.waiting import wait_until, while_running

ALL = {
    "metrics": {
        "enabled": True,
        "podMonitor": True,
        "serviceMonitor": True,
        "monitorLabels": {"release": "prometheus"},
    },
    "nodeEffects": True,
    "runtimeClassName": "",
    "prometheusRule": {"enabled": True},
    "nodeProblemDetector": {"enabled": True},
}
CUSTOM = {"PodMonitor", "PrometheusRule", "ServiceMonitor"}
"""Kinds that Kubernetes learns from others, for which it has no schema."""


@pytest.fixture
def chart(root: Path) -> Path:
    return root / "deploy" / "helm" / "gpurules"


def documents(chart: Path, values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return [yaml.safe_load(text) for text in manifests(chart, values)]


def test_the_plain_manifests_are_those_of_the_chart(chart: Path, root: Path) -> None:
    plain = (root / "deploy" / "kubernetes" / "gpurules.yaml").read_text(encoding="utf-8")
    assert plain == "---\n".join(["# Rendered from deploy/helm/gpurules with its default values.\n", *manifests(chart)])


@pytest.mark.parametrize("values", [None, ALL], ids=["defaults", "all"])
@pytest.mark.parametrize("version", ["1.25", "1.34"])
def test_kubernetes_accepts_the_manifests(values: dict[str, Any] | None, version: str, chart: Path) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    kinds = []
    for document in documents(chart, values):
        kinds.append(document["kind"])
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, version, strict=True)
    expected = {"ServiceAccount", "ConfigMap", "DaemonSet"}
    expected |= {"ClusterRole", "ClusterRoleBinding", "Service", *CUSTOM} if values else set()
    assert set(kinds) == expected


def test_the_schema_of_the_values_takes_the_defaults_and_refuses_mistakes(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(values, schema)
    for wrong in (
        {"imag": {}},
        {"ruleset": "../x"},
        {"metrics": {"port": 0}},
        {"socketPath": "run"},
        {"prometheusRule": {"rules": "x"}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**values, **wrong}, schema)


def test_the_ruleset_of_the_chart_loads_and_is_mounted_as_a_folder(chart: Path) -> None:
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    assert loads(values["rulesets"][values["ruleset"]]).rules
    (daemon,) = [d for d in documents(chart) if d["kind"] == "DaemonSet"]
    container = daemon["spec"]["template"]["spec"]["containers"][0]
    assert not any("subPath" in mount for mount in container["volumeMounts"])  # it would never be updated
    assert "resources" in container and "nvidia.com/gpu" not in str(container["resources"])  # it would take one away


def test_the_rights_are_few(chart: Path) -> None:
    (role,) = [d for d in documents(chart, ALL) if d["kind"] == "ClusterRole"]
    assert {(r, operation) for rule in role["rules"] for r in rule["resources"] for operation in rule["verbs"]} == {
        ("nodes", "get"), ("nodes", "patch"), ("nodes/status", "patch"), ("events", "create"), ("events", "patch"),
    }  # fmt: skip
    assert not [d for d in documents(chart) if d["kind"].startswith("ClusterRole")]


def scraped(path: Path) -> bytes:
    """Return the metrics that an agent serves at its socket; nothing before it has polled a GPU."""
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
            while chunk := client.recv(1 << 16):
                answer += chunk
    except OSError:
        return b""
    return answer if b"gpurules_gpu_temperature{" in answer else b""


def test_the_command_line_of_the_daemon_set_starts_with_its_mounts(chart: Path, tmp_path: Path) -> None:
    (daemon,) = [d for d in documents(chart, ALL) if d["kind"] == "DaemonSet"]
    container = daemon["spec"]["template"]["spec"]["containers"][0]
    folders = {
        "/etc/gpurules/rulesets": "r",
        "/run/gpurules": "s",
        "/var/lib/gpurules": "v",
        "/etc/gpurules/token": "t",
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {*folders, "/tmp"}
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    for name in folders.values():
        (tmp_path / name).mkdir()
    for name, text in values["rulesets"].items():
        (tmp_path / "r" / name).write_text(text)
    (tmp_path / "t" / "tokens").write_text("use 0123456789abcdef0123456789abcdef\n")
    (tmp_path / "t" / "tokens").chmod(0o600)
    arguments = [str(argument) for argument in container["args"]]
    for path, name in folders.items():
        arguments = [argument.replace(path, str(tmp_path / name)) for argument in arguments]
    arguments = ["synthetic:gpus=2" if argument == "auto" else argument for argument in arguments]
    arguments = [argument.replace("0.0.0.0:9402", "127.0.0.1:0") for argument in arguments]
    path = tmp_path / "s" / "agent.sock"
    with subprocess.Popen(
        [sys.executable, "-m", "gpurules", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            answer = wait_until(while_running(process, lambda: scraped(path)), what="metrics of a GPU")
            assert b" 200 " in answer.split(b"\r\n")[0]
        finally:
            process.terminate()
            output = process.communicate(timeout=20)[1]
    assert process.returncode == 0, output


UNITS = ("gpurules.service", "gpurules-serve.service")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_locked_down(unit: str, root: Path) -> None:
    call = ["systemd-analyze", "security", "--offline=true", f"./{unit}"]
    done = subprocess.run(call, cwd=root / "deploy", capture_output=True, text=True, timeout=30)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= 3.0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_every_line_of_the_units(root: Path, tmp_path: Path) -> None:
    names = (*UNITS, "gpurules-serve.socket")
    for name in names:
        text = (root / "deploy" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/opt/gpurules/bin/gpurules", "/bin/true"))
    call = ["systemd-analyze", "verify", *(f"./{name}" for name in names)]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_each_exception_of_a_unit_is_said(unit: str, root: Path) -> None:
    text = (root / "deploy" / unit).read_text(encoding="utf-8")
    for word in ("PrivateDevices", "ProtectProc", "ProcSubset", "PrivateUsers", "MemoryDenyWriteExecute"):
        assert re.search(rf"^#.*\b{word}\b", text, re.MULTILINE), word
    assert "Type=notify\n" in text or unit == "gpurules.service"
