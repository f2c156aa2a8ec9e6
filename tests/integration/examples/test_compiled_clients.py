"""The clients in Go and C on compiled rules: an agent, a state file, a real SeaweedFS, and a timeline."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpurules.service.state_file.reader import StateFile
from tests.targets import GCC, GO, STRICT, run, write
from tests.waiting import wait_until, while_running

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
FULL_SECONDS = 4.0


def recording(folder: Path) -> Path:
    """Write telemetry of a GPU that is nearly full for some seconds, and then is not."""
    lines = []
    for step in range(200):
        at = step * 0.25
        gpu = {"index": 0, "uuid": "GPU-0", "memory_total": 100, "memory_used": 84 if at < FULL_SECONDS else 40}
        lines.append(json.dumps({"timestamp": 1000.0 + at, "gpus": [{**gpu, "temperature": 60}]}))
    path = folder / "node.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def is_fresh(state: Path) -> bool:
    """Whether the file holds a poll: it exists before the first one, and until then every decision is neutral."""
    return state.exists() and not StateFile(state).read().stale


@contextmanager
def agent(folder: Path) -> Iterator[Path]:
    """Run an agent that publishes meanwhile; give the path of its state file."""
    state = folder / "state"
    command = [
        sys.executable,
        "-m",
        "gpurules",
        "run",
        "gpurules:coordinator",
        "--source",
        f"replay:{recording(folder)}",
    ]
    process = subprocess.Popen(
        [*command, "--interval", "0.25", "--publish", str(state)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        wait_until(while_running(process, lambda: is_fresh(state)), 60, "the first poll is published")
        yield state
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        process.communicate(timeout=30)
    assert not state.exists(), "an agent that ends in order removes its state file"


def built(target: str, folder: Path) -> None:
    run(
        [sys.executable, "-m", "gpurules", "build", "gpurules:coordinator", "--target", target, "-o", str(folder)],
        folder,
    )


def check(timeline: str) -> None:
    """The model goes at once and first; the dataset waits while the GPU is nearly full, and the line says why."""
    model = next(line for line in timeline.splitlines() if "model.safetensors" in line)
    waits = timeline.index("waits")
    assert "boost 50" in model and "waits" not in model, timeline
    assert "delay_on_memory_pressure on GPU 0" in timeline, timeline
    done = [line for line in timeline.splitlines() if "shard-1.tar" in line and "bytes" in line]
    assert len(done) == 1 and "boost 0" in done[0], timeline
    assert timeline.index(done[0]) > waits


@pytest.mark.skipif(GO is None, reason="Go is not installed")
def test_the_client_in_go_downloads_from_seaweedfs_as_the_rules_let_it(tmp_path: Path) -> None:
    boto3 = pytest.importorskip("boto3")
    assert boto3
    from examples.servers import SeaweedFS, weed

    if weed() is None:
        pytest.skip("SeaweedFS is not installed")
    (tmp_path / "go").mkdir()
    built("go", tmp_path / "go")
    sources = {f"client/{path.name}": path.read_text() for path in (EXAMPLES / "go_client").glob("*.go")}
    write(sources, tmp_path / "go")
    run(["go", "vet", "./..."], tmp_path / "go")
    run(["go", "build", "-o", "answer", "./client"], tmp_path / "go")
    (tmp_path / "weed").mkdir()
    with SeaweedFS(tmp_path / "weed") as server:
        client = server.client()
        server.ready("data")
        for name in ("model.safetensors", "shard-1.tar"):
            client.put_object(Bucket="data", Key=name, Body=b"x" * 100_000)
        urls = [
            f"http://127.0.0.1:{server._filer}/buckets/data/{name}" for name in ("shard-1.tar", "model.safetensors")
        ]
        with agent(tmp_path) as state:
            timeline = run([str(tmp_path / "go" / "answer"), str(state), "40", *urls], tmp_path)
    check(timeline)
    assert "100000 bytes" in timeline
    assert "0 left; ruleset coordinator" in timeline


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
def test_the_client_in_c_copies_files_as_the_rules_let_it(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    built("c", tmp_path / "rules")
    source = str(EXAMPLES / "c_client.c")
    run(["gcc", *STRICT, "-O1", "-Irules", source, "rules/gr.c", "-o", "answer", "-lm"], tmp_path)
    for name in ("shard-1.tar", "model.safetensors"):
        (tmp_path / name).write_bytes(b"x" * 1000)
    with agent(tmp_path) as state:
        timeline = run(["./answer", str(state), "40", "shard-1.tar", "model.safetensors"], tmp_path)
    check(timeline)
    assert "0 left; the state is fresh" in timeline
