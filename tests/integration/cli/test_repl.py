"""``gpurules repl``."""

import fcntl
import io
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gpurules.cli.explain.repl_session import completions, is_unfinished

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
def test_a_command_that_cannot_be_done_says_so(gpurules: Any, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
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
    assert list(completions(":field gpu_temp", "gpu_temp")) == ["gpu_temperature", "gpu_temperature_margin"]


def test_files_complete_where_a_command_takes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "node-7.json").touch()
    monkeypatch.chdir(tmp_path)
    assert list(completions(":snapshot so", "so")) == ["some/"]
    assert list(completions(":transfer some/no", "no")) == ["node-7.json"]
    assert list(completions(":transfer some/node-7", "7")) == ["7.json"]
    assert list(completions(":node none/x", "x")) == []


@pytest.mark.parametrize(
    "text", ["a AND", "NOT", "any(", "(gpu_count > 1", "gpu_count IN (1,", "gpu_count BETWEEN 1 AND"]
)
def test_what_has_to_go_on_is_unfinished(text: str) -> None:
    assert is_unfinished(text)


@pytest.mark.parametrize("text", ["", "gpu_count > 1", "gpu_count >> 1", "a)", "host == 'a", ":help", "# c", "nope"])
def test_what_is_whole_or_wrong_is_not(text: str) -> None:
    assert not is_unfinished(text)


def test_a_field_or_a_sum_shows_its_value(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    out = typed(gpurules, monkeypatch, "gpu_memory", "max(gpu_memory) - 3", "gpu_memory > 80", "gpu_memroy")
    assert out.startswith("               GPU 0   GPU 1\n  gpu_memory   91 %    40 %\n")
    assert "max(gpu_memory) - 3   88 %" in out
    assert "GPR101" in out


def test_without_a_snapshot_it_says_that_there_is_no_gpu(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("gpu_memory\ngpu_memory > 80\ngpu_count == 0\n"))
    done = gpurules("repl")
    assert done.out.startswith("there is no GPU in the snapshot\nfalse: there is no GPU in the snapshot\n")
    assert "true\n" in done.out


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


@contextmanager
def terminal(tmp_path: Path, *options: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Start it on a terminal of its own, and give that and the process."""
    parent, child = pty.openpty()
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "gpurules", "repl", *options]
    process = subprocess.Popen(
        command,
        stdin=child,
        stdout=child,
        stderr=child,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(child)
    try:
        yield parent, process
    finally:
        process.kill()
        process.wait()
        os.close(parent)


def says(parent: int, keys: bytes, until: bytes = b"\r\n> ") -> str:
    """Press *keys* and return what is shown then, up to the next prompt."""
    os.write(parent, keys)
    return read_until(parent, until).decode().replace("\r\n", "\n")


def interrupt() -> bytes:
    """Return Ctrl-C, once readline has gone back to waiting: one that comes while it draws is not looked at."""
    time.sleep(0.5)  # readline shows nothing when it begins to wait
    return b"\x03"


@pytest.mark.slow
def test_on_a_terminal_tab_completes_and_the_history_is_kept(tmp_path: Path) -> None:
    with terminal(tmp_path, "--snapshot", SNAPSHOT) as (parent, process):
        assert b"2 GPUs in the snapshot" in read_until(parent, b"> ")
        assert "gpu_memory_free" in says(parent, b"gpu_memory_f\t < 3\n")
        assert "gpu_memory_used" in says(parent, b"gpu_mem\t", b"> gpu_memory")
        says(parent, interrupt())
        assert "missing ?" in says(parent, b"file_type == 'mo\t\n", b"?\r\n> ")
        assert "file_type == 'model'\n" in says(parent, b"\x1b[A\n", b"?\r\n> ")  # the last line again
        os.write(parent, b"\x04")
        assert process.wait(30) == 0
    kept = (tmp_path / "gpurules" / "history").read_text()
    assert "gpu_memory_free < 3\n" in kept
    assert "file_type == 'model'\n" in kept
    with terminal(tmp_path, "--snapshot", SNAPSHOT) as (parent, process):
        read_until(parent, b"> ")
        assert "file_type == 'model'" in says(parent, b"\x1b[A", b"model'")


@pytest.mark.slow
def test_on_a_terminal_a_condition_goes_on_until_it_is_whole_or_dropped(tmp_path: Path) -> None:
    with terminal(tmp_path) as (parent, process):
        assert b"no snapshot is loaded: type :snapshot FILE" in read_until(parent, b"> ")
        says(parent, b":snapshot " + SNAPSHOT.encode() + b"\n")
        assert "true on GPU 0\n" in says(parent, b"(gpu_memory > 80 OR\n# a comment\ngpu_power > 3W)\n", b"?\r\n> ")
        assert "but a value is expected" in says(parent, b"gpu_memory > 80 AND\n\n", b"GPR003\r\n> ")
        assert "..." in says(parent, b"gpu_memory > 80 AND\n", b"... ")
        says(parent, interrupt())
        assert "true\n" in says(parent, b"gpu_count == 2\n", "\u2713\r\n> ".encode())
        os.write(parent, b":quit\n")
        assert process.wait(30) == 0


@pytest.mark.parametrize("word", ["quit", "exit", ":quit", ":q", ":exit"])
def test_these_words_end_it(gpurules: Any, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    assert typed(gpurules, monkeypatch, word, "gpu_count == 2") == ""
