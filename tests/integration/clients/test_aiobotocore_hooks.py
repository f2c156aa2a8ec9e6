"""aiobotocore clients, and so s3fs, under rules: calls wait as tasks, and the loop goes on."""

import asyncio

import pytest

from gpurules.clients import Aiobotocore
from gpurules.governor import TransferState
from tests.integration.clients.conftest import content, digest
from tests.integration.clients.test_boto3_hooks import node, states  # noqa: F401  (a fixture)
from tests.waiting import wait_until_async

MIB = 1024**2
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


def session():
    return pytest.importorskip("aiobotocore.session").get_session()


def test_a_held_call_does_not_block_the_loop(node, client, server):  # noqa: F811
    data = content(3 * MIB)
    client.put_object(Bucket="bucket", Key="held.tar", Body=data)
    hooks = Aiobotocore(node.governor)

    async def story():
        async with session().create_client("s3", endpoint_url=server.endpoint, **KEYS) as s3:
            hooks.attach(s3)

            async def read():
                answer = await s3.get_object(Bucket="bucket", Key="held.tar")
                return await answer["Body"].read()

            node.heat(95)
            held = asyncio.create_task(read())
            await wait_until_async(lambda: states(node) == {"s3://bucket/held.tar": TransferState.HELD})
            await s3.put_object(Bucket="bucket", Key="model.pt", Body=b"weights")
            assert not held.done()
            node.heat(40)
            assert digest(await held) == digest(data)
            with pytest.raises(s3.exceptions.NoSuchKey):
                await s3.get_object(Bucket="bucket", Key="held.tar.absent")
            hooks.restore()
            await s3.put_object(Bucket="bucket", Key="model.pt", Body=b"weights")

    asyncio.run(story())
    status = node.governor.status()
    assert (status.counts.done, status.counts.failed, status.slots_taken, status.transfers) == (2, 1, 0, ())


def test_a_call_that_is_given_up_while_it_waits_leaves_nothing(node, client, server):  # noqa: F811
    async def story():
        async with session().create_client("s3", endpoint_url=server.endpoint, **KEYS) as s3:
            Aiobotocore(node.governor).attach(s3)
            node.heat(95)
            waiting = asyncio.create_task(s3.get_object(Bucket="bucket", Key="x.tar"))
            await wait_until_async(lambda: TransferState.HELD in states(node).values())
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(story())
    assert node.governor.status().transfers == ()


def test_the_files_of_s3fs_wait_too(node, client, server):  # noqa: F811
    s3fs = pytest.importorskip("s3fs")
    client.put_object(Bucket="bucket", Key="files.tar", Body=b"content")

    async def story():
        files = s3fs.S3FileSystem(
            key="test", secret="test", endpoint_url=server.endpoint, asynchronous=True, skip_instance_cache=True
        )
        s3 = await files.set_session()
        Aiobotocore(node.governor).attach(s3)
        node.heat(95)
        held = asyncio.create_task(files._cat_file("bucket/files.tar"))
        await wait_until_async(lambda: TransferState.HELD in states(node).values())
        node.heat(40)
        assert await held == b"content"
        await s3.close()

    asyncio.run(story())
    assert node.governor.status().counts.done == 1
