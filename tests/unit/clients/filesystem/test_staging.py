"""Staged files of fsspec: verified before they are read, and read from where they come from when that fails."""

import os
import random

import fsspec
import pytest

from gpurules.clients.filesystem import use
from tests.unit.clients.filesystem.conftest import Node

RULES = """
version: 1
name: stage
rules:
  - {name: all, condition: "true", action: stage_transfer, parameters: {staging_threshold: 0}}
"""
DATA = b"".join(b"%06d a line of the file\n" % number for number in range(8000))


@pytest.fixture
def staging():
    the = Node(RULES)
    use(the.governor)
    yield the
    use(None)


@pytest.fixture
def fs(tmp_path, staging):
    (tmp_path / "behind").mkdir()
    (tmp_path / "behind" / "file.txt").write_bytes(DATA)
    fs, _ = fsspec.url_to_fs("gpurules::file:///", staging=str(tmp_path / "area"), block_size=16384)
    return fs


def faults(node):
    return dict(node.governor.status().faults)


def copy_of(tmp_path):
    return next(path for path in (tmp_path / "area").iterdir() if len(path.name) == 64)


@pytest.mark.parametrize("damage", ["short", "empty", "flipped", "gone", "linked"])
def test_a_staged_file_that_was_damaged_is_staged_again(fs, staging, tmp_path, damage):
    path = str(tmp_path / "behind" / "file.txt")
    assert fs.open(path).read() == DATA
    copy = copy_of(tmp_path)
    if damage in ("short", "empty"):
        os.truncate(copy, 10 if damage == "short" else 0)
    elif damage == "flipped":
        copy.write_bytes(DATA[:50_000] + b"X" + DATA[50_001:])
    else:
        copy.unlink()
        if damage == "linked":
            copy.symlink_to("/etc/hostname")
    with fs.open(path) as file:
        assert file.read() == DATA
    assert faults(staging) == ({} if damage == "gone" else {"staging_damaged": 1})
    assert copy.read_bytes() == DATA


def test_a_staged_file_that_cannot_be_read_on_is_read_where_it_comes_from(fs, staging, tmp_path, monkeypatch):
    real, whole, at = os.preadv, os.pread, random.Random(1)

    def failing(file, what, place):
        if place >= 60_000:
            raise OSError(5, "Input/output error")
        return real(file, what, place) if isinstance(what, list) else whole(file, min(what, 60_000 - place), place)

    with fs.open(str(tmp_path / "behind" / "file.txt")) as file:
        for name in ("preadv", "pread"):
            monkeypatch.setattr(os, name, failing)
        assert file.readline() == DATA[:26]
        assert file.read() == DATA[26:]
        for _ in range(20):
            place = at.randrange(len(DATA))
            file.seek(place)
            assert file.read(1000) == DATA[place : place + 1000]
        file.seek(100_000)
        assert list(file)[-1] == DATA[-26:]
    assert faults(staging) == {"staging_failed": 1}
    assert staging.counts.failed == 0


def test_an_area_that_others_may_write_to_is_counted_and_the_file_read_directly(fs, staging, tmp_path, caplog):
    (tmp_path / "area").mkdir()
    (tmp_path / "area").chmod(0o777)
    for _ in range(2):
        with fs.open(str(tmp_path / "behind" / "file.txt")) as file:
            assert file.read() == DATA
    assert faults(staging) == {"staging_refused": 2}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert not list((tmp_path / "area").iterdir())


def test_an_area_that_cannot_be_made_is_counted_and_the_file_read_directly(staging, tmp_path):
    (tmp_path / "file.txt").write_bytes(DATA)
    fs, _ = fsspec.url_to_fs("gpurules::file:///", staging="/proc/none/area")
    with fs.open(str(tmp_path / "file.txt")) as file:
        assert file.read() == DATA
    assert faults(staging) == {"staging_failed": 1}


def test_a_file_that_is_not_there_is_no_trouble_of_the_area(fs, staging, tmp_path):
    with pytest.raises(FileNotFoundError):
        fs.open(str(tmp_path / "behind" / "none"))
    assert faults(staging) == {}
