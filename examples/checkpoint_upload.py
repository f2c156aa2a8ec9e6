"""The upload of a checkpoint at full speed, and of a dataset that the rules slow down while the GPU is hot.

    python examples/checkpoint_upload.py http://127.0.0.1:5000 bucket

Credentials and region come from wherever boto3 finds them.
"""

import sys
import tempfile
import time
from pathlib import Path

import boto3

from gpurules.clients import S3, PartOptions
from gpurules.engine import Engine
from gpurules.governor import Governor, StateChange
from gpurules.model import GPU, Snapshot, Transfer
from gpurules.rules import loads

RULES = """
version: 1
name: checkpoints
rules:
  - name: checkpoints_first
    condition: file_type == 'model' AND operation == 'write'
    action: increase_priority
    parameters: {priority_boost: 50}
  - name: slow_the_rest
    condition: gpu_temperature > 80 AND file_type != 'model'
    action: limit_bandwidth
    parameters: {max_bandwidth: 4MiB/s}
"""
PART, SIZE = 5 * 1024**2, 12 * 1024**2


def main(endpoint: str, bucket: str) -> None:
    """Upload a dataset and a checkpoint of one size, and print how long each took, and what the rules asked."""
    engine, folder = Engine(loads(RULES)), Path(tempfile.mkdtemp())
    engine.observe(Snapshot(timestamp=time.time(), gpus=(GPU(index=0, temperature=85),)))
    governor = Governor(engine)

    def show(change: StateChange) -> None:
        print(f"{change.transfer.id:12} {change.after}", flush=True)

    governor.on_change(show)
    with S3(governor, boto3.client("s3", endpoint_url=endpoint), options=PartOptions(piece_size=PART)) as s3:
        for name in ("rows.csv", "step-100.pt"):
            (folder / name).write_bytes(bytes(SIZE))
            transfer = Transfer(id=name, path=name, operation="write")
            rules = governor.decider.requirements(transfer).rules
            began = time.monotonic()
            s3.upload(folder / name, bucket, name, transfer=transfer)
            print(f"{name:12} uploaded in {time.monotonic() - began:.1f} s under {', '.join(rules)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
