"""The short examples run, and their output shows what the rules did."""

import os
import re
import subprocess
import sys

import pytest

from examples.servers import Moto

pytestmark = pytest.mark.slow
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def run(root, tmp_path, name, *arguments):
    done = subprocess.run(
        [sys.executable, f"examples/{name}.py", *arguments],
        cwd=root,
        env={**os.environ, **KEYS, "TMPDIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_training_loop_reads_on_with_less_prefetch_and_waits_while_the_gpu_is_full(root, tmp_path):
    pytest.importorskip("fsspec")
    lines = run(root, tmp_path, "training_loop").splitlines()
    assert [line for line in lines if line.startswith("shard")] == [
        "shard 0: GPU memory 50 %, 100% of the prefetch",
        "shard 1: GPU memory 85 %, 25% of the prefetch",
        "shard 2: GPU memory 97 %, 25% of the prefetch",
        "shard 3: GPU memory 50 %, 100% of the prefetch",
    ]
    assert lines.count("  shard-2.tar is held by wait_while_full") == 1
    assert lines[-1] == f"4 shards, 1 held, {4 * 1024**2} bytes"


def test_pandas_reads_by_url_and_is_held(root, tmp_path):
    pytest.importorskip("fsspec")
    pytest.importorskip("pandas")
    lines = run(root, tmp_path, "pandas_by_url").splitlines()
    assert "read  held because of tables_wait" in lines
    assert lines[-1] == "3 rows, 1 hold"


def test_the_checkpoint_goes_first_and_the_dataset_is_slowed(root, tmp_path):
    pytest.importorskip("boto3")
    pytest.importorskip("moto.server")
    with Moto() as server:
        client = server.client()
        client.create_bucket(Bucket="bucket")
        out = run(root, tmp_path, "checkpoint_upload", server.endpoint, "bucket")
        sizes = [client.head_object(Bucket="bucket", Key=key)["ContentLength"] for key in ("rows.csv", "step-100.pt")]
        client.close()
    assert sizes == [12 * 1024**2] * 2
    slow, fast = (float(seconds) for seconds in re.findall(r"uploaded in ([\d.]+) s under", out))
    assert slow >= 2 and fast >= 0, "10 of 12 MiB are paid for at 4 MiB/s before the last part may go"
    assert "under slow_the_rest" in out and "under checkpoints_first" in out
    assert "step-100.pt  done" in out
