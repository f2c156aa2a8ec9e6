"""``gpurules snapshot``."""

import json
from pathlib import Path
from typing import Any

SNAPSHOT = {
    "timestamp": 1767225600.0,
    "host": "node-7",
    "gpus": [
        {"index": 0, "name": "NVIDIA H100", "memory_used": 42, "memory_total": 84, "temperature": 71, "power": 653.2},
        {"index": 1, "name": "NVIDIA H100", "status": "lost"},
    ],
}


def recording(tmp_path: Path) -> Path:
    path = tmp_path / "node.jsonl"
    path.write_text(json.dumps(SNAPSHOT) + "\n")
    return path


def test_a_snapshot_is_a_table_in_which_missing_is_said(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules("snapshot", "--source", f"replay:{recording(tmp_path)}")
    assert done.code == 0
    assert done.out.splitlines() == [
        "node-7 · 2026-01-01 00:00:00 UTC · 2 GPUs · 1 lost",
        "",
        "GPU  name         memory          temperature  power    status",
        "0    NVIDIA H100  50.0 % of 84 B  71 C         653.2 W  ok",
        "1    NVIDIA H100  missing         missing      missing  lost",
    ]


def test_json_is_what_recordings_hold(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules("snapshot", "--source", f"replay:{recording(tmp_path)}", "--format", "json")
    assert json.loads(done.out)["gpus"][0]["memory_used"] == 42


def test_a_source_is_asked_for(gpurules: Any) -> None:
    assert gpurules("snapshot").code == 2


def test_a_recording_that_is_not_there_is_2(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules("snapshot", "--source", f"replay:{tmp_path}/none.jsonl")
    assert (done.code, done.out) == (2, "")
    assert "no such file" in done.err


def test_a_wrong_source_is_2_and_the_nearest_is_offered(gpurules: Any) -> None:
    done = gpurules("snapshot", "--source", "reply:x")
    assert done.code == 2
    assert "did you mean 'replay'?" in done.err


def test_options_of_another_source_are_refused(gpurules: Any) -> None:
    assert gpurules("snapshot", "--source", "synthetic:gpus=1", "--columns", "index").code == 2
