"""A real S3 server for the benchmarks: SeaweedFS, in a process of its own on the loopback."""

import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import urlopen

WEED = Path(sys.executable).with_name("weed")
START_SECONDS = 90.0


class Seaweed:
    """The server, in ``with``: it has the folder to itself, and ends with the block."""

    def __init__(self, folder: Path) -> None:
        self._s3, self._master, volume, filer = _free_ports(4)
        options = {
            "dir": folder, "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "volume.max": 100, "filer": "true", "s3": "true",
            "s3.port": self._s3, "master.port": self._master, "volume.port": volume, "filer.port": filer,
            "master.volumeSizeLimitMB": 1024,
            # fixed ports, on which a second server would end; and statistics that nobody asked for
            "s3.port.iceberg": 0, "s3.port.lance": 0, "master.telemetry": "false",
        }  # fmt: skip
        command = [str(WEED), "server", *(f"-{name}={value}" for name, value in options.items())]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, cwd=folder, **quiet)

    def vacuum(self) -> None:
        """Have the room of objects that were replaced given back, which the server does by itself only now and then."""
        urlopen(f"http://127.0.0.1:{self._master}/vol/vacuum?garbageThreshold=0.01", timeout=120).close()

    @property
    def endpoint(self) -> str:
        """Where S3 answers."""
        return f"http://127.0.0.1:{self._s3}"

    def ready(self, client: Any, bucket: str) -> None:
        """Wait until an object can be written into *bucket*, which is made: S3 answers some seconds before."""
        from botocore.exceptions import BotoCoreError, ClientError

        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
                    client.create_bucket(Bucket=bucket)
                client.put_object(Bucket=bucket, Key="probe", Body=b"probe")
                return
            except (BotoCoreError, ClientError):
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise SystemExit("SeaweedFS did not come up") from None
                time.sleep(0.2)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(10)


def _free_ports(count: int) -> list[int]:
    """Return ports that are free, and so are those 10000 above, which SeaweedFS takes too."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as low, socket.socket() as high:
            high.bind(("127.0.0.1", 0))
            port = high.getsockname()[1] - 10_000
            with suppress(OSError):
                low.bind(("127.0.0.1", port))
                found.append(port)
    return found
