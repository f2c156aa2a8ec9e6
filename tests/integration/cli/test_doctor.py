"""``gpurules doctor``."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gpurules.cli import diagnosis
from gpurules.cli.diagnosis import CheckStatus
from gpurules.model import GPU
from gpurules.rules import loads
from tests.integration.coordinator.stand import Script, gpu, ruleset

RULES = ruleset(
    "{name: full, condition: gpu_memory > 80, action: log}",
    "{name: windy, condition: gpu_fan_speed > 50 AND gpu_memory > 5, action: log}",
    "{name: held, condition: busy, action: log}",
    signals="{busy: {condition: gpu_pcie_rx > 1GB/s}}",
)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.rules.yaml").write_text(RULES)
    monkeypatch.setattr(diagnosis, "_kernel_state", lambda: 0)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script(time.time, (gpu(50, missing={"fan_speed": "not supported"}), gpu(50, 1, fan_speed=30, pcie_rx=5)))
    monkeypatch.setattr("gpurules.cli.commands.doctor.open_telemetry", lambda source, options: (script, None))
    monkeypatch.setattr(diagnosis.time, "sleep", lambda seconds: None)
    return script


def states(done: Any) -> dict[str, str]:
    return {check["name"]: check["state"] for check in json.loads(done.out)["checks"]}


def test_what_works_is_said_and_the_exit_code_is_0(gpurules: Any, source: Script) -> None:
    done = gpurules("doctor", "node.rules.yaml", "--source", "nvml", "--state", "state.json")
    assert done.code == 0
    assert "✓ ruleset            tested " in done.out
    assert "✓ telemetry          script: 2 GPUs" in done.out
    assert "✓ state              state.json can be written" in done.out
    assert "✓ time zone          UTC" in done.out
    assert done.out.endswith("nothing is broken, 2 warnings\n")
    assert source.closed


def test_fields_that_the_node_does_not_report_are_named_with_reason_and_readers(gpurules: Any, source: Script) -> None:
    done = gpurules("doctor", "node.rules.yaml", "--source", "nvml")
    output = " ".join(done.out.split())
    assert "gpu_fan_speed is missing on GPU 0 (not supported); read by windy" in output
    assert "gpu_pcie_rx is missing on GPU 0; read by signal busy" in output
    source.gpus = (gpu(50, fan_speed=3, pcie_rx=3),)
    done = gpurules("doctor", "node.rules.yaml", "--source", "nvml")
    assert "this node reports all 3 GPU fields that rules read" in done.out


def test_a_source_that_does_not_work_is_broken(gpurules: Any, source: Script) -> None:
    source.error = RuntimeError("no driver")
    done = gpurules("doctor", "--source", "nvml", "--format", "json")
    assert done.code == 1
    assert states(done)["telemetry"] == "broken"


def test_a_lost_gpu_is_a_warning(gpurules: Any, source: Script) -> None:
    source.gpus = (gpu(50), GPU(index=1, uuid="x", healthy=False))
    done = gpurules("doctor", "--source", "nvml")
    assert done.code == 0
    assert "! telemetry          script: 2 GPUs, 1 lost" in done.out


def test_a_ruleset_with_errors_is_broken_and_sent_to_lint(gpurules: Any, source: Script, tmp_path: Path) -> None:
    (tmp_path / "node.rules.yaml").write_text("version: 1\nrules: 5\n")
    done = gpurules("doctor", "node.rules.yaml", "--source", "nvml")
    assert done.code == 1
    assert "→ gpurules lint node.rules.yaml" in done.out


def test_a_ruleset_that_is_not_there_is_2(gpurules: Any) -> None:
    assert gpurules("doctor", "none.yaml").code == 2


def test_auto_says_of_each_source_why_it_cannot_be_used(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = gpurules("doctor", "--format", "json", "--timeout", "5")
    output = states(done)
    assert {"source nvml", "source nvidia-smi", "source dcgm", "source amd", "telemetry"} <= output.keys()
    assert done.code == (0 if output["telemetry"] in ("good", "warn") else 1)


def test_a_folder_that_cannot_be_written_is_broken(gpurules: Any, source: Script) -> None:
    done = gpurules("doctor", "--source", "nvml", "--state", "none/state.json")
    assert done.code == 1
    assert "✗ state" in done.out


def test_a_clock_that_is_not_set_or_not_synchronized(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_kernel_state", lambda: 5)
    (check,) = diagnosis.of_clock(None)
    assert (check.state, "not synchronized" in check.detail) == (CheckStatus.WARN, True)
    monkeypatch.setattr(diagnosis.time, "time", lambda: 1000.0)
    (check,) = diagnosis.of_clock(None)
    assert check.state is CheckStatus.BROKEN


def test_snapshots_of_another_time_are_a_warning() -> None:
    *_, check = diagnosis.of_clock(Script(lambda: time.time() - 3600).read())
    assert check.state is CheckStatus.WARN
    assert "+3600 s" in check.detail


def test_a_zone_that_is_not_known_is_broken_where_a_rule_reads_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    night = "{name: night, condition: hour < 6, action: log}"
    (check,) = diagnosis.of_zone(loads(ruleset(night, settings="{timezone: Europe/Berlin}")))
    assert check.state is CheckStatus.GOOD and check.detail.startswith("Europe/Berlin, where it is ")

    def unknown(name: str) -> None:
        raise diagnosis.ZoneInfoNotFoundError(name)

    known = loads(ruleset(night, settings="{timezone: Europe/Berlin}"))
    monkeypatch.setattr(diagnosis, "ZoneInfo", unknown)
    (check,) = diagnosis.of_zone(known)
    assert (check.state, "tzdata" in check.remedy) == (CheckStatus.BROKEN, True)


def test_a_secret_that_is_not_in_the_environment_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK_SECRET", raising=False)
    parameters = "{url: 'http://a/', secret_env: HOOK_SECRET}"
    rule = f"{{name: call, condition: gpu_memory > 80, action: webhook, parameters: {parameters}}}"
    (check,) = diagnosis.of_actions(loads(ruleset(rule)))
    assert check.state is CheckStatus.BROKEN
    monkeypatch.setenv("HOOK_SECRET", "x")
    assert list(diagnosis.of_actions(loads(ruleset(rule)))) == []


def test_devices_that_may_not_be_opened_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "glob", lambda pattern: [pattern] if "ctl" in pattern else [])
    monkeypatch.setattr(diagnosis.os, "access", lambda path, mode: False)
    (check,) = diagnosis.of_devices()
    assert (check.state, "/dev/nvidiactl" in check.detail) == (CheckStatus.WARN, True)


def test_each_client_is_said_to_carry_out_what_it_can_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    output = {check.name: check for check in diagnosis.of_clients()}
    assert output["client rclone"].state is CheckStatus.NOTE and "not on the PATH" in output["client rclone"].detail
    if output["client fsspec"].state is CheckStatus.GOOD:
        assert output["client fsspec"].detail == "supports every directive"
    wanting = output["client boto3"]
    if wanting.state is CheckStatus.GOOD:
        assert "not prefetch, stage" in wanting.detail


def test_a_plug_in_that_is_no_client_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpurules.clients.all_clients", lambda: ((), {"odd": "is not a kind of client"}))
    (check,) = diagnosis.of_clients()
    assert (check.name, check.state) == ("client odd", CheckStatus.WARN)


def test_a_field_that_the_source_can_never_report_is_named_with_a_source_that_can(
    tmp_path: Path, gpurules: Any
) -> None:
    (tmp_path / "xid.rules.yaml").write_text(
        ruleset("{name: xid, condition: gpu_xid == 79 AND gpu_xid_age < 5m AND gpu_power > 1, action: log}")
    )
    (tmp_path / "smi.csv").write_text("timestamp, index, power.draw [W]\n2026/04/25 12:00:00.000, 0, 63.10 W\n")
    output = " ".join(gpurules("doctor", "xid.rules.yaml", "--source", "replay:smi.csv").out.split())
    assert "nvidia-smi --query-gpu CSV never reports gpu_xid_age; read by xid" in output
    assert "use a source that can: nvml or dcgm" in output
    assert "never reports gpu_power" not in output
