"""``gpurules::s3://`` by URL alone: s3fs against a real server, under pandas, pyarrow and datasets."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("s3fs")

import fsspec
from botocore.exceptions import BotoCoreError

from examples.servers import Moto
from gpurules.clients.filesystem import use
from tests.heated_node import HeatedNode
from tests.integration.clients.conftest import content
from tests.waiting import wait_until, wait_until_async

KIB = 1024
RULES = """
version: 1
name: pressure
rules:
  - name: hold_back
    condition: gpu_temperature > 85
    action: delay_transfer
    parameters: {delay: 60s, running: pause}
  - name: look_less_far_ahead
    condition: gpu_temperature > 70
    action: reduce_prefetch
    parameters: {reduction_factor: 0}
  - name: stage_big_ones
    condition: gpu_temperature > 60 AND transfer_size >= 1MB
    action: stage_transfer
"""


@pytest.fixture
def node() -> Iterator[HeatedNode]:
    the = HeatedNode(RULES, slots=8)
    use(the.governor)
    yield the
    use(None)


@pytest.fixture(autouse=True)
def no_instances_are_kept() -> Iterator[None]:
    yield
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    fsspec.get_filesystem_class("gpurules").clear_instance_cache()


def options_of(port: int) -> dict[str, object]:
    client = {"endpoint_url": f"http://127.0.0.1:{port}"}
    return {"key": "test", "secret": "test", "client_kwargs": client, "use_listings_cache": False}


@pytest.fixture
def options(server, client) -> dict[str, object]:
    return options_of(server.port)


def in_thread(function: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(function()), daemon=True)
    thread.start()
    return thread, found


# under others, by URL alone


def test_pandas_reads_and_writes_by_url_alone(node, options):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"step": range(1000), "loss": [1 / (n + 1) for n in range(1000)]})
    table.to_csv("gpurules::s3://bucket/loss.csv", index=False, storage_options=options)
    again = pandas.read_csv("gpurules::s3://bucket/loss.csv", storage_options=options)
    pandas.testing.assert_frame_equal(again, table)
    pytest.importorskip("pyarrow")
    table.to_parquet("gpurules::s3://bucket/loss.parquet", storage_options=options)
    again = pandas.read_parquet("gpurules::s3://bucket/loss.parquet", storage_options=options)
    pandas.testing.assert_frame_equal(again, table)
    assert node.status.counts.done >= 4 and node.status.counts.failed == 0


def test_pandas_waits_while_a_rule_holds_and_reads_on_when_it_ends(node, options, client):
    pandas = pytest.importorskip("pandas")
    client.put_object(Bucket="bucket", Key="rows.csv", Body=b"a,b\n1,2\n")
    node.heat(90)
    url = "gpurules::s3://bucket/rows.csv"
    thread, found = in_thread(lambda: pandas.read_csv(url, storage_options=options))
    wait_until(lambda: any(t.state == "held" for t in node.status.transfers))
    held = [(t.path, t.rules) for t in node.status.transfers]
    assert held == [("s3://bucket/rows.csv", ("hold_back",))] and not found
    node.heat(40)
    thread.join(20)
    assert found[0].to_dict("list") == {"a": [1], "b": [2]}
    assert node.status.counts.holds == 1


def test_pyarrow_reads_and_writes_datasets_through_it(node, options):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import dataset, parquet

    table = pyarrow.table({"key": [n % 3 for n in range(3000)], "value": list(range(3000))})
    fs, path = fsspec.url_to_fs("gpurules::s3://bucket/table", **options)
    parquet.write_to_dataset(table, path, partition_cols=["key"], filesystem=fs)
    found = dataset.dataset(path, filesystem=fs, partitioning="hive")
    assert found.count_rows() == 3000
    assert sorted(found.to_table(filter=dataset.field("key") == 1)["value"].to_pylist()) == list(range(1, 3000, 3))
    assert node.status.counts.failed == 0


def test_pyarrow_takes_the_url_alone_with_its_own_prefix(node, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import dataset, parquet

    parquet.write_table(pyarrow.table({"value": [1, 2, 3]}), tmp_path / "a.parquet")
    assert dataset.dataset(f"fsspec+gpurules::file://{tmp_path}/a.parquet").count_rows() == 3
    assert node.status.counts.submitted


@pytest.mark.parametrize(
    ("url", "streaming"),
    [
        ("gpurules::s3://bucket/train.jsonl", False),
        # it streams what has a path in its first hop only
        ("gpurules://bucket/train.jsonl::s3://bucket/train.jsonl", True),
    ],
)
def test_datasets_loads_by_url_alone(url, streaming, node, options, client, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    datasets = pytest.importorskip("datasets")
    client.put_object(Bucket="bucket", Key="train.jsonl", Body=b'{"text": "a"}\n{"text": "b"}\n')
    loaded = datasets.load_dataset(
        "json",
        data_files=url,
        split="train",
        storage_options=options,
        cache_dir=str(tmp_path),
        streaming=streaming,
    )
    assert [row["text"] for row in loaded] == ["a", "b"]
    assert node.status.counts.submitted and not node.status.counts.failed


# what the rules do to it


def test_an_open_file_pauses_and_its_prefetch_follows(node, options, client):
    data = content(20 * 64 * KIB)
    client.put_object(Bucket="bucket", Key="shard.tar", Body=data)
    fs, path = fsspec.url_to_fs("gpurules::s3://bucket/shard.tar", block_size=64 * KIB, blocks_ahead=4, **options)
    with fs.open(path) as file:
        start = file.read(1)
        assert file.cache.nblocks == 5
        node.heat(75)
        for _ in range(6):
            start += file.read(64 * KIB)
        assert file.cache.nblocks <= 3  # the one that is read, and two behind it
        node.heat(90)
        thread, found = in_thread(file.read)
        wait_until(lambda: node.status.transfers[0].state == "paused")
        assert not found
        node.heat(40)
        thread.join(20)
    assert start + found[0] == data
    assert node.status.counts.pauses == 1


def test_the_loop_of_fsspec_is_never_blocked(node, options, client):
    for number in range(3):
        client.put_object(Bucket="bucket", Key=f"cat-{number}", Body=b"cat")
    fs, _ = fsspec.url_to_fs("gpurules::s3://bucket", **options)
    node.heat(90)
    thread, found = in_thread(lambda: fs.cat([f"bucket/cat-{number}" for number in range(3)]))
    wait_until(lambda: sum(t.state == "held" for t in node.status.transfers) == 3)
    assert fs.fs.cat_file("bucket/cat-0") == b"cat", "others on the same loop go on"
    assert not found
    node.heat(40)
    thread.join(20)
    assert set(found[0].values()) == {b"cat"}


def test_tasks_wait_without_a_thread(node, options):
    async def run() -> None:
        behind = fsspec.filesystem("s3", asynchronous=True, skip_instance_cache=True, **options)
        fs = fsspec.filesystem("gpurules", fs=behind, asynchronous=True, skip_instance_cache=True)
        session = await behind.set_session()
        try:
            await fs._pipe_file("bucket/task", b"0123456789")
            node.heat(90)
            held = asyncio.create_task(fs._cat_file("bucket/task", start=2, end=5))
            await wait_until_async(lambda: any(t.state == "held" for t in node.status.transfers))
            node.heat(40)
            assert await asyncio.wait_for(held, 20) == b"234"
        finally:
            await session.close()

    asyncio.run(run())


def test_a_big_file_is_staged_and_read_from_there(node, options, client, tmp_path):
    data = content(3 * 1024**2 + 1)
    client.put_object(Bucket="bucket", Key="big.bin", Body=data)
    client.put_object(Bucket="bucket", Key="small.bin", Body=data[:100])
    node.heat(65)
    fs, _ = fsspec.url_to_fs("gpurules::s3://bucket", staging=str(tmp_path / "area"), block_size="512KiB", **options)
    for _ in range(2):
        with fs.open("bucket/big.bin") as file:
            assert file.read() == data
    assert node.status.counts.bytes_moved == 3 * len(data), "brought once, and read twice from there"
    with fs.open("bucket/small.bin") as file:
        assert file.read() == data[:100]
    assert sum(path.stat().st_size for path in (tmp_path / "area").rglob("*") if path.is_file()) >= len(data)


def test_the_size_that_rules_read_costs_no_request_of_its_own(node, options, client, monkeypatch):
    import s3fs

    client.put_object(Bucket="bucket", Key="once.bin", Body=content(1000))
    asked, info = [], s3fs.S3FileSystem._info

    async def counted(self, path, *arguments, **named):
        asked.append(path)
        return await info(self, path, *arguments, **named)

    monkeypatch.setattr(s3fs.S3FileSystem, "_info", counted)
    assert node.governor.decider.reads_size
    with fsspec.open("gpurules::s3://bucket/once.bin", **options) as file:
        assert len(file.read()) == 1000
    assert asked == ["bucket/once.bin"]


def test_a_file_that_was_held_is_read_as_it_is_then(node, options, client):
    client.put_object(Bucket="bucket", Key="held.bin", Body=b"old")
    node.heat(90)
    thread, found = in_thread(lambda: fsspec.open("gpurules::s3://bucket/held.bin", **options).open().read())
    wait_until(lambda: any(transfer.state == "held" for transfer in node.status.transfers))
    client.put_object(Bucket="bucket", Key="held.bin", Body=b"new one")
    node.heat(40)
    thread.join(20)
    assert found == [b"new one"]


def test_staging_without_an_area_is_counted_and_the_file_is_read_directly(node, options, client):
    data = content(2 * 1024**2)
    client.put_object(Bucket="bucket", Key="big.bin", Body=data)
    node.heat(65)
    with fsspec.open("gpurules::s3://bucket/big.bin", **options) as file:
        assert file.read() == data
    assert node.status.uncarried == {"fsspec": {"stage": 1}}


# faults


def test_a_connection_that_breaks_loses_nothing(node, wire, client):
    data = content(40 * 64 * KIB)
    client.put_object(Bucket="bucket", Key="cut.bin", Body=data)
    wire.cuts, wire.cut_after = 2, 100_000
    fs, path = fsspec.url_to_fs("gpurules::s3://bucket/cut.bin", block_size=256 * KIB, **options_of(wire.port))
    with fs.open(path) as file:
        assert file.read() == data
    assert node.status.counts.done == 1


def test_a_server_that_is_gone_is_an_error_and_a_failed_transfer(node):
    server = Moto()
    try:
        maker = server.client()
        maker.create_bucket(Bucket="bucket")
        data = content(2 * 1024**2)
        maker.put_object(Bucket="bucket", Key="gone.bin", Body=data)
        quick = {"config_kwargs": {"retries": {"max_attempts": 0}, "connect_timeout": 10}, "max_concurrency": 1}
        given = {**options_of(server.port), **quick}
        fs, path = fsspec.url_to_fs("gpurules::s3://bucket/gone.bin", block_size=64 * KIB, blocks_ahead=0, **given)
        fs.fs.retries = 1
        with fs.open(path) as file:
            assert file.read(100) == data[:100]
            server.kill()
            with pytest.raises((OSError, BotoCoreError)):
                file.read(1024**2)
            server.start()
            maker.create_bucket(Bucket="bucket")
            maker.put_object(Bucket="bucket", Key="gone.bin", Body=data)
            file.seek(100)
            assert file.read() == data[100:], "the same file goes on when the server is back"
        with pytest.raises((OSError, BotoCoreError)), fs.open(path) as file:
            server.kill()
            file.read()
        maker.close()
    finally:
        server.kill()
    assert (node.status.counts.done, node.status.counts.failed) == (1, 1)


@pytest.mark.slow
def test_seaweedfs_serves_it_too(node, seaweedfs, client_of, tmp_path):
    client = client_of(seaweedfs.port)
    seaweedfs.ready("bucket")
    fs, path = fsspec.url_to_fs("gpurules::s3://bucket/weed.bin", block_size=256 * KIB, **options_of(seaweedfs.port))
    data = content(6 * 1024**2 + 5)
    with fs.open(path, "wb") as file:
        file.write(data)
    assert client.get_object(Bucket="bucket", Key="weed.bin")["Body"].read() == data
    with fs.open(path) as file:
        assert file.read() == data
    node.heat(65)
    staged, _ = fsspec.url_to_fs(
        "gpurules::s3://bucket/weed.bin", staging=str(tmp_path), block_size=256 * KIB, **options_of(seaweedfs.port)
    )
    with staged.open(path) as file:
        assert file.read() == data
    assert node.status.counts.done == 3
