"""``gpurules health`` as Node Problem Detector, Slurm and Nagios run it, over recorded states of a node."""

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpurules.cli.process.deadline import answer_within

SOUND = {
    "status": "ok", "ecc_errors": 0, "temperature_margin": 30, "throttle_thermal": False, "vendor": "nvidia",
    "row_remap_pending": False, "row_remap_failure": False, "pcie_width": 16, "pcie_width_max": 16, "retired_pages": 0,
}  # fmt: skip


@dataclass(frozen=True)
class State:
    """A recorded state of a node with two GPUs: what differs on GPU 1, and what each caller has to read.

    ``codes`` are those of NPD, Slurm and Nagios; ``says`` is what the one line for NPD begins with.
    """

    gpu: dict[str, object]
    codes: tuple[int, int, int]
    says: str
    polls: int = 1


STATES = {
    "sound": State({}, (0, 0, 0), "healthy: "),
    "lost": State({"status": "lost", "healthy": False}, (1, 1, 2), "gpu_lost on GPU 1"),
    "fallen off the bus": State({"xid": 79, "xid_age": 60}, (1, 1, 2), "xid_restart_node on GPU 1"),
    "remapping failed": State({"xid": 64, "xid_age": 60}, (1, 1, 2), "xid_reset_gpu on GPU 1"),
    "uncorrectable memory error": State({"ecc_errors": 2}, (1, 1, 2), "ecc_uncorrected on GPU 1"),
    "contained memory error": State({"xid": 94, "xid_age": 60}, (0, 0, 1), "xid_to_watch on GPU 1"),
    "at its slowdown temperature": State(
        {"temperature_margin": 0}, (1, 1, 2), "at_slowdown_temperature on GPU 1", polls=3
    ),
    "row remap failed": State({"row_remap_failure": True}, (1, 1, 2), "row_remap_failed on GPU 1"),
    "row remap pending": State({"row_remap_pending": True}, (0, 0, 1), "memory_repair_pending on GPU 1"),
    "PCIe lanes lost": State({"pcie_width": 8}, (1, 1, 2), "pcie_lanes_lost on GPU 1"),
    "application failed": State({"xid": 43, "xid_age": 60}, (0, 0, 0), "healthy: "),
}


