"""A command imports what its first output needs, and no more: by module, since times depend on the machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RULES = """
version: 1
name: x
rules:
  - {name: hot, condition: gpu_temperature > 85, action: pause_transfer}
"""
CASE = """
kind: gpurules/test
rulesets: [a.rules.yaml]
cases:
  - name: hot
    given: {snapshot: {gpus: [{index: 0, temperature: 90}]}}
    expect: [{rule: hot, outcome: match}]
"""
PROGRAM = """
import json, sys
from gpurules.cli.main import run
code = run(sys.argv[2:])
open(sys.argv[1], "w").write(json.dumps([code, sorted(sys.modules)]))
"""
ENGINE = ("gpurules.engine", "gpurules.telemetry")
SOURCES = tuple(f"gpurules.telemetry.{name}" for name in ("amd", "intel", "nvidia_smi", "nvml", "scrape"))
FORMATS = ("gpurules.telemetry.formats.nvidia", "gpurules.telemetry.formats.prometheus", "gpurules.telemetry.playback")
RULES_OF_ALL = ("gpurules.rules.loader", "gpurules.language", "gpurules.backends")
LINTER = ("gpurules.linter.check", "gpurules.linter.checks")
PROOFS = ("gpurules.proofs",)
COORDINATOR = ("gpurules.engine.coordinator",)
NEVER = (
    "gpurules.clients", "gpurules.governor", "gpurules.service", "gpurules.lsp", "boto3", "botocore", "fsspec",
    "obstore", "prometheus_client", "pygls", "jsonschema", "concurrent.futures.process", "multiprocessing",
)  # fmt: skip
STARTS = {
    "--help": (*RULES_OF_ALL, *LINTER, *ENGINE, "yaml"),
    "config": (*RULES_OF_ALL, *LINTER, *PROOFS, *ENGINE),
    "rule GPR104": (*RULES_OF_ALL, *LINTER, *ENGINE, "yaml"),
    "lint a.rules.yaml": (*ENGINE, "gpurules.ruletest"),
    "fmt --check a.rules.yaml": (*LINTER, *PROOFS, *ENGINE),
    "diff a.rules.yaml b.rules.yaml": (*LINTER, *ENGINE),
    "test a.test.yaml": (*LINTER, *PROOFS, *COORDINATOR, *SOURCES, *FORMATS),
    "testgen a.rules.yaml": (*LINTER, *COORDINATOR, *SOURCES, *FORMATS),
    "run a.rules.yaml --once --source synthetic": (*LINTER, *PROOFS, *SOURCES, *FORMATS),
    "watch a.rules.yaml --once --source synthetic": (*LINTER, *PROOFS, *SOURCES, *FORMATS),
    "record --source synthetic --count 1 --output r.jsonl": (*RULES_OF_ALL, *SOURCES, *FORMATS, "yaml"),
    "snapshot --source synthetic": (*RULES_OF_ALL, *SOURCES, *FORMATS, "yaml"),
}


def imported(folder: Path, command: str) -> list[str]:
    """Return the modules that a command of a fresh process has imported when it ends."""
    found = folder / "modules.json"
    arguments = [sys.executable, "-c", PROGRAM, str(found), *command.split()]
    subprocess.run(arguments, cwd=folder, check=True, capture_output=True, timeout=60)
    code, modules = json.loads(found.read_text())
    assert code in (0, 1), command
    return modules


@pytest.mark.parametrize("command", sorted(STARTS))
def test_a_command_starts_without_what_only_other_commands_need(command: str, tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text(RULES)
    (tmp_path / "b.rules.yaml").write_text(RULES.replace("85", "80"))
    (tmp_path / "a.test.yaml").write_text(CASE)
    modules = imported(tmp_path, command)
    needless = (*STARTS[command], *NEVER)
    assert [m for m in modules if any(m == name or m.startswith(f"{name}.") for name in needless)] == []


def test_doctor_shows_what_it_finds_before_it_imports_clients() -> None:
    code = "import sys, gpurules.cli.commands.doctor; print('gpurules.clients' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert found.stdout == "False\n"
