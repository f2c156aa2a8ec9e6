"""``gpurules watch``."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.coordinator.stand import ruleset

RULES = ruleset(
    "{name: held, condition: pressure, action: pause_transfer}",
    "{name: models, condition: file_type == 'model' AND gpu_memory > 80, action: pause_transfer}",
    "{name: tried, condition: gpu_memory > 80, action: pause_transfer, mode: shadow}",
    "{name: dark, condition: gpu_fan_speed > 50, action: log}",
    "{name: off, condition: gpu_memory > 1, action: log, enabled: false}",
    signals="{pressure: {condition: gpu_memory > 85}}",
)
GIB = 2**30


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.rules.yaml").write_text(RULES)
    gpu = {"uuid": "GPU-a", "memory_total": 80 * GIB, "temperature": 61, "power": 212.4, "utilization": 97}
    lost = {"index": 1, "uuid": "GPU-b", "healthy": False, "missing": {"power": "gpu is lost"}}
    lines = [
        {
            "timestamp": 1767225600 + 10 * n,
            "host": "node-7",
            "gpus": [{**gpu, "index": 0, "memory_used": m * GIB}, lost],
        }
        for n, m in enumerate([40, 70, 71, 72])
    ]
    (tmp_path / "node.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


WATCH = ("watch", "node.rules.yaml", "--source", "replay:node.jsonl")


def test_one_frame_shows_all_that_there_is(gpurules: Any) -> None:
    done = gpurules(*WATCH, "--once", "--polls", "3")
    assert done.code == 0
    lines = done.out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("gpurules node-7 · tested ") and lines[0].endswith("00:00:20 UTC · 0 s old")
    assert lines[1] == "in force for transfers: paused"
    assert "88.8 %" in lines[3] and "71/80 GiB" in lines[3] and "61 C" in lines[3] and "212 W" in lines[3]
    assert "LOST" in lines[4] and "gpu is lost" in lines[4]
    assert re.search(r"▲ pressure +GPU 0 +on for 10 s", done.out)
    assert re.search(r"● held +GPU 0 for 10 s  pause_transfer", done.out)
    assert re.search(r"⇄ models +decided per transfer", done.out)
    assert re.search(r"◌ tried +would match \(shadow\)", done.out)
    assert re.search(r"\? dark +unknown", done.out)
    assert re.search(r"- off +disabled", done.out)
    assert "00:00:10 ▲ pressure on GPU 0" in done.out


@pytest.mark.parametrize(("width", "height"), [(60, 16), (80, 24), (100, 30), (120, 30), (200, 60)])
def test_a_frame_fits_its_screen(gpurules: Any, width: int, height: int) -> None:
    done = gpurules(
        "watch", "gpurules:coordinator", "--source", "synthetic:gpus=8,mig=1", "--once", "--polls", "90",
        "--width", width, "--height", height,
    )  # fmt: skip
    lines = done.out.splitlines()
    assert done.code == 0
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    for title in ("gpus", "signals", "rules", "latest"):
        assert f"─ {title} " in done.out


def test_without_telemetry_it_says_so(gpurules: Any) -> None:
    (Path.cwd() / "empty.jsonl").write_text("")
    done = gpurules("watch", "node.rules.yaml", "--source", "nvml:library=/none.so", "--once")
    assert done.code == 0
    assert "no telemetry yet" in done.out
    assert "! telemetry:" in done.out


def test_the_live_view_needs_a_terminal(gpurules: Any) -> None:
    done = gpurules(*WATCH)
    assert (done.code, len(done.err.splitlines())) == (2, 1)


class Terminal:
    """A program in a pseudo-terminal of 80 columns and 24 rows."""

    def __init__(self, *arguments: str) -> None:
        self.seen = ""
        self.child, self.descriptor = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="xterm-256color", TZ="UTC", COLUMNS="80", LINES="24")
            os.execv(sys.executable, [sys.executable, "-m", "gpurules", *arguments])
        import fcntl
        import termios

        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def wait_for(self, pattern: str, seconds: float = 10) -> None:
        """Read until *pattern* is seen in what came since the last time."""
        text, deadline = "", time.monotonic() + seconds
        while not re.search(pattern, text):
            assert time.monotonic() < deadline, text[-2000:]
            if select.select([self.descriptor], [], [], 0.05)[0]:
                try:
                    text += os.read(self.descriptor, 65536).decode("utf-8", "replace")
                except OSError:
                    break
                text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
        self.seen += text
        assert re.search(pattern, text), text[-2000:]

    def end(self, seconds: float = 10) -> int:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if select.select([self.descriptor], [], [], 0.02)[0]:
                with contextlib.suppress(OSError):
                    self.seen += os.read(self.descriptor, 65536).decode("utf-8", "replace")
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                os.close(self.descriptor)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.child, 9)
        raise AssertionError(f"it did not end: {self.seen[-2000:]}")


def test_a_real_terminal_shows_it_live_and_its_keys_work() -> None:
    terminal = Terminal("watch", "gpurules:coordinator", "--source", "synthetic:gpus=2", "--speed", "200")
    terminal.wait_for("reduce_prefetch_on_heat")
    terminal.press("\x1b[B\x1b[Be")
    terminal.wait_for("reduce_prefetch_on_critical_memory (did not match|matched)")
    terminal.press("efheat\r ")
    terminal.wait_for("FROZEN.*filter: heat")
    terminal.press("q")
    assert terminal.end() == 0
    assert "Traceback" not in terminal.seen


def test_ctrl_c_ends_it() -> None:
    terminal = Terminal("watch", "gpurules:coordinator", "--source", "synthetic:gpus=2", "--speed", "200")
    terminal.wait_for("reduce_prefetch_on_heat")
    terminal.press("\x03")
    assert terminal.end() == 130
    assert "Traceback" not in terminal.seen


def test_once_fills_the_terminal_that_it_is_drawn_on(tmp_path: Path) -> None:
    (tmp_path / "x.rules.yaml").write_text("version: 1\nname: x\nrules: []\n")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 133, 0, 0))
    command = [sys.executable, "-m", "gpurules", "watch", "x.rules.yaml", "--source", "synthetic:gpus=2", "--once"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=theirs, env={**os.environ, "NO_COLOR": "1"}) as process:
        os.close(theirs)
        drawn = b""
        try:
            while chunk := os.read(ours, 65536):
                drawn += chunk
        except OSError:  # the other side is closed
            pass
        assert process.wait(60) == 0
    os.close(ours)
    lines = drawn.decode().rstrip("\r\n").split("\r\n")
    assert max(map(len, lines)) == 133
    assert len(lines) <= 31
