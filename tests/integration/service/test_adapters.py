"""Every storage client under ``connect()`` in place of an engine: it follows the agent, and outlives its death."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import gpurules
from examples.servers import Moto
from gpurules.clients import CLIENTS, S3, Aiobotocore, Boto3, Follower, GovernedLoader, Obstore
from gpurules.clients.client import Client
from gpurules.clients.filesystem import use
from gpurules.clients.kvikio import kvikio
from gpurules.clients.loaders import register
from gpurules.clients.mounts import juicefs, rclone, readahead
from gpurules.clients.mounts.mountinfo import mount_of
from gpurules.clients.mounts.rclone import BandwidthSetting
from gpurules.clients.settings.restorable_setting import SettingError
from gpurules.governor import Governor, Limits
from gpurules.remote import RemoteEngine
from tests.integration.service.agents import RunningAgent, Start
from tests.waiting import wait_until

readahead_module = import_module("gpurules.clients.mounts.readahead")
pytestmark = pytest.mark.slow
boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto.server")
pytest.importorskip("aiobotocore")
pytest.importorskip("obstore")

DATA = bytes(range(256)) * 8192
KEYS: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
RULES = """\
version: 1
name: node
settings: {poll_interval: 200ms, stale_after: 3s}
rules:
  - {name: hold, condition: gpu_temperature > 20C AND path IS NOT MISSING, action: delay_transfer,
     parameters: {delay: 60s}}
  - name: slow
    condition: gpu_temperature > 20C
    actions:
      - {action: limit_bandwidth, parameters: {max_bandwidth: 5MB/s}}
      - {action: limit_concurrency, parameters: {max_concurrency: 2}}
      - {action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
"""
IDLE = RULES.replace("> 20C", "> 200C")
SECONDS = 15.0


class Store:
    """A bucket with one object, and a folder with the same in a file."""

    def __init__(self, server: Moto, folder: Path) -> None:
        self.endpoint, self.folder = server.endpoint, folder
        with closing(self.client()) as client:
            client.create_bucket(Bucket="bucket")
            client.put_object(Bucket="bucket", Key="a.tar", Body=DATA)
        (folder / "a.tar").write_bytes(DATA)

    def client(self) -> Any:
        return boto3.client("s3", endpoint_url=self.endpoint, **KEYS)


Mover = Callable[[Governor, Store, Path], bytes]


def _s3(governor: Governor, store: Store, place: Path) -> bytes:
    with closing(store.client()) as client, S3(governor, client) as s3:
        s3.download("bucket", "a.tar", place)
    return place.read_bytes()


def _boto3(governor: Governor, store: Store, place: Path) -> bytes:
    with closing(store.client()) as client:
        Boto3(governor).attach(client)
        data: bytes = client.get_object(Bucket="bucket", Key="a.tar")["Body"].read()
        return data


def _aiobotocore(governor: Governor, store: Store, place: Path) -> bytes:
    from aiobotocore.session import get_session

    async def read() -> bytes:
        async with get_session().create_client("s3", endpoint_url=store.endpoint, **KEYS) as client:
            Aiobotocore(governor).attach(client)
            answer = await client.get_object(Bucket="bucket", Key="a.tar")
            data: bytes = await answer["Body"].read()
            return data

    return asyncio.run(read())


def _obstore(governor: Governor, store: Store, place: Path) -> bytes:
    from obstore.store import LocalStore

    with Obstore(governor, LocalStore(store.folder)) as client:
        client.download("a.tar", place)
    return place.read_bytes()


def _fsspec(governor: Governor, store: Store, place: Path) -> bytes:
    import fsspec

    with fsspec.open(f"gpurules::file://{store.folder}/a.tar", "rb") as file:
        data: bytes = file.read()
        return data


def _webdataset(governor: Governor, store: Store, place: Path) -> bytes:
    from webdataset.gopen import gopen

    register()
    with closing(gopen(f"gpurules:file://{store.folder}/a.tar")) as stream:
        data: bytes = stream.read()
        return data


MOVERS: Mapping[str, Mover] = {
    "s3": _s3, "boto3": _boto3, "aiobotocore": _aiobotocore, "obstore": _obstore, "fsspec": _fsspec,
    "webdataset": _webdataset,
}  # fmt: skip
OF_THE_PROCESS = ("fsspec", "webdataset")
"""Their governor is that of the process."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Moto() as server:
        yield Store(server, tmp_path_factory.mktemp("store"))


class Node:
    """An agent whose rules hold every transfer, and an engine connected to it."""

    def __init__(self, start: Start, folder: Path) -> None:
        self.agent: RunningAgent = start(rules=RULES, folder=folder)
        engine = gpurules.connect(f"unix:{self.agent.socket}", timeout=1.0)
        assert isinstance(engine, RemoteEngine)
        self.engine = engine
        assert self.engine.decide().source == "agent"

    def hang(self) -> None:
        self.engine.link.timeout = 0.05
        self.agent.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.agent.process.send_signal(signal.SIGCONT)
        self.engine.link.timeout = 1.0
        wait_until(lambda: self.engine.decide().source == "agent")

    def load(self, rules: str) -> None:
        self.agent.ruleset.write_text(rules)
        assert self.agent.ask("POST", "/v1/reload").status == 200

    def kill(self) -> None:
        self.agent.process.kill()
        self.agent.process.wait()


@pytest.fixture(scope="module")
def node(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    the = Node(start, tmp_path_factory.mktemp("node"))
    yield the
    with suppress(ProcessLookupError):
        the.agent.process.send_signal(signal.SIGCONT)
    the.engine.stop(1.0)


@pytest.fixture(scope="module")
def moved(node: Node, store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, object]]]:
    """What each client did while the agent held it, hung, answered again without a rule that matches, and was dead."""
    found: dict[str, dict[str, object]] = {name: {} for name in MOVERS}
    folder = tmp_path_factory.mktemp("moved")
    shared = Governor(node.engine, Limits(refresh_seconds=0.2))
    governors = {
        name: shared if name in OF_THE_PROCESS else Governor(node.engine, Limits(refresh_seconds=0.2))
        for name in MOVERS
    }
    use(shared)

    def begin(phase: str) -> dict[str, "Future[bytes]"]:
        return {
            name: pool.submit(move, governors[name], store, folder / f"{name}-{phase}") for name, move in MOVERS.items()
        }

    def end(phase: str, moving: dict[str, "Future[bytes]"]) -> None:
        for name, future in moving.items():
            try:
                found[name][phase] = future.result(SECONDS)
            except Exception as error:  # shown by the test of that client
                found[name][phase] = error

    def held(name: str) -> bool:
        return any(transfer.rules == ("hold",) for transfer in governors[name].status().transfers)

    with ThreadPoolExecutor(len(MOVERS)) as pool:
        moving = begin("hanging")
        for name in MOVERS:
            with suppress(AssertionError):
                wait_until(lambda name=name: held(name))  # type: ignore[misc]
            found[name]["held"] = held(name) and not moving[name].done()
        node.hang()
        end("hanging", moving)
        node.go_on()
        node.load(IDLE)
        end("idle", begin("idle"))
        node.load(RULES)
        node.kill()
        end("dead", begin("dead"))
    yield found
    use(None)
    for governor in governors.values():
        governor.stop()


