"""Ctrl-C ends every command that may take its time with 130 and one line, wherever it is."""

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.preloading import preloaded
from tests.waiting import wait_until, while_running

RULES = "version: 1\nname: x\nrules:\n  - {name: a, condition: gpu_memory > 80, action: pause_transfer}\n"
LATE_SIGNAL = Path(__file__).with_name("late_signal.c")
WAITING = [
    ("lint", "x.rules.yaml", "--history", "wait.jsonl"),
    ("diff", "x.rules.yaml", "y.rules.yaml", "--history", "wait.jsonl"),
    ("run", "x.rules.yaml", "--source", "replay:wait.jsonl"),
    ("watch", "x.rules.yaml", "--source", "replay:wait.jsonl"),
    ("record", "--source", "replay:wait.jsonl", "-o", "out.jsonl"),
    ("snapshot", "--source", "replay:wait.jsonl"),
    ("run", "x.rules.yaml", "--source", "synthetic:gpus=1", "--transfers", "wait.jsonl"),
]
"""Commands that wait for a recording from a pipe without a writer."""
AT_STDIN = [
    ("lint", "-"),
    ("fmt", "-"),
    ("test", "-"),
    ("eval", "-r", "-"),
    ("explain", "x.rules.yaml", "--snapshot", "-"),
    ("repl", "--snapshot", "-"),
    ("repl",),
    ("run", "-", "--source", "synthetic:gpus=1"),
]
"""Commands that wait for a stdin without a writer."""


def opened(pipe: Path, program: subprocess.Popen[bytes]) -> int:
    """Return the other end of *pipe*, once *program* reads from it."""

    def descriptor() -> int | None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return None

    opened = wait_until(while_running(program, descriptor), 60, f"{pipe.name} has a reader")
    assert opened is not None
    return opened


def until_it_reads_stdin(program: subprocess.Popen[bytes]) -> None:
    def reads() -> bool:
        number, _, arguments = Path(f"/proc/{program.pid}/syscall").read_text().partition(" ")
        return number == str(_READ.get(platform.machine())) and arguments.startswith("0x0 ")

    wait_until(while_running(program, reads), 60, "it reads stdin")


_READ = {"x86_64": 0, "aarch64": 63}
"""The number of the system call ``read``."""


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in _READ, reason="the number of a system call is not a known value")
@pytest.mark.parametrize("arguments", AT_STDIN, ids=" ".join)
def test_a_command_that_waits_for_stdin_is_interrupted(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "x.rules.yaml").write_text(RULES)
    with subprocess.Popen(
        [sys.executable, "-m", "gpurules", *arguments],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        until_it_reads_stdin(program)
        program.send_signal(signal.SIGINT)
        assert program.stderr is not None
        said = program.stderr.read()
        assert program.wait(60) == 130
    assert said.lstrip(b"\n") == b"gpurules: interrupted\n"


@pytest.mark.parametrize(
    "arguments",
    [("lint",), ("lint", "--fix"), ("fmt",), ("test",), ("testgen",), ("eval", "-r"), ("diff", "x.rules.yaml")],
    ids=" ".join,
)
def test_a_pipe_in_place_of_a_file_is_refused_at_once(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "x.rules.yaml").write_text(RULES)
    os.mkfifo(tmp_path / "wait.rules.yaml")
    done = subprocess.run(
        [sys.executable, "-m", "gpurules", *arguments, "wait.rules.yaml"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert "it is a named pipe, and only regular files can be read" in done.stdout + done.stderr


def run_until_interrupted(
    folder: Path, arguments: Sequence[str], send: Callable[[subprocess.Popen[bytes]], object], **environment: str
) -> tuple[int, bytes]:
    """Run a command that reads from a pipe to which nothing is written; return its exit code and what it said.

    *send* is called once it reads; before what it said, click ends the line in which a terminal shows ^C.
    """
    for name in ("x", "y"):
        (folder / f"{name}.rules.yaml").write_text(RULES)
    pipe = folder / pipe_in(arguments)
    os.mkfifo(pipe)
    with subprocess.Popen(
        [sys.executable, "-m", "gpurules", *arguments],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    ) as program:  # fmt: skip
        end = opened(pipe, program)
        try:
            send(program)
            _, said = program.communicate(timeout=60)
        finally:
            os.close(end)
    return program.returncode, said.lstrip(b"\n")


def pipe_in(arguments: Sequence[str]) -> str:
    return next(word.removeprefix("replay:") for word in arguments if "wait." in word)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", WAITING, ids=" ".join)
def test_a_command_that_waits_is_interrupted(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ended = run_until_interrupted(tmp_path, arguments, lambda program: program.send_signal(signal.SIGINT))
    assert ended == (130, b"gpurules: interrupted\n")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", WAITING, ids=" ".join)
def test_a_signal_that_arrives_just_before_a_wait_interrupts_it(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    shim, late = str(preloaded(LATE_SIGNAL)), f"/{pipe_in(arguments)}"
    ended = run_until_interrupted(tmp_path, arguments, lambda program: None, LD_PRELOAD=shim, LATE_SIGNAL=late)
    assert ended == (130, b"gpurules: interrupted\n")


def test_what_is_still_loading_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gpurules import __main__
    from gpurules.cli import main
    from gpurules.cli.process import signals

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "main", interrupted)
    monkeypatch.setattr(signals, "_EARLY", signals._Early())
    answers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(SystemExit) as ended:
            __main__.main()
    finally:
        for number, answer in answers.items():
            signal.signal(number, answer)
    assert (ended.value.code, capsys.readouterr().err) == (130, "gpurules: interrupted\n")
