"""``gpurules::`` before a URL: the same bytes, asked for from the governor."""

import asyncio
import pickle
import threading

import fsspec
import pytest

from gpurules.clients.filesystem import use
from tests.unit.clients.filesystem.conftest import Node
from tests.waiting import wait_until

ROWS = b"a,b\n1,2\n3,4\n"


@pytest.fixture
def memory():
    fs = fsspec.filesystem("memory")
    fs.pipe("/data/rows.csv", ROWS)
    fs.pipe("/data/deep/model.bin", bytes(range(256)) * 4000)
    yield fs
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


def test_a_url_opens_what_is_behind_it(node, memory):
    with fsspec.open("gpurules::memory:///data/rows.csv", "rb") as file:
        assert file.read() == ROWS
    with fsspec.open("gpurules::memory:///data/rows.csv", "rt") as file:
        assert list(file) == ["a,b\n", "1,2\n", "3,4\n"]
    assert node.counts.done == 2


def test_listings_are_those_of_what_is_behind(node, memory):
    fs, path = fsspec.url_to_fs("gpurules::memory:///data")
    assert path == "/data"
    assert fs.ls(path, detail=False) == memory.ls(path, detail=False)
    assert fs.glob("/data/*.csv") == ["/data/rows.csv"]
    assert list(fs.walk("/data")) == list(memory.walk("/data"))
    assert fs.find("/data") == ["/data/deep/model.bin", "/data/rows.csv"]
    assert fs.du("/data") == memory.du("/data")
    assert fs.exists("gpurules::memory:///data/rows.csv") and fs.isdir("/data") and not fs.exists("/nothing")
    assert node.counts.submitted == 0, "listing moves nothing that the rules are about"


def test_the_url_of_a_path_leads_back_here(node, memory):
    fs, path = fsspec.url_to_fs("gpurules::memory:///data/rows.csv")
    again, same = fsspec.url_to_fs(fs.unstrip_protocol(path))
    assert again is fs and same == path
    assert fsspec.open(f"{fs.protocol}://{path}::memory://{path}").open().read() == ROWS  # as datasets makes it


def test_a_file_is_written_read_back_copied_and_removed(node, tmp_path):
    fs, path = fsspec.url_to_fs(f"gpurules::file://{tmp_path}/new.bin")
    data = bytes(range(256)) * 5000
    with fs.open(path, "wb") as file:
        assert file.write(data) == len(data)
    assert (tmp_path / "new.bin").read_bytes() == data == fs.cat(path)
    assert fs.cat_file(path, start=5, end=9) == data[5:9]
    fs.copy(path, f"{tmp_path}/copy.bin")
    fs.get(path, f"{tmp_path}/got.bin")
    fs.put(f"{tmp_path}/got.bin", f"{tmp_path}/put.bin")
    assert all((tmp_path / name).read_bytes() == data for name in ("copy.bin", "got.bin", "put.bin"))
    fs.rm(path)
    assert not (tmp_path / "new.bin").exists()
    assert node.counts.bytes_moved >= 3 * len(data) and node.counts.failed == 0


def test_a_transaction_is_kept_or_dropped_as_a_whole(node, tmp_path):
    fs, path = fsspec.url_to_fs(f"gpurules::file://{tmp_path}/new.bin")
    with fs.transaction:
        with fs.open(path, "wb") as file:
            file.write(b"kept")
        assert not (tmp_path / "new.bin").exists()
    assert (tmp_path / "new.bin").read_bytes() == b"kept"
    with pytest.raises(ZeroDivisionError), fs.transaction:
        with fs.open(f"{tmp_path}/other.bin", "wb") as file:
            file.write(b"dropped")
        _ = 1 / 0
    assert not (tmp_path / "other.bin").exists()


def test_a_file_that_is_not_there_is_an_error_of_its_own_and_a_failed_transfer(node, memory):
    with pytest.raises(FileNotFoundError):
        fsspec.open("gpurules::memory:///data/none.csv").open()
    assert node.counts.failed == 1 and not node.governor.status().transfers


def test_opening_waits_while_a_rule_holds_and_goes_on_when_it_ends(node, memory):
    node.heat(90)
    opened = threading.Event()

    def read():
        with fsspec.open("gpurules::memory:///data/rows.csv") as file:
            opened.set()
            assert file.read() == ROWS

    thread = threading.Thread(target=read)
    thread.start()
    assert not opened.wait(0.2)
    assert [(t.state, t.rules, t.path) for t in node.governor.status().transfers] == [
        ("held", ("hold_back",), "memory:///data/rows.csv")
    ]
    node.heat(60)
    thread.join(5)
    assert opened.is_set() and node.counts.done == 1


def test_an_open_file_pauses_at_its_next_part(node, memory):
    fs, path = fsspec.url_to_fs("gpurules::memory:///data/deep/model.bin", block_size=1000)
    with fs.open(path) as file:
        file.read(600)
        node.heat(90)
        file.read(400)  # what was admitted stays admitted
        rest = []
        thread = threading.Thread(target=lambda: rest.append(file.read(600)))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive() and not rest
        assert node.governor.status().transfers[0].state == "paused"
        node.heat(60)
        thread.join(5)
        assert len(rest[0]) == 600


