"""SeaweedFS as a process of the tests: a real S3 server, whose objects outlive its process."""

import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

WEED = Path(sys.executable).with_name("weed")


def free_ports(count: int) -> list[int]:
    """Return ports that are free, and so are those 10000 above, which SeaweedFS takes too."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as low, socket.socket() as high, suppress(OSError):
            high.bind(("127.0.0.1", 0))
            port = high.getsockname()[1] - 10_000
            low.bind(("127.0.0.1", port))
            found.append(port)
    return found


class Seaweed:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master, self.volume, self.filer, self.port = free_ports(4)
        self.start()

    def start(self) -> None:
        options = {
            "dir": self.folder,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "volume.max": 20,
            "master.port": self.master,
            "volume.port": self.volume,
            "filer.port": self.filer,
            "filer": "true",
            "s3": "true",
            "s3.port": self.port,
            "master.volumeSizeLimitMB": 64,
            "s3.port.iceberg": 0,  # these two are fixed otherwise, and a second server ends itself
            "s3.port.lance": 0,
            "master.telemetry": "false",
        }
        command = [str(WEED), "server", *(f"-{name}={value}" for name, value in options.items())]
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


def ready(client, seconds: float = 60) -> None:
    """Wait until an object can be written: S3 answers some seconds before."""
    from botocore.exceptions import BotoCoreError, ClientError

    deadline = time.monotonic() + seconds
    while True:
        try:
            with suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
                client.create_bucket(Bucket="bucket")
            client.put_object(Bucket="bucket", Key="probe", Body=b"probe")
            return
        except (BotoCoreError, ClientError):
            assert time.monotonic() < deadline, "SeaweedFS did not come up"
            time.sleep(0.3)
