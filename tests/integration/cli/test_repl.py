"""``gpurules repl``."""

import io
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gpurules.cli.conversation import completions

SNAPSHOT = '{"gpus": [{"index": 0, "memory": 91}, {"index": 1, "memory": 40}]}'


def typed(gpurules: Any, monkeypatch: pytest.MonkeyPatch, *lines: str) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    done = gpurules("repl", "--snapshot", SNAPSHOT)
    assert done.code == 0
    out: str = done.out
    return out


def test_a_condition_is_answered_with_its_parts(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    out = typed(gpurules, monkeypatch, "gpu_memory > 80 AND gpu_temperature > 85", "gpu_memory > 80")
    assert out.startswith("unknown\n")
    assert "true on GPU 0\n" in out
    assert "91 % ✓" in out


def test_a_mistake_is_shown_and_the_conversation_goes_on(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    out = typed(gpurules, monkeypatch, "gpu_memroy > 80", "", "# nothing", "gpu_count == 2")
    assert "GPR101" in out
    assert "true\n" in out


def test_commands(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = ':transfer {"path": "/m/a.safetensors"}'
    out = typed(
        gpurules, monkeypatch, ":help", ":facts", ":field gpu_memory", transfer, "file_type == 'model'", ":facts"
    )
    assert ":snapshot FILE" in out
    assert "GPU 0: memory 91\n" in out
    assert "gpu_memory: percent" in out or "gpu_memory: number" in out
    assert "true\n" in out
    assert "transfer: path /m/a.safetensors" in out


@pytest.mark.parametrize("line", [":bogus", ":field gpu_memroy", ":snapshot none.json", ":snapshot {", ":node []"])
def test_a_command_that_can_not_be_done_says_so(gpurules: Any, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    out = typed(gpurules, monkeypatch, line, "gpu_count == 2")
    assert len(out.splitlines()) >= 2
    assert "true\n" in out


def test_quit_ends_it(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed(gpurules, monkeypatch, ":quit", "gpu_count == 2") == ""


def test_what_completes() -> None:
    assert "gpu_memory_used" in list(completions("gpu_mem", "gpu_mem"))
    assert "avg_over_time(" in list(completions("avg_", "avg_"))
    assert list(completions("gpu_memory > 80 an", "an")) == ["AND "]
    assert list(completions("file_type == 'mo", "mo")) == ["model'"]
    assert list(completions(":fa", ":fa")) == [":facts "]
    assert list(completions(":snapshot fa", "fa")) == []


def read_until(terminal: int, wanted: bytes, seconds: float = 30) -> bytes:
    """Return what a terminal shows, up to where *wanted* has been shown, or it is closed."""
    seen, deadline = b"", time.monotonic() + seconds
    while wanted not in seen and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 4096)
            except OSError:
                break
    return seen


@pytest.mark.slow
def test_on_a_terminal_tab_completes_and_the_history_is_kept(tmp_path: Path) -> None:
    parent, child = pty.openpty()
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "gpurules", "repl", "--snapshot", SNAPSHOT]
    process = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=environment)
    os.close(child)
    try:
        read_until(parent, b"> ")
        os.write(parent, b"gpu_memory_f\t < 3\n")
        assert b"gpu_memory_free" in read_until(parent, b"missing ?\r\n> ")
        os.write(parent, b"\x04")
        read_until(parent, b"never", 5)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(parent)
    assert "gpu_memory_free < 3" in (tmp_path / "gpurules" / "history").read_text()
