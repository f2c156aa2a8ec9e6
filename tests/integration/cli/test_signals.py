"""Signals from the start of a command on, sent to real processes at every stage of their start."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.waiting import wait_until, while_running

RULES = "version: 1\nname: x\nrules:\n  - {name: a, condition: gpu_memory > 80, action: pause_transfer}\n"
SLOW_SOURCE = """
import time
from gpurules import GPU, Snapshot
class Source:
    name = "slow"
    def read(self):
        time.sleep(0.05)
        return Snapshot(timestamp=time.time(), gpus=(GPU(index=0, memory=90.0),))
    def close(self): pass
class Factory:
    name = "slow"
    def open(self, argument, options): return Source()
"""
DELAYS = (0.0, 0.03, 0.1, 0.2, 0.4, 0.8, 1.5)
AGENTS = {
    "run": ("run", "x.rules.yaml", "--source", "slow:", "--format", "json"),
    "record": ("record", "--source", "slow:", "--interval", "0.1"),
}


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Make a folder with a ruleset, and a plug-in whose source never ends."""
    (tmp_path / "x.rules.yaml").write_text(RULES)
    (tmp_path / "slow_source.py").write_text(SLOW_SOURCE)
    distribution = tmp_path / "slow_source-1.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-source\nVersion: 1\n")
    (distribution / "entry_points.txt").write_text("[gpurules.sources]\nslow = slow_source:Factory\n")
    return tmp_path


def answers(pid: int, number: int) -> bool:
    """Return whether the process has a handler of its own for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(caught >> (number - 1) & 1)


@contextmanager
def answering(node: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command, and yield as soon as it answers SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gpurules", *arguments],
        cwd=node, env={**os.environ, "PYTHONPATH": str(node)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_until(while_running(process, lambda: answers(process.pid, signal.SIGTERM)), what="SIGTERM is handled")
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("command", AGENTS)
def test_hanging_up_never_ends_an_agent_and_sigterm_ends_it_with_0(node: Path, command: str, delay: float) -> None:
    with answering(node, *AGENTS[command]) as process:
        time.sleep(delay)  # the point of the start at which the signal comes is what is tested
        process.send_signal(signal.SIGHUP)
        time.sleep(0.1)  # two signals at once may arrive as one
        process.send_signal(signal.SIGHUP)
        time.sleep(0.1)  # long enough to end, were the signal to end it
        assert process.poll() is None, "it goes on"
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert "Traceback" not in said


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
@pytest.mark.parametrize("command", AGENTS)
def test_an_agent_that_starts_ends_in_order(node: Path, command: str, number: int, code: int, delay: float) -> None:
    with answering(node, *AGENTS[command]) as process:
        time.sleep(delay)  # the point of the start at which the signal comes is what is tested
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        assert process.returncode == code, said
        assert "Traceback" not in said


def test_what_was_hung_up_before_the_ruleset_was_loaded_is_made_up_for(node: Path) -> None:
    with answering(node, *AGENTS["run"]) as process:
        process.send_signal(signal.SIGHUP)
        assert process.stdout is not None and process.stdout.readline(), "it decides"
        time.sleep(0.5)  # the reload is counted only in what is printed at the end
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=30)
        assert '"reloads": 1' in out, (out, said)


@pytest.mark.parametrize("delay", DELAYS[:5])
def test_a_command_that_is_no_agent_says_that_it_was_terminated(node: Path, delay: float) -> None:
    with answering(node, "repl") as process:
        time.sleep(delay)  # the point of the start at which the signal comes is what is tested
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 143, said
        assert "gpurules: terminated" in said and "Traceback" not in said


def test_signals_are_answered_before_anything_heavy_is_loaded() -> None:
    code = "import sys, gpurules.__main__; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path.append('.'); {code}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert not {"click", "rich", "yaml", "lark", "typing", "logging", "dataclasses"} & set(done.stdout.split())
