"""A process that uploads a file in parts: run by the tests, and killed by them."""

import sys
import time
from pathlib import Path

import boto3

from gpurules.clients import S3, PartOptions
from gpurules.engine import Engine
from gpurules.governor import Governor
from gpurules.rules import loads


def main(endpoint: str, source: str, pause: str) -> None:
    """Upload *source* to ``bucket/up``; before each part wait *pause* seconds, so that one can be killed in between."""
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1"
    )
    sent = Path(f"{source}.sent")

    def note(**_: object) -> None:
        with sent.open("a") as file:
            file.write("part\n")
        time.sleep(float(pause))  # so that the test can kill this process in between

    client.meta.events.register("before-call.s3.UploadPart", note)
    engine = Engine(loads("version: 1\nname: none\nrules: []"))
    with S3(Governor(engine), client, options=PartOptions(piece_size=5 * 1024**2, parts_ahead=1)) as s3:
        s3.upload(source, "bucket", "up")


if __name__ == "__main__":
    main(*sys.argv[1:])
