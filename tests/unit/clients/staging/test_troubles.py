"""Whatever becomes of the area's disk, a reader gets the right bytes."""

import errno
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpurules.clients import StagingArea, StagingFull
from tests.cases import representative
from tests.unit.clients.staging.conftest import KIB, Node, Stored, content
from tests.unit.clients.staging.faults import Faults

SIZE = 40 * KIB
QUOTA = 100 * KIB
GONE = "ENOENT"  # only for good: a file that is not there just once is none of what disks do
ERRORS = ["EROFS", "ENOSPC", "EIO", "ESTALE", "EACCES", "EDQUOT", "ENOTDIR", "ENOLCK", "EMFILE", GONE]
COUNTED = {"staging_full", "staging_failed", "staging_damaged", "transfer_resumed", "piece_damaged"}


def _object(number: int) -> Stored:
    return Stored(f"mem://bucket/{number}", content(number, SIZE))


def _stage(area: Path, folder: Path) -> tuple[Node, list[Stored]]:
    """Nothing is there yet."""
    return Node(StagingArea(area, QUOTA)), [_object(1)]


def _hit(area: Path, folder: Path) -> tuple[Node, list[Stored]]:
    """The object was staged by this process."""
    node, sources = _stage(area, folder)
    node.download(sources[0], folder / "before")
    return node, sources


def _hit_after_start(area: Path, folder: Path) -> tuple[Node, list[Stored]]:
    """The object was staged by a process that is gone."""
    node, sources = _hit(area, folder)
    node.transfers.close()
    return Node(StagingArea(area, QUOTA)), sources


def _evict(area: Path, folder: Path) -> tuple[Node, list[Stored]]:
    """There is room only if one that was staged is taken out."""
    node, _ = _stage(area, folder)
    for number in (2, 3):
        node.download(_object(number), folder / "before")
    return node, [_object(1)]


def _replace_damaged(area: Path, folder: Path) -> tuple[Node, list[Stored]]:
    """What was staged is damaged."""
    node, sources = _hit(area, folder)
    os.truncate(node.place(sources[0]), 10)
    return node, sources


def _resume(area: Path, folder: Path) -> tuple[Node, list[Stored]]:
    """The object was staged in part."""
    node, sources = _stage(area, folder)
    parts = sources[0].read

    def breaking(start, size, etag):
        if start:
            raise RuntimeError("the process ends here")
        return parts(start, size, etag)

    sources[0].read = breaking
    with pytest.raises(RuntimeError):
        node.download(sources[0], folder / "before")
    sources[0].read = parts
    return node, sources


SITUATIONS = {
    one.__name__.strip("_"): one for one in (_stage, _hit, _hit_after_start, _evict, _replace_damaged, _resume)
}


def _is_sound_after(area: Path, folder: Path, sources: list[Stored]) -> None:
    """Once the disk is well, all is staged again, within the quota, and nothing is left behind."""
    node = Node(StagingArea(area, QUOTA))
    for source in sources * 2:
        assert node.download(source, folder / "after") == source.data
    assert node.area.counts.hits >= 1
    assert node.area.used <= QUOTA
    node.area.room.sweep(older_than_seconds=-1)
    node.transfers.close()
    names = {path.name for path in area.iterdir()} - {"area.lock"}
    copies = {name for name in names if len(name) == 64}
    assert names == copies | {f"{name}.seal" for name in copies} | {f"{name}.lock" for name in copies}
    assert node.area.used == SIZE * len(copies)


def _count(situation: str, how: str, folder: Path) -> list[str]:
    folder.mkdir()
    node, sources = SITUATIONS[situation](folder / "area", folder)
    with Faults(folder / "area").injected() as faults:
        assert node.get(how, sources[0], folder) == sources[0].data
    node.transfers.close()
    return faults.calls


def _fails(situation: str, how: str, fault: tuple[str, int, bool], folder: Path, calls: list[str]) -> None:
    """Have the fault (the error, the call, whether all after it fail too) happen, and look at what comes of it."""
    error, at, is_lasting = fault
    folder.mkdir()
    node, sources = SITUATIONS[situation](folder / "area", folder)
    before = dict(node.faults)
    with Faults(folder / "area", getattr(errno, error), at, is_lasting).injected() as faults:
        found = node.get(how, sources[0], folder)
    where = f"{situation}, {how}: {error} at call {at}, {calls[at - 1]}, {is_lasting=}"
    assert found == sources[0].data, where
    assert faults.raised, where
    counted = set(node.faults) - set(before)
    assert counted <= COUNTED, where
    is_served = set(calls[at - 1 :]) <= {"utime", "stat"}  # what comes after the bytes are there
    assert counted or is_served or not is_lasting, where
    node.transfers.close()
    _is_sound_after(folder / "area", folder, sources)
    shutil.rmtree(folder)


