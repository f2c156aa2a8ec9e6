"""What its owner no longer wants is cancelled: that does not count as a failure, and frees its slot."""

import asyncio
import concurrent.futures
import gc
import socket
from contextlib import closing

import pytest

from gpurules.clients import Aiobotocore, Boto3
from gpurules.governor import Slot, TransferState
from gpurules.model import Transfer
from tests.integration.clients.conftest import content
from tests.integration.clients.test_aiobotocore_hooks import KEYS, session
from tests.integration.clients.test_boto3_hooks import config, node  # noqa: F401  (a fixture)
from tests.waiting import wait_until, wait_until_async

MIB = 1024**2


def counts(node):  # noqa: F811
    found = node.governor.status().counts
    return {"done": found.done, "failed": found.failed, "cancelled": found.cancelled}


async def cancelled(task: "asyncio.Task[object]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("is_held", [False, True])
@pytest.mark.parametrize("way", ["ticket", "slot"])
def test_a_task_that_is_cancelled_has_its_transfer_cancelled(node, way, is_held):  # noqa: F811
    async def move():
        ticket = node.governor.transfer(Transfer(path="s3://b/data.tar", operation="read"))
        if way == "slot":
            async with Slot(ticket):
                await asyncio.Event().wait()
        async with ticket, ticket.part(5):
            await asyncio.Event().wait()

    async def story():
        task = asyncio.create_task(move())
        wanted = TransferState.HELD if is_held else TransferState.RUNNING
        await wait_until_async(lambda: [shown.state for shown in node.governor.status().transfers] == [wanted])
        await cancelled(task)

    if is_held:
        node.heat(95)
    asyncio.run(story())
    assert counts(node) == {"done": 0, "failed": 0, "cancelled": 1}
    assert (node.governor.status().slots_taken, node.governor.status().transfers) == (0, ())


def test_a_future_that_was_cancelled_is_no_failure_and_other_errors_are(node):  # noqa: F811
    for error in (concurrent.futures.CancelledError(), ValueError("mine")):
        with pytest.raises(type(error)), node.governor.transfer(Transfer(path="s3://b/model.pt")):
            raise error
    assert counts(node) == {"done": 0, "failed": 1, "cancelled": 1}


class Silent:
    """A server that takes connections, and never answers."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def close(self):
        self.socket.close()


WHERE = {"Bucket": "bucket", "Key": "data.tar"}
CALLS = {
    "get": lambda s3: s3.get_object(**WHERE),
    "put": lambda s3: s3.put_object(**WHERE, Body=b"x"),
    "part": lambda s3: s3.upload_part(**WHERE, Body=b"x", PartNumber=1, UploadId="u"),
}


@pytest.mark.parametrize("is_kept", [False, True], ids=["forgotten", "kept"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_of_aiobotocore_that_is_cancelled_on_the_wire_gives_its_slot_back(node, call, is_kept):  # noqa: F811
    kept = []

    async def story(endpoint):
        async with session().create_client("s3", endpoint_url=endpoint, **KEYS) as s3:
            Aiobotocore(node.governor).attach(s3)
            for _ in range(3):  # there is one slot: none is kept
                task = asyncio.create_task(call(s3))
                await wait_until_async(lambda: node.governor.status().slots_taken == 1)
                await asyncio.sleep(0.05)  # the request is on the wire by now; the silent server says nothing of it
                await cancelled(task)
                kept.append(task if is_kept else None)
                await wait_until_async(lambda: node.governor.status().slots_taken == 0)

    with closing(Silent()) as server:
        asyncio.run(story(server.endpoint))
    assert counts(node) == {"done": 0, "failed": 0, "cancelled": 3}


def test_a_call_that_runs_into_a_timeout_in_a_task_that_goes_on_gives_its_slot_back(node):  # noqa: F811
    async def story(endpoint):
        async with session().create_client("s3", endpoint_url=endpoint, **KEYS) as s3:
            Aiobotocore(node.governor).attach(s3)
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await s3.get_object(**WHERE)
                await asyncio.sleep(0)  # one turn of the loop: callbacks of the cancelled task run
                gc.collect()
                await wait_until_async(lambda: node.governor.status().slots_taken == 0)

    with closing(Silent()) as server:
        asyncio.run(story(server.endpoint))
    assert counts(node) == {"done": 0, "failed": 0, "cancelled": 3}


def test_a_call_of_aiobotocore_after_a_cancelled_one_finds_the_slot_free(node, client, server):  # noqa: F811
    client.put_object(Bucket="bucket", Key="model.pt", Body=b"weights")
    hooks = Aiobotocore(node.governor)

    async def story(silent):
        async with (
            session().create_client("s3", endpoint_url=silent, **KEYS) as hung,
            session().create_client("s3", endpoint_url=server.endpoint, **KEYS) as s3,
        ):
            hooks.attach(hung)
            hooks.attach(s3)
            task = asyncio.create_task(hung.get_object(Bucket="bucket", Key="data.tar"))
            await wait_until_async(lambda: node.governor.status().slots_taken == 1)
            await cancelled(task)
            answer = await asyncio.wait_for(s3.get_object(Bucket="bucket", Key="model.pt"), 20)
            assert await answer["Body"].read() == b"weights"

    with closing(Silent()) as silent:
        asyncio.run(story(silent.endpoint))
    assert counts(node) == {"done": 1, "failed": 0, "cancelled": 1}


def test_a_future_of_a_manager_that_is_cancelled_is_no_failure(node, client, tmp_path):  # noqa: F811
    client.put_object(Bucket="bucket", Key="data.tar", Body=content(12 * MIB))
    node.heat(95)
    with Boto3(node.governor).manager(client, config()) as manager:
        future = manager.download("bucket", "data.tar", str(tmp_path / "f"))
        wait_until(lambda: [shown.state for shown in node.governor.status().transfers] == [TransferState.HELD])
        future.cancel()
        node.heat(40)
        with pytest.raises(BaseException) as caught:
            future.result()
    assert "Cancel" in type(caught.value).__name__
    assert counts(node) == {"done": 0, "failed": 0, "cancelled": 1}


def test_a_read_of_fsspec_that_is_cancelled_is_no_failure(node):  # noqa: F811
    fsspec = pytest.importorskip("fsspec")
    from fsspec.asyn import AsyncFileSystem

    from gpurules.clients.filesystem import use

    class Hanging(AsyncFileSystem):
        protocol = "hanging"
        cachable = False

        async def _info(self, path, **_):
            return {"name": path, "size": 10, "type": "file"}

        async def _cat_file(self, path, start=None, end=None, **_):
            await asyncio.Event().wait()

        async def _get_file(self, rpath, lpath, **_):
            await asyncio.Event().wait()

        async def _pipe_file(self, path, value, **_):
            await asyncio.Event().wait()

    async def story():
        fs = fsspec.filesystem("gpurules", fs=Hanging(asynchronous=True), asynchronous=True, skip_instance_cache=True)
        for call in (
            lambda: fs._cat_file("a.tar"),
            lambda: fs._cat_file("a.tar", start=2, end=4),
            lambda: fs._get_file("a.tar", "/dev/null"),
            lambda: fs._pipe_file("a.tar", b"x"),
        ):
            task = asyncio.create_task(call())
            await wait_until_async(lambda: node.governor.status().slots_taken == 1)
            await cancelled(task)

    use(node.governor)
    try:
        asyncio.run(story())
    finally:
        use(None)
    assert counts(node) == {"done": 0, "failed": 0, "cancelled": 4}
    assert node.governor.status().slots_taken == 0