def recording(folder: Path, gpu: dict[str, object], polls: int = 1) -> Path:
    path = folder / "node.jsonl"
    gpus = [{"index": 0, "uuid": "GPU-0", **SOUND}, {"index": 1, "uuid": "GPU-1", **SOUND, **gpu}]
    lines = [json.dumps({"timestamp": 1e9 + 10 * n, "host": "node", "gpus": gpus}) for n in range(polls)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("format_", ["npd", "slurm", "nagios"])
@pytest.mark.parametrize("name", STATES)
def test_each_caller_reads_its_exit_code_and_its_line(name: str, format_: str, tmp_path: Path, gpurules: Any) -> None:
    state = STATES[name]
    source = f"replay:{recording(tmp_path, state.gpu, state.polls)}"
    arguments = ("--format", format_, "--samples", state.polls, "--no-drain")
    done = gpurules("health", "gpurules:health", "--source", source, *arguments)
    assert done.code == state.codes[("npd", "slurm", "nagios").index(format_)], done.out + done.err
    if format_ == "npd":
        assert done.out.startswith(state.says)
        assert done.out.count("\n") == 1 and len(done.out.encode()) <= 80
        assert done.err == ""


def test_text_names_each_finding_in_a_line_and_what_is_undecided(tmp_path: Path, gpurules: Any) -> None:
    source = f"replay:{recording(tmp_path, {'xid': 79, 'xid_age': 5, 'ecc_errors': 1})}"
    done = gpurules("health", "gpurules:health", "--source", source)
    lines = done.out.splitlines()
    assert done.code == 1
    assert lines[0].startswith("critical: xid_restart_node on GPU 1: ")
    assert lines[1].startswith("critical: ecc_uncorrected on GPU 1: ")
    assert all(line.startswith("undecided: ") for line in lines[2:])


def test_json_has_the_status_and_every_finding(tmp_path: Path, gpurules: Any) -> None:
    source = f"replay:{recording(tmp_path, {'xid': 94})}"
    done = gpurules("health", "gpurules:health", "--source", source, "--format", "json")
    data = json.loads(done.out)
    assert (done.code, data["status"], data["gpus"]) == (0, "warning", 2)
    assert [(f["rule"], f["severity"], f["devices"]) for f in data["findings"]] == [("xid_to_watch", "warning", [1])]


@pytest.mark.parametrize(("format_", "code"), [("text", 2), ("json", 2), ("npd", 2), ("slurm", 0), ("nagios", 3)])
@pytest.mark.parametrize(
    ("ruleset", "source"),
    [
        ("gpurules:health", "replay:absent.jsonl"),
        ("gpurules:health", "replay:empty.jsonl"),
        ("gpurules:health", "nothing:x"),
        ("absent.rules.yaml", "synthetic:gpus=1"),
        ("broken.rules.yaml", "synthetic:gpus=1"),
        ("gpurules:thermal", "synthetic:gpus=1"),  # has no rule with the tag
        ("undecided.rules.yaml", "replay:bare.jsonl"),
    ],
)
def test_what_cannot_be_checked_is_unknown_and_never_healthy(
    ruleset: str, source: str, format_: str, code: int, tmp_path: Path, gpurules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.jsonl").write_text("")
    Path("bare.jsonl").write_text('{"timestamp": 1, "gpus": [{"index": 0}]}\n')
    Path("broken.rules.yaml").write_text("version: 1\nname: x\nrules: [{name: a, condition: gpu_x > 1, action: log}]\n")
    Path("undecided.rules.yaml").write_text(
        "version: 1\nname: x\nrules: [{name: a, condition: gpu_xid == 79, action: log, tags: [health]}]\n"
    )
    done = gpurules("health", ruleset, "--source", source, "--format", format_)
    assert done.code == code
    assert "unknown" in done.out.lower() and "Traceback" not in done.out + done.err
    assert len(done.out.encode()) <= 80 or format_ != "npd"


def test_one_sample_does_not_prove_a_time(tmp_path: Path, gpurules: Any) -> None:
    path = recording(tmp_path, {"temperature_margin": 0}, polls=3)
    once = gpurules("health", "gpurules:health", "--source", f"replay:{path}")
    assert (once.code, "undecided: at_slowdown_temperature: its condition holds now" in once.out) == (0, True)
    more = gpurules("health", "gpurules:health", "--source", f"replay:{path}", "--samples", 3)
    assert (more.code, "critical: at_slowdown_temperature on GPU 1" in more.out) == (1, True)


def test_a_shadow_rule_and_a_disabled_one_find_nothing(tmp_path: Path, gpurules: Any) -> None:
    rule = "{{name: {0}, condition: gpu_count > 0, action: log, tags: [health], {1}}}"
    rules = ", ".join(rule.format(*pair) for pair in [("a", "mode: shadow"), ("b", "enabled: false"), ("c", "")])
    path = tmp_path / "x.rules.yaml"
    path.write_text(f"version: 1\nname: x\nrules: [{rules}]\n".replace(", }", "}"))
    done = gpurules("health", path, "--source", "synthetic:gpus=1", "--format", "json")
    assert [finding["rule"] for finding in json.loads(done.out)["findings"]] == ["c"]


def test_work_that_hangs_is_late_after_its_deadline() -> None:
    begun = time.monotonic()
    released = threading.Event()
    assert answer_within(lambda: released.wait(30), begun + 0.1) is None
    assert time.monotonic() - begun < 10
    released.set()


SCONTROL = """#!/bin/sh
echo "$*" >> {log}
case "$1" in show) echo "NodeName=node State={state} Reason=x";; esac
"""


@pytest.mark.parametrize(("state", "drains"), [("IDLE", True), ("MIXED+DYNAMIC_NORM", True), ("IDLE+DRAIN", False)])
def test_slurm_drains_on_a_problem_and_leaves_the_drain_of_others_alone(
    state: str, drains: bool, tmp_path: Path, gpurules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, tool = tmp_path / "log", tmp_path / "scontrol"
    tool.write_text(SCONTROL.format(log=log, state=state))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("SLURMD_NODENAME", "node")
    source = f"replay:{recording(tmp_path, {'ecc_errors': 2})}"
    done = gpurules("health", "gpurules:health", "--source", source, "--format", "slurm")
    calls = log.read_text().splitlines()
    assert done.code == 1
    assert calls[0] == "show node node --oneliner"
    drain = "update NodeName=node State=DRAIN Reason=gpurules: ecc_uncorrected on GPU 1"
    assert calls[1:] == ([drain] if drains else [])
    assert ("is drained" in done.err) is drains


@pytest.mark.parametrize("name", ["sound", "contained memory error"])
def test_slurm_drains_no_node_without_a_problem(
    name: str, tmp_path: Path, gpurules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "scontrol"
    tool.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    source = f"replay:{recording(tmp_path, STATES[name].gpu)}"
    assert gpurules("health", "gpurules:health", "--source", source, "--format", "slurm").code == 0
    assert not (tmp_path / "called").exists()


def test_without_scontrol_the_problem_is_reported_all_the_same(
    tmp_path: Path, gpurules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    source = f"replay:{recording(tmp_path, {'ecc_errors': 2})}"
    done = gpurules("health", "gpurules:health", "--source", source, "--format", "slurm")
    assert done.code == 1
    assert "not drained: scontrol not found on PATH" in done.err
