"""``gpurules record``."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.coordinator.stand import Script, gpu
from tests.waiting import wait_until


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script(time.time, (gpu(50),))
    monkeypatch.setattr(
        "gpurules.cli.commands.record.open_telemetry", lambda source, options: (script, 0.1)
    )  # a read that takes longer counts as none
    return script


def test_it_writes_a_snapshot_a_line(gpurules: Any, source: Script) -> None:
    done = gpurules("record", "--source", "nvml", "--count", "3")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0
    assert len(lines) == 3
    assert [line["timestamp"] for line in lines] == sorted({line["timestamp"] for line in lines})
    assert source.closed


def test_a_file_is_added_to_and_can_be_played_back(gpurules: Any, source: Script, tmp_path: Path) -> None:
    path = tmp_path / "node.jsonl"
    for _ in range(2):
        done = gpurules("record", "--source", "nvml", "--count", "2", "-o", path)
        assert (done.code, done.out, done.err) == (0, "", f"gpurules: 2 snapshots added to {path}\n")
    played = gpurules("run", "gpurules:default", "--source", f"replay:{path}")
    assert "4 snapshots" in played.out


def test_simulated_telemetry_is_written_at_once(gpurules: Any) -> None:
    began = time.monotonic()
    done = gpurules("record", "--source", "synthetic:gpus=1,seconds=600")
    assert (done.code, len(done.out.splitlines())) == (0, 60)
    assert time.monotonic() - began < 60, "ten minutes are not waited for"


def test_what_fails_is_said_once_and_tried_again(gpurules: Any, source: Script) -> None:
    source.error = RuntimeError("the driver is gone")

    def recover() -> None:
        wait_until(lambda: source.reads > 5)
        source.error = None

    thread = threading.Thread(target=recover)
    thread.start()
    done = gpurules("record", "--source", "nvml", "--count", "1")
    thread.join()
    assert (done.code, len(done.out.splitlines())) == (0, 1)
    why, then = done.err.splitlines()
    assert why == "gpurules: no telemetry: script: RuntimeError: the driver is gone"
    assert then.startswith("gpurules: retrying every ") and "Ctrl-C" in then


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_what_was_recorded(gpurules: Any, source: Script, number: int, code: int) -> None:
    def interrupt() -> None:
        wait_until(lambda: source.reads > 5)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    done = gpurules("record", "--source", "nvml")
    thread.join()
    assert done.code == code
    assert len(done.out.splitlines()) >= 4


def test_a_place_that_cannot_be_written_is_2(gpurules: Any, source: Script, tmp_path: Path) -> None:
    done = gpurules("record", "--source", "nvml", "-o", tmp_path / "none" / "x.jsonl")
    assert (done.code, len(done.err.splitlines())) == (2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello\n",
        '<?xml version="1.0"?>\n<nvidia_smi_log>\n',
        '{"card0": {\n',
        "timestamp, index, fan.speed [%]\nx\n",
    ],
)
def test_a_recording_that_cannot_be_read_ends_at_once_with_2(gpurules: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad").write_text(text)
    began = time.monotonic()
    done = gpurules("record", "--source", f"replay:{tmp_path / 'bad'}")
    assert (done.code, done.out) == (2, "")
    assert "bad" in done.err
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("subcommand", ["record", "run", "lint", "diff", "snapshot"])
def test_every_command_that_plays_a_recording_reports_what_it_leaves_out(
    gpurules: Any, tmp_path: Path, subcommand: str
) -> None:
    path = tmp_path / "smi.csv"
    bad = "".join(f"torn {n}\n" for n in range(9))
    path.write_text(f"timestamp, index, fan.speed [%]\n{bad}2026/01/01 00:00:00, 0, 7 %\n2026/01/01 00:00:05, 0, 7 %\n")
    arguments = {
        "lint": ("gpurules:thermal", "--history", path),
        "diff": ("gpurules:thermal", "gpurules:thermal", "--history", path),
        "run": ("gpurules:thermal", "--source", f"replay:{path}"),
    }.get(subcommand, ("--source", f"replay:{path}"))
    done = gpurules(subcommand, *arguments)
    assert done.code in (0, 1)
    assert [f"{path}:{line}: 1 cells for 3 columns" in done.err for line in range(2, 9)] == [True] * 5 + [False] * 2
    assert "and 4 more lines that could not be used" in done.err
