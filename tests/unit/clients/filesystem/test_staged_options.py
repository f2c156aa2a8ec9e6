"""What is asked for at opening holds for what is staged: another version, a part only, other bytes."""

from pathlib import Path

import fsspec
import pytest
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from gpurules.clients.filesystem import use
from tests.unit.clients.filesystem.conftest import Node

STAGE_ALL = """
version: 1
name: stage_all
rules:
  - {name: stage, condition: "true", action: stage_transfer}
"""
VERSIONS = {"1": b"first " * 1000, "2": b"second " * 2000}


class VersionedFile(AbstractBufferedFile):
    def __init__(self, fs, path, version, **options):
        self.version = version
        self.asked = {name: options.pop(name, None) for name in ("requester_pays", "swap")}
        super().__init__(fs, path, "rb", **options)
        self._details = fs.info(path, version=version)

    def _fetch_range(self, start, end):
        self.fs.asked.append(self.asked)
        data = VERSIONS[self.version]
        return (data.swapcase() if self.asked["swap"] else data)[start:end]


class Versioned(AbstractFileSystem):
    """One file in two versions, which has ranges unless it is asked to come as a stream."""

    protocol = "versioned"
    cachable = False

    def __init__(self, **options):
        super().__init__(**options)
        self.asked: list[object] = []

    def info(self, path, version="2", **options):
        return {"name": path, "size": len(VERSIONS[version]), "type": "file", "ETag": f"tag-{version}"}

    def _open(self, path, mode="rb", block_size=None, version_id="2", size=None, stream=False, **options):
        whole = len(VERSIONS[version_id])
        file = VersionedFile(self, path, version_id, size=whole if size is None else size, **options)
        file.seekable = lambda: not stream
        return file


@pytest.fixture
def staging(tmp_path):
    node = Node(STAGE_ALL)
    use(node.governor)
    yield node, fsspec.filesystem("gpurules", fs=Versioned(), staging=str(tmp_path / "area"), skip_instance_cache=True)
    use(None)


def staged_files(fs) -> int:
    area = Path(fs.options.staging)
    return sum(len(path.name) == 64 for path in area.iterdir()) if area.is_dir() else 0


@pytest.mark.parametrize("order", ["12", "21", "1212"])
def test_a_version_that_is_asked_for_is_the_one_that_is_staged(staging, order):
    _, fs = staging
    for version in order:
        with fs.open("a.bin", version_id=version) as file:
            assert file.read() == VERSIONS[version]
    with fs.open("a.bin") as file:
        assert file.read() == VERSIONS["2"], "the newest"
    assert staged_files(fs) >= 2


@pytest.mark.parametrize("size", [0, 1, 100, 6000])
def test_a_size_that_is_said_is_where_the_file_ends(staging, size):
    _, fs = staging
    with fs.open("a.bin") as file:
        assert file.read() == VERSIONS["2"]
    with fs.open("a.bin", size=size) as file:
        assert (file.read(), file.size) == (VERSIONS["2"][:size], size)
    with fs.open("a.bin", size=size, version_id="1") as file:
        assert file.read() == VERSIONS["1"][:size]


def test_other_options_reach_each_read_and_keep_copies_apart(staging):
    _, fs = staging
    with fs.open("a.bin", swap=True) as file:
        assert file.read() == VERSIONS["2"].swapcase()
    with fs.open("a.bin", requester_pays=True) as file:
        assert file.read() == VERSIONS["2"]
    assert [asked for asked in fs.fs.asked if asked["requester_pays"]]
    with fs.open("a.bin", swap=True) as file:
        assert file.read() == VERSIONS["2"].swapcase()


def test_a_stream_that_has_no_ranges_goes_directly_and_is_counted(staging):
    node, fs = staging
    with fs.open("a.bin", version_id="1", stream=True) as file:
        assert file.read() == VERSIONS["1"]
    assert node.governor.status().uncarried == {"fsspec": {"stage": 1}} and staged_files(fs) == 0


@pytest.mark.parametrize("options", [{"cache_type": "bytes"}, {"block_size": 100}, {"cache_options": {}}])
def test_options_of_the_cache_alone_share_one_copy(staging, options):
    _, fs = staging
    for one in ({}, options):
        with fs.open("a.bin", **one) as file:
            assert file.read() == VERSIONS["2"]
    assert staged_files(fs) == 1