@pytest.mark.parametrize("name", MOVERS)
def test_a_client_is_held_by_the_agent_and_released_when_that_hangs_or_dies(
    name: str, moved: dict[str, dict[str, object]]
) -> None:
    assert moved[name] == {"held": True, "hanging": DATA, "idle": DATA, "dead": DATA}


# clients that are steered by a setting


def program(name: str) -> str | None:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


class Threads:
    """What KvikIO keeps of its threads."""

    count = 8

    def get(self, name: str) -> int:
        return self.count

    def set(self, values: dict[str, int]) -> None:
        self.count = values["num_threads"]


class Steered:
    """Clients that follow the agent, each with what shows its value."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.values: dict[str, Callable[[], object]] = {}

    def add(self, name: str, client: Client, value: Callable[[], object]) -> None:
        self.clients.append(client)
        self.values[name] = value

    def now(self) -> dict[str, object]:
        return {name: value() for name, value in self.values.items()}


def _opened_rclone(stack: ExitStack, folder: Path, steered: Steered) -> None:
    command = program("rclone")
    if command is None:
        return
    path = folder / "rc.sock"
    process = subprocess.Popen(
        [command, "rcd", "--rc-addr", f"unix://{path}", "--rc-no-auth", "--config", str(folder / "c")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stack.callback(process.wait, 10)
    stack.callback(process.kill)
    setting = BandwidthSetting(str(path))

    def answers() -> bool:
        with suppress(SettingError):
            return setting.read() == "off"
        return False

    wait_until(answers)
    steered.add("rclone", stack.enter_context(rclone(path, folder)), setting.read)


def _opened_juicefs(stack: ExitStack, folder: Path, steered: Steered) -> None:
    command, url = program("juicefs"), f"sqlite3://{folder}/meta.db"
    if command is None:
        return
    made = [command, "format", "--storage", "file", "--bucket", str(folder / "blocks"), url, "volume"]
    subprocess.run(made, check=True, capture_output=True, timeout=60, env={**os.environ, "HOME": str(folder)})
    client = stack.enter_context(juicefs(url, folder, command))
    steered.add("juicefs", client, client._dials["max_bandwidth"].setting.setting.read)  # type: ignore[index]


@pytest.fixture(scope="module")
def steered(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, object]]]:
    """The values of every setting while the agent answered, hung until its directives expired, answered again, died."""
    folder, the = tmp_path_factory.mktemp("steered"), Steered()
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        threads = Threads()
        patch.setitem(sys.modules, "kvikio", SimpleNamespace(defaults=threads))
        the.add("kvikio", stack.enter_context(kvikio()), lambda: threads.count)
        mount = mount_of(folder)
        assert mount is not None
        file = folder / "sys/class/bdi" / mount.device / "read_ahead_kb"
        file.parent.mkdir(parents=True)
        file.write_text("8192")
        patch.setattr(readahead_module, "SYS", folder / "sys")
        the.add("readahead", stack.enter_context(readahead(folder, folder)), lambda: file.read_text().strip())
        _opened_rclone(stack, folder, the)
        _opened_juicefs(stack, folder, the)
        node = Node(start, tmp_path_factory.mktemp("node"))
        stack.callback(node.engine.stop, 1.0)
        governor = Governor(node.engine, Limits(refresh_seconds=0.2))
        stack.callback(governor.stop)
        loader: Any = SimpleNamespace(prefetch_factor=4, num_workers=2, persistent_workers=False)
        the.values["dataloader"] = GovernedLoader(loader, governor).target
        found = {"before": the.now() | {"dataloader": 4 * 2}}  # which asks the agent each time, so already by now
        stack.enter_context(Follower(node.engine, the.clients))

        def reached(phase: str, is_limited: bool) -> None:
            with suppress(AssertionError):
                wait_until(lambda: all((of != found["before"][name]) is is_limited for name, of in the.now().items()))
            found[phase] = the.now()

        reached("limited", True)
        node.hang()
        reached("expired", False)
        node.go_on()
        reached("limited again", True)
        node.kill()
        reached("dead", False)
        yield {name: {phase: of[name] for phase, of in found.items()} for name in the.values}


LIMITED = {
    "kvikio": (8, 2),
    "readahead": ("8192", "4096"),
    "rclone": ("off", f"{5 << 20}B"),
    "juicefs": ("0", f"{(5 << 20) * 8 // 1_000_000}"),  # Mbit/s
    "dataloader": (8, 4),
}
"""What each setting is without the rules, and under them."""


@pytest.mark.parametrize("name", LIMITED)
def test_a_setting_follows_the_agent_and_is_put_back_when_that_hangs_or_dies(
    name: str, steered: dict[str, dict[str, object]]
) -> None:
    if name not in steered:
        pytest.skip(f"{name} is not installed: pip install {name}-bin")
    usual, limited = LIMITED[name]
    phases = {"before": usual, "limited": limited, "expired": usual, "limited again": limited, "dead": usual}
    assert steered[name] == phases


def test_every_kind_of_client_is_run() -> None:
    assert {*MOVERS, *LIMITED} == {kind.name for kind in CLIENTS}
