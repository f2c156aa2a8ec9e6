"""``gpurules run --publish FILE`` and what else an agent keeps: what cannot be written is said, and nothing is lost."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gpurules import GPU, Snapshot
from gpurules.service.state_file import StateFile, StateFileError

AGENT = ("run", "gpurules:coordinator", "--source", "replay:node.jsonl")
ONCE = (*AGENT, "--once", "--publish")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    snapshots = (Snapshot(timestamp=1000.0 + n, gpus=(GPU(index=0, uuid="GPU-0", memory=40.0),)) for n in range(3))
    (tmp_path / "node.jsonl").write_text("".join(f"{json.dumps(snapshot.to_dict())}\n" for snapshot in snapshots))
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes").write_text("not a state file")
    os.mkfifo(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("folder", "is a directory"),
        ("", "names no file"),
        ("missing/state", "missing is not a folder"),
        ("notes/state", "notes"),
        ("notes", "notes is not a state file and would be overwritten"),
        ("pipe", "it is a named pipe"),
        ("/dev/null", "it is a device"),
        ("/proc/state", "/proc"),
        ("x" * 300, "name too long"),
    ],
)
def test_a_path_that_cannot_be_one_ends_the_run_with_its_reason(
    gpurules: Any, tmp_path: Path, path: str, said: str
) -> None:
    before = sorted(tmp_path.iterdir())
    done = gpurules(*ONCE, path)
    assert done.code == 2
    assert said in done.err.lower() and len(done.err.splitlines()) == 1, done.err
    assert "Traceback" not in done.err and ".state." not in done.err, "no name that the user has not given"
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "notes").read_text() == "not a state file"


def test_the_state_file_goes_with_the_agent(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules(*ONCE, "state")
    assert done.code == 0
    assert not (tmp_path / "state").exists()
    with pytest.raises((StateFileError, FileNotFoundError)):
        StateFile(tmp_path / "state").read()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--history", "store"), "gpurules history import"),
        (("--metrics-port", "19999"), "requires a running agent"),
        (("--client", "readahead=/x"), "--client requires live telemetry"),
        (("--history", ""), "names no store"),
    ],
)
def test_what_only_an_agent_does_is_not_dropped_silently_for_a_recording(
    gpurules: Any, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = gpurules(*AGENT, *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert not (tmp_path / "store").exists()


def test_a_store_named_by_the_environment_does_not_stop_a_recording(
    gpurules: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPURULES_HISTORY_STORE", str(tmp_path / "store"))
    assert gpurules(*AGENT).code == 0