def test_rules_see_local_files_by_their_path(node, tmp_path):
    (tmp_path / "a.csv").write_bytes(ROWS)
    fs, path = fsspec.url_to_fs(f"gpurules::file://{tmp_path}/a.csv", workload="job-7", priority=5)
    with fs.open(path):
        (transfer,) = node.governor.schedule.pending()
    assert (transfer.path, transfer.workload_id, transfer.priority) == (f"{tmp_path}/a.csv", "job-7", 5)
    assert (transfer.operation, transfer.size) == ("read", len(ROWS))


def test_options_that_are_not_ours_are_for_what_is_behind(node, tmp_path):
    fs, _ = fsspec.url_to_fs(f"gpurules::file://{tmp_path}", auto_mkdir=True, block_size="1MiB")
    assert fs.fs.auto_mkdir and fs.options.block_size == 1024**2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"priority": "high"}, "'priority' must be a number, not 'high'"),
        ({"block_size": 0}, "'block_size' must be at least 1"),
        ({"block_size": "8 apples"}, "'block_size' must be a number of bytes"),
        ({"staging_quota": "8s"}, "'staging_quota' must be a number of bytes"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_with_its_name(options, said):
    with pytest.raises(ValueError, match=said):
        fsspec.filesystem("gpurules", target_protocol="memory", skip_instance_cache=True, **options)


def test_nothing_behind_is_refused_with_an_example():
    with pytest.raises(ValueError, match="gpurules::s3://bucket/key"):
        fsspec.filesystem("gpurules")


def test_the_environment_says_what_the_options_do_not(node, monkeypatch):
    monkeypatch.setenv("GPURULES_WORKLOAD", "job-8")
    monkeypatch.setenv("GPURULES_PRIORITY", "3")
    fs = fsspec.filesystem("gpurules", target_protocol="memory", skip_instance_cache=True, priority=4)
    assert (fs.options.workload, fs.options.priority) == ("job-8", 4)


def test_a_filesystem_and_an_open_file_are_pickled_by_name(node, memory):
    fs, path = fsspec.url_to_fs("gpurules::memory:///data/rows.csv")
    assert pickle.loads(pickle.dumps(fs)) is fs
    with fs.open(path) as file:
        file.read(4)
        with pickle.loads(pickle.dumps(file)) as again:
            assert again.read() == ROWS[4:]
    assert node.counts.done == 2


def test_a_zip_within_is_opened_through_the_rules(node, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("rows.csv", ROWS)
    with fsspec.open(f"zip://rows.csv::gpurules::file://{tmp_path}/a.zip") as file:
        assert file.read() == ROWS
    assert node.counts.submitted == 1


def test_a_file_that_was_never_closed_does_not_stay_pending(node, memory):
    fs, path = fsspec.url_to_fs("gpurules::memory:///data/rows.csv")
    fs.open(path).read(1)
    fs.client.status()
    assert not node.governor.status().transfers and node.governor.schedule.pending_count == 0


def test_a_full_queue_is_waited_for(memory):
    from gpurules.governor import Governor, Limits

    full = Node()
    full.governor = Governor(full.engine, Limits(slots=1, queue=1))
    use(full.governor)
    try:
        first = full.governor.transfer(fsspec_transfer())
        done = []
        thread = threading.Thread(target=lambda: done.append(fsspec.open("gpurules::memory:///data/rows.csv").open()))
        thread.start()
        wait_until(lambda: full.counts.refused)
        assert not done
        first.end()
        thread.join(5)
        with done[0] as file:
            assert file.read() == ROWS
    finally:
        use(None)


def fsspec_transfer():
    from gpurules import Transfer

    return Transfer(path="/first")


def test_an_asynchronous_gate_does_not_block_the_loop(node, memory):
    from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

    async def run():
        behind = AsyncFileSystemWrapper(memory, asynchronous=True)
        fs = fsspec.filesystem("gpurules", fs=behind, asynchronous=True, skip_instance_cache=True)
        assert await fs._cat_file("/data/rows.csv") == ROWS
        node.heat(90)
        held = asyncio.create_task(fs._cat_file("/data/rows.csv", start=0, end=3))
        for _ in range(5):
            await asyncio.sleep(0.02)  # the loop goes round while the file is held
        assert not held.done() and node.governor.status().transfers[0].state == "held"
        node.heat(60)
        assert await asyncio.wait_for(held, 5) == ROWS[:3]
        await fs._pipe_file("/data/new.csv", b"new")
        assert memory.cat("/data/new.csv") == b"new"

    asyncio.run(run())
    assert node.counts.done == 3


def test_rules_see_the_framework_that_the_folder_implies(tmp_path):
    reported = Node("""
version: 1
name: frameworks
rules:
  - {name: face, condition: framework == 'huggingface', action: increase_priority, parameters: {priority_boost: 9}}
""")
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    (tmp_path / "weights").write_bytes(ROWS)
    use(reported.governor)
    try:
        with fsspec.open(f"gpurules::file://{tmp_path}/weights"):
            assert [t.priority for t in reported.governor.status().transfers] == [9]
    finally:
        use(None)
