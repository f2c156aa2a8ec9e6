"""Files that fetch ranges: each range is a part, and the read-ahead follows the rules while the file is open."""

import io
import threading

import pytest

pytest.importorskip("fsspec")

import fsspec
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from gpurules.clients.filesystem import use

DATA = bytes(range(256)) * 40
BLOCK = 1000


class RangeFile(AbstractBufferedFile):
    def _fetch_range(self, start, end):
        return self.fs.fetch(start, end)


class RangeFileSystem(AbstractFileSystem):
    """One file, by ranges, as stores of objects have them."""

    protocol = "ranges"
    cachable = False

    def __init__(self, **options):
        super().__init__(**options)
        self.ranges: list[tuple[int, int]] = []
        self.fails = 0
        self._lock = threading.Lock()

    def info(self, path, **options):
        return {"name": path, "size": len(DATA), "type": "file"}

    def _open(self, path, mode="rb", block_size=None, **options):
        return RangeFile(self, path, mode, block_size or BLOCK, size=len(DATA), **options)

    def fetch(self, start, end):
        with self._lock:
            self.ranges.append((start, end))
            if self.fails:
                self.fails -= 1
                raise OSError("connection reset")
        return DATA[start:end]


@pytest.fixture
def fs(node):
    return fsspec.filesystem(
        "gpurules", fs=RangeFileSystem(), block_size=BLOCK, blocks_ahead=4, skip_instance_cache=True
    )


def blocks(fs) -> list[int]:
    return sorted(start // BLOCK for start, _ in fs.fs.ranges)


def settle(file) -> None:
    """Wait for what is under way."""
    for block in list(file.cache._blocks.values()):
        block.exception(5)


def test_each_range_is_a_part_of_one_transfer(fs, node):
    with fs.open("a.bin") as file:
        assert file.read() == DATA
    assert (node.counts.done, node.counts.bytes_moved) == (1, len(DATA))
    assert blocks(fs) == list(range(11))


def test_the_prefetch_shrinks_and_grows_while_the_file_is_open(fs, node):
    with fs.open("a.bin") as file:
        file.read(10)
        settle(file)
        assert blocks(fs) == [0, 1, 2, 3, 4]
        node.heat(75)  # a quarter of 4 is 1
        file.read(5 * BLOCK)
        settle(file)
        assert blocks(fs) == [0, 1, 2, 3, 4, 5, 6]
        node.heat(40)
        file.read(BLOCK)
        settle(file)
        assert blocks(fs) == list(range(11))


@pytest.mark.parametrize("name", ["readahead", "bytes"])
def test_the_caches_of_fsspec_read_less_far_ahead(fs, node, name):
    node.heat(75)
    with fs.open("a.bin", cache_type=name) as file:
        assert file.read(10) == DATA[:10]
        assert fs.fs.ranges == [(0, 10 + BLOCK // 4)]
        node.heat(40)
        file.seek(5000)
        assert file.read(10) == DATA[5000:5010]
        assert fs.fs.ranges[-1] == (5000, 5010 + BLOCK)


def test_a_file_that_could_not_be_read_is_a_failed_transfer_unless_it_is_read_again(fs, node):
    with pytest.raises(OSError, match="connection reset"), fs.open("a.bin") as file:
        fs.fs.fails = 9
        file.read()
    assert (node.counts.failed, node.counts.done) == (1, 0)
    fs.fs.fails = 0
    with fs.open("a.bin", cache_type="none") as file:
        fs.fs.fails = 1
        with pytest.raises(OSError, match="connection reset"):
            file.read()
        file.seek(0)
        assert file.read() == DATA
    assert (node.counts.failed, node.counts.done) == (1, 1)


def test_a_file_that_is_forgotten_is_over_at_once(fs, node):
    file = fs.open("a.bin")
    file.read(10)
    settle(file)
    del file
    assert not fs.client.status().transfers


def test_it_reads_as_a_file_does(fs):
    with fs.open("a.bin") as file, io.BytesIO(DATA) as plain:
        for offset, whence in ((5, 0), (100, 1), (-7, 2), (4000, 0)):
            assert file.seek(offset, whence) == plain.seek(offset, whence)
            assert file.read(123) == plain.read(123)
        assert file.readline() == plain.readline()
        assert file.tell() == plain.tell()


def test_a_policy_that_raises_is_counted_and_the_data_is_right(fs, node, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("an action of another package")

    monkeypatch.setattr(node.engine, "decide", broken)
    with fs.open("a.bin") as file:
        assert file.read() == DATA
    assert node.counts.decisions_failed and node.counts.done == 1


def test_stale_telemetry_holds_nothing_and_is_counted(node):
    node.heat(90)
    stale = type(node)()
    stale.engine = type(stale.engine)(stale.engine.ruleset, clock=lambda: 1e6)
    stale.governor = type(stale.governor)(stale.engine)
    stale.heat(90)
    use(stale.governor)
    fs = fsspec.filesystem("gpurules", fs=RangeFileSystem(), skip_instance_cache=True)
    with fs.open("a.bin") as file:
        assert file.read() == DATA
    assert stale.counts.decisions_stale and stale.counts.done == 1 and not stale.counts.holds


def test_what_only_the_files_own_kind_has_is_reached_private_names_too(fs, node, tmp_path):
    RangeFile._call_store = lambda self: "answer"
    try:
        with fs.open("a.bin") as file:
            assert file._call_store() == "answer"
            for name in ("_no_such", "__no_such__", "no_such"):
                with pytest.raises(AttributeError, match=name):
                    getattr(file, name)
    finally:
        del RangeFile._call_store
    with fsspec.open(f"gpurules::file://{tmp_path}/w", "wb") as file:
        assert file.autocommit is True and callable(file._open)
