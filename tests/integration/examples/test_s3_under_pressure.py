"""The example runs, and does what it says."""

import hashlib
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.servers import Moto

boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto.server")

ROOT = Path(__file__).resolve().parents[3]
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def test_the_download_pauses_once_and_the_model_overtakes(tmp_path):
    contents = {name: random.Random(name).randbytes(5 * 1024**2 + 3) for name in ("dataset.tar", "model.safetensors")}
    server = Moto()
    endpoint = server.endpoint
    try:
        client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="t", aws_secret_access_key="t", region_name="us-east-1"
        )
        client.create_bucket(Bucket="bucket")
        for name, data in contents.items():
            client.put_object(Bucket="bucket", Key=name, Body=data)
        client.close()
        done = subprocess.run(
            [sys.executable, "examples/s3_under_pressure.py", endpoint, "bucket", *contents],
            cwd=ROOT,
            env={**os.environ, **KEYS, "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        server.kill()
    assert done.returncode == 0, done.stderr
    steps = re.findall(r" s  (\w+) +(\w+)(?:  because of (\w+))?", done.stdout)
    assert steps == [
        ("dataset", "queued", ""),
        ("dataset", "running", ""),
        ("dataset", "paused", "cool_down"),
        ("model", "queued", ""),
        ("model", "running", ""),
        ("model", "done", ""),
        ("dataset", "running", ""),
        ("dataset", "done", ""),
    ]
    folder = Path(done.stdout.split("files in ")[1].strip())
    for name, data in contents.items():
        assert hashlib.sha256((folder / Path(name).stem).read_bytes()).digest() == hashlib.sha256(data).digest()