def _faults(calls: int, errors: list[str]) -> Iterator[tuple[str, int, bool]]:
    """Yield faults so that each call fails, once and for good, with errors by turns."""
    for at in range(1, calls + 1):
        yield errors[at % len(errors)], at, True
        yield errors[at % (len(errors) - 1)], at, False


@pytest.mark.slow
@pytest.mark.parametrize("how", representative(["open", "download"], 1))
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_reader_gets_the_right_bytes_whatever_call_fails(situation, how, tmp_path):
    calls = _count(situation, how, tmp_path / "all")
    assert len(calls) >= 10
    for number, fault in enumerate(_faults(len(calls), ERRORS)):
        _fails(situation, how, fault, tmp_path / str(number), calls)


@pytest.mark.parametrize("error", ERRORS)
def test_an_area_that_cannot_be_opened_stops_no_process(error, tmp_path):
    source = _object(1)
    calls = Faults(tmp_path / "area")
    with calls.injected():
        StagingArea(tmp_path / "area", QUOTA)
    for at in range(1, len(calls.calls) + 1):
        area = tmp_path / f"area-{at}"
        with Faults(area, getattr(errno, error), at, True).injected():
            node = Node(StagingArea(area, QUOTA))
            assert node.download(source, tmp_path / "target") == source.data
        node.transfers.close()


def test_an_area_that_vanishes_is_not_made_again_and_used_when_it_is_back(started, tmp_path, caplog):
    source, node = Stored(), started()
    node.read(source)
    node.area.path.rename(tmp_path / "gone")
    with caplog.at_level(logging.WARNING):
        for how in ("open", "download", "open"):
            assert node.get(how, source, tmp_path) == source.data
    assert not node.area.path.exists(), "the disk may be unmounted, and what is below must not fill up"
    assert node.faults == {"staging_failed": 3}
    assert len(caplog.records) == 1
    assert "read directly" in caplog.text
    tmp_path.joinpath("gone").rename(node.area.path)
    before = len(source.reads)
    assert node.read(source) == source.data
    assert len(source.reads) == before


@pytest.mark.parametrize("put", [Path.touch, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_an_area_that_is_no_directory_sends_transfers_directly(started, tmp_path, put):
    put(tmp_path / "area")
    source, node = Stored(), started()
    for how in ("open", "download"):
        assert node.get(how, source, tmp_path) == source.data
    assert node.faults == {"staging_failed": 2}


def test_each_kind_of_trouble_is_logged_once(started, tmp_path, caplog):
    node = started()
    with caplog.at_level(logging.WARNING):
        for number in (errno.EROFS, errno.EIO, errno.EROFS, errno.EIO):
            with Faults(node.area.path, number, 1, True).injected():
                assert node.read(Stored()) == Stored().data
    assert node.faults == {"staging_failed": 4}
    assert len(caplog.records) == 2


def test_a_full_disk_is_an_error_where_the_rule_wants_one(started, tmp_path):
    node, source = started("fail"), Stored()
    for at in (3, 12, 20):
        with Faults(node.area.path, errno.ENOSPC, at, True).injected(), pytest.raises(StagingFull, match="full"):
            node.download(source, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    assert node.area.used == 0


def test_what_goes_wrong_with_the_object_is_no_trouble_of_the_area(started, tmp_path):
    node, source = started(), Stored()
    error = PermissionError(errno.EACCES, "the store refuses")
    source.trouble = lambda: error
    with pytest.raises(PermissionError) as raised:
        node.download(source, tmp_path / "target")
    assert raised.value is error
    assert node.faults == {}


def test_a_target_that_cannot_be_written_is_no_trouble_of_the_area(started, tmp_path):
    node, source = started(), Stored()
    node.read(source)
    with pytest.raises(FileNotFoundError):
        node.download(source, tmp_path / "no-folder" / "target")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        node.download(source, tmp_path / "folder")
    assert list((tmp_path / "folder").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["area", "folder"]
    assert node.faults == {}
