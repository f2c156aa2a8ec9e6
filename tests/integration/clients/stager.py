"""A process that stages an object and takes a copy: run by the tests, and killed by them."""

import json
import sys
import time
from pathlib import Path

import boto3

from gpurules.clients import S3, PartOptions, StagingArea
from gpurules.engine import Engine
from gpurules.governor import Governor
from gpurules.rules import loads

RULES = """
version: 1
name: stage
rules:
  - {name: big, condition: "true", action: stage_transfer, parameters: {staging_threshold: 1MB}}
"""
MIB = 1024**2


def main(endpoint: str, area: str, target: str, pause: str) -> None:
    """Download ``bucket/k``; after each ranged read, wait *pause* seconds, so that one can be killed in between.

    The faults that were counted are written beside the target at the end.
    """
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1"
    )
    from gpurules.model import GPU, Snapshot

    engine = Engine(loads(RULES))
    engine.observe(Snapshot(timestamp=time.time(), gpus=(GPU(index=0),)))
    reads = Path(f"{target}.reads")

    def note(params, **_: object) -> None:
        with reads.open("a") as file:
            file.write(params["headers"].get("Range", "") + "\n")
        time.sleep(float(pause))  # so that the test can kill this process in between

    client.meta.events.register("before-call.s3.GetObject", note)
    options = PartOptions(piece_size=MIB, parts_ahead=1)
    governor = Governor(engine)
    with S3(governor, client, options=options, staging=StagingArea(area, 100 * MIB)) as s3:
        s3.download("bucket", "k", target)
    Path(f"{target}.faults").write_text(json.dumps(dict(governor.status().faults)))


if __name__ == "__main__":
    main(*sys.argv[1:])
