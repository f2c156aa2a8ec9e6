"""Ctrl-C ends every verb that may take its time with 130 and one line, wherever it is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RULES = "version: 1\nname: x\nrules:\n  - {name: a, condition: gpu_memory > 80, action: pause_transfer}\n"
WAITING = [
    ("lint", "wait.rules.yaml"),
    ("lint", "--fix", "wait.rules.yaml"),
    ("lint", "x.rules.yaml", "--history", "wait.jsonl"),
    ("fmt", "wait.rules.yaml"),
    ("test", "wait.test.yaml"),
    ("testgen", "wait.rules.yaml"),
    ("eval", "-r", "wait.rules.yaml"),
    ("explain", "x.rules.yaml", "--snapshot", "wait.jsonl"),
    ("repl", "--snapshot", "wait.jsonl"),
    ("diff", "x.rules.yaml", "wait.rules.yaml"),
    ("diff", "x.rules.yaml", "y.rules.yaml", "--history", "wait.jsonl"),
    ("run", "x.rules.yaml", "--source", "replay:wait.jsonl"),
    ("watch", "x.rules.yaml", "--source", "replay:wait.jsonl"),
    ("record", "--source", "replay:wait.jsonl", "-o", "out.jsonl"),
    ("snapshot", "--source", "replay:wait.jsonl"),
]
"""Commands that wait for a pipe that nobody writes to."""


def opened(pipe: Path, program: subprocess.Popen[bytes]) -> int:
    """Return the other end of *pipe*, once *program* reads from it."""
    until = time.monotonic() + 60
    while program.poll() is None and time.monotonic() < until:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.02)
    pytest.fail(f"nobody reads {pipe.name}")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", WAITING, ids=" ".join)
def test_a_verb_that_waits_is_interrupted(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    for name in ("x", "y"):
        (tmp_path / f"{name}.rules.yaml").write_text(RULES)
    named = next(word.removeprefix("replay:") for word in arguments if "wait." in word)
    os.mkfifo(tmp_path / named)
    command = [sys.executable, "-m", "gpurules", *arguments]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        end = opened(tmp_path / named, program)
        try:
            program.send_signal(signal.SIGINT)
            _, said = program.communicate(timeout=60)
        finally:
            os.close(end)
    # before the one line click ends the one in which a terminal shows ^C
    assert (program.returncode, said.lstrip(b"\n")) == (130, b"gpurules: interrupted\n")


def test_what_is_still_loading_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gpurules import __main__
    from gpurules.cli import main

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "main", interrupted)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert (ended.value.code, capsys.readouterr().err) == (130, "gpurules: interrupted\n")
