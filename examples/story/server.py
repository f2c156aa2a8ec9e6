"""A real S3 server on the loopback: SeaweedFS where it is installed, else moto."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

BUCKET = "story"
START_SECONDS = 90.0


def weed() -> str | None:
    """Return the program of SeaweedFS, None where it is not installed."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


class Server:
    """The server, which can be killed and started again; *objects* are in it, also after that."""

    def __init__(self, kind: str, folder: Path, objects: Mapping[str, bytes]) -> None:
        self.kind = kind
        self._objects = objects
        self._ports = _free_ports(4)
        self._folder = folder
        folder.mkdir()
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self._ports[0]}",
            aws_access_key_id="story",
            aws_secret_access_key="story",
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=20, max_pool_connections=20),
        )
        self.start()
        self._fill()

    def start(self) -> None:
        """Start it, and wait until it takes objects."""
        command = self._weed() if self.kind == "seaweedfs" else self._moto()
        self._process = subprocess.Popen(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._takes_objects():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise SystemExit(f"story: {self.kind} did not come up")
            time.sleep(0.1)
        if self.kind == "moto":
            self._fill()  # it keeps its objects in memory

    def kill(self) -> None:
        """End it without a warning."""
        self._process.kill()
        self._process.wait(10)

    def close(self) -> None:
        """End it and the client."""
        self.client.close()
        self.kill()

    def _weed(self) -> list[str]:
        s3, master, volume, filer = self._ports
        options = {
            "dir": self._folder, "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "volume.max": 20, "filer": "true",
            "s3": "true", "s3.port": s3, "master.port": master, "volume.port": volume, "filer.port": filer,
            "master.volumeSizeLimitMB": 64,
        }  # fmt: skip
        return [str(weed()), "server", *(f"-{name}={value}" for name, value in options.items())]

    def _moto(self) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._ports[0])]

    def _takes_objects(self) -> bool:
        """Return whether an object can be written: SeaweedFS answers some seconds before."""
        try:
            if BUCKET not in [bucket["Name"] for bucket in self.client.list_buckets()["Buckets"]]:
                self.client.create_bucket(Bucket=BUCKET)
            self.client.put_object(Bucket=BUCKET, Key="probe", Body=b"probe")
        except (BotoCoreError, ClientError):
            return False
        return True

    def _fill(self) -> None:
        for key, data in self._objects.items():
            self.client.put_object(Bucket=BUCKET, Key=key, Body=data)


def _free_ports(count: int) -> list[int]:
    """Return ports that are free, and so are those 10000 above, which SeaweedFS takes too."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1]
            try:
                high.bind(("127.0.0.1", port - 10_000))
            except OSError:
                continue
            found.append(port - 10_000)
    return found
