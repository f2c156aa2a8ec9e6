"""A staged copy that is not what was staged is never served: it is taken out, counted, and staged again."""

import os
import zlib
from pathlib import Path

import pytest

from gpurules.clients import ObjectChanged
from gpurules.clients.objects.checksums import Checksum
from gpurules.clients.objects.store import ChecksumMismatch, Unverifiable
from gpurules.clients.staging import StagedCopy, copies, seal
from gpurules.clients.transfers.verification import Verification
from tests.unit.clients.staging.conftest import KIB, Stored, content

FOREIGN = b"somebody else's file, of no concern to the area"


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def _replace(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def _zeros(path: Path, _: Path) -> None:
    size, times = path.stat().st_size, path.stat()
    with path.open("r+b") as file:
        file.truncate(0)
        file.truncate(size)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _flip_and_keep_the_time(path: Path, _: Path) -> None:
    times = path.stat()
    _flip(path, 50_000)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _symbolic(path: Path, foreign: Path) -> None:
    path.unlink()
    path.symlink_to(foreign)


def _symbolic_to_the_right_bytes(path: Path, foreign: Path) -> None:
    moved = foreign.with_name("moved")
    path.rename(moved)
    path.symlink_to(moved)


def _hard(path: Path, foreign: Path) -> None:
    path.unlink()
    path.hardlink_to(foreign)


def _also_elsewhere(path: Path, foreign: Path) -> None:
    foreign.with_name("second").hardlink_to(path)


def _fifo(path: Path, _: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _socket(path: Path, _: Path) -> None:
    import stat

    path.unlink()
    os.mknod(path, stat.S_IFSOCK | 0o600)


DAMAGES = {
    "shortened": lambda path, _: os.truncate(path, 10),
    "a byte short": lambda path, _: os.truncate(path, path.stat().st_size - 1),
    "emptied": lambda path, _: os.truncate(path, 0),
    "longer": lambda path, _: os.truncate(path, path.stat().st_size + 1),
    "first bit": lambda path, _: _flip(path, 0),
    "last bit": lambda path, _: _flip(path, -1),
    "a bit within": lambda path, _: _flip(path, 70_000),
    "a bit, with its time kept": _flip_and_keep_the_time,
    "zeros, with their time kept": _zeros,
    "replaced": lambda path, _: _replace(path, content(9)),
    "replaced by another size": lambda path, _: _replace(path, content(9, 50 * KIB)),
    "a symbolic link": _symbolic,
    "a symbolic link to what was there": _symbolic_to_the_right_bytes,
    "a hard link to another file": _hard,
    "a second name elsewhere": _also_elsewhere,
    "a FIFO": _fifo,
    "a socket": _socket,
}


@pytest.mark.parametrize("is_restarted", [False, True], ids=["same process", "next process"])
@pytest.mark.parametrize("how", ["open", "download"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_copy_that_was_damaged_is_never_served(started, tmp_path, damage, how, is_restarted):
    source, foreign = Stored(), tmp_path / "foreign"
    foreign.write_bytes(FOREIGN)
    node = started()
    assert node.get(how, source, tmp_path) == source.data
    place = node.place(source)
    DAMAGES[damage](place, foreign)
    later = started() if is_restarted else node
    assert later.get(how, source, tmp_path) == source.data
    assert later.faults == {"staging_damaged": 1}
    assert (later.area.counts.damaged, later.area.counts.hits) == (1, 0)
    assert foreign.read_bytes() == FOREIGN
    before = len(source.reads)
    assert started().get(how, source, tmp_path) == source.data, "it was staged again"
    assert len(source.reads) == before
    assert (place.stat().st_nlink, place.read_bytes()) == (1, source.data)
    assert later.area.used == len(source.data)


SEALS = {
    "gone": None,
    "empty": b"",
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "deep": b"[" * 100_000,
    "many digits": b"1" * 100_000,
    "not a digit": "٣".encode(),
    "not UTF-8": b"\xff\xfe\xfd",
    "a bool for a size": b'{"name": "x", "size": true, "piece_size": 1, "sums": [1]}',
    "pieces of nothing": b'{"name": "x", "size": 1, "piece_size": 0, "sums": []}',
}


@pytest.mark.parametrize("how", ["open", "download"])
@pytest.mark.parametrize("said", [*SEALS, "torn", "of another copy", "a symbolic link", "a FIFO", "sums are texts"])
def test_a_copy_whose_record_is_not_its_own_is_never_served(started, tmp_path, said, how):
    source, other = Stored(), Stored("mem://bucket/other", content(5))
    node = started()
    for one in (source, other):
        node.read(one)
    path, kept = (node.place(one).with_name(f"{node.place(one).name}.seal") for one in (source, other))
    text = path.read_bytes()
    path.unlink()
    if said == "torn":
        path.write_bytes(text[:-20])
    elif said == "of another copy":
        path.write_bytes(kept.read_bytes())
    elif said == "sums are texts":
        path.write_bytes(text.replace(b'"sums": [', b'"sums": ["'))
    elif said == "a symbolic link":
        moved = tmp_path / "moved"
        moved.write_bytes(text)
        path.symlink_to(moved)
    elif said == "a FIFO":
        os.mkfifo(path)
    elif SEALS[said] is not None:
        path.write_bytes(SEALS[said])
    later = started()
    assert later.get(how, source, tmp_path) == source.data
    assert later.read(other) == other.data
    assert later.area.counts.hits == 1
    assert path.read_bytes() == text


def test_a_copy_and_its_record_that_bear_the_name_of_another_are_not_served(started):
    source, other = Stored(), Stored("mem://bucket/other", content(5))
    node = started()
    for one in (source, other):
        node.read(one)
    mine, theirs = node.place(source), node.place(other)
    for suffix in ("", ".seal"):
        mine.with_name(mine.name + suffix).write_bytes(theirs.with_name(theirs.name + suffix).read_bytes())
    assert [started().read(one) for one in (source, other)] == [source.data, other.data]


def test_a_copy_is_read_in_full_at_the_first_use_after_start_and_not_again(started, tmp_path, monkeypatch):
    source, read = Stored(), []
    started().read(source)
    checksum = seal.checksum

    def counted(path, file, piece, *take):
        read.append(piece.size)
        return checksum(path, file, piece, *take)

    monkeypatch.setattr(seal, "checksum", counted)
    node = started()
    for how in ("open", "download", "open"):
        assert node.get(how, source, tmp_path) == source.data
        assert sum(read) == len(source.data)
    assert len(source.reads) == 7, "100 KiB and a bit, in pieces of 16"


def test_what_was_staged_just_now_is_not_read_again(started, monkeypatch):
    read = []
    monkeypatch.setattr(seal, "checksum", lambda *_: read.append(1) or 0)
    source, node = Stored(), started()
    assert [node.read(source), node.read(source)] == [source.data, source.data]
    assert read == []


def test_a_version_that_changes_while_it_is_staged_is_not_kept_under_the_name_of_the_other(started, tmp_path):
    source, node, other = Stored(), started(), content(8)
    before, name = source.data, node.area.name

    def named(url, found, *_):  # what the object is has been found out, and nothing has been read
        if source.version == 1:
            source.change(other)
        return name(url, found)

    node.area.name = named
    with pytest.raises(ObjectChanged):
        node.download(source, tmp_path / "f")
    node.area.name = name
    assert not (tmp_path / "f").exists()
    assert node.download(source, tmp_path / "f") == other
    source.data, source.version = before, 1
    assert node.download(source, tmp_path / "f") == before, "the first version is back, and is not taken for the other"


@pytest.mark.parametrize("size", [0, 1, 16 * KIB, 16 * KIB + 1])
def test_objects_of_any_size_are_staged_once(started, tmp_path, size):
    source = Stored(data=content(1, size))
    for _ in range(2):
        node = started()
        assert [node.get(how, source, tmp_path) for how in ("open", "download")] == [source.data] * 2
    assert len(source.reads) == max(1, -(-size // (16 * KIB)))


def test_a_stream_whose_copy_cannot_be_read_on_goes_on_with_the_object(started, monkeypatch):
    source, node = Stored(), started()
    node.read(source)
    stream = node.open(source)
    assert stream.read(1000) == source.data[:1000]

    def failing(file, *_):
        assert file == stream.fileno()
        raise OSError(5, "Input/output error")

    for name in ("preadv", "pread"):
        monkeypatch.setattr(os, name, failing)
    stream.seek(90_000)
    assert stream.read() == source.data[90_000:]
    stream.seek(0)
    assert stream.read() == source.data
    stream.close()
    assert node.faults == {"staging_failed": 1}
    assert not node.governor.status().transfers


def test_a_stream_is_read_whole_however_large_it_is(started, monkeypatch):
    source, node = Stored(), started()
    node.read(source)
    monkeypatch.setattr(copies, "AT_ONCE", 30_000)
    with node.open(source) as stream:
        assert (stream.read(), stream.read()) == (source.data, b"")
        stream.seek(77_777)
        assert stream.read() == source.data[77_777:]
        stream.seek(len(source.data) + 10)
        assert (stream.read(), stream.read(5)) == (b"", b"")


def test_a_stream_whose_copy_is_shortened_under_it_goes_on_with_the_object(started):
    source, node = Stored(), started()
    node.read(source)
    with node.open(source) as stream:
        os.truncate(node.place(source), 10)
        assert stream.read() == source.data


def test_a_stream_goes_on_when_its_copy_is_taken_out(started):
    source, node = Stored(), started(quota=150 * KIB)
    node.read(source)
    with node.open(source) as stream:
        other = Stored("mem://bucket/other", content(3))
        assert node.read(other) == other.data
        assert not node.place(source).exists()
        assert stream.read() == source.data


def test_a_stream_is_a_file_for_those_who_take_files(started):
    import mmap

    source, node = Stored(), started()
    node.read(source)
    with node.open(source) as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[:] == source.data
        assert (stream.seek(-5, os.SEEK_END), stream.read()) == (len(source.data) - 5, source.data[-5:])
        with pytest.raises(ValueError, match="before the start"):
            stream.seek(-1)
    with pytest.raises(ValueError, match="closed"):
        stream.fileno()


class Checked(Stored):
    """An object of which the store offers a checksum, right or wrong."""

    def __init__(self, is_right: bool = True) -> None:
        super().__init__()
        self.is_right = is_right

    def checksums(self, facts):
        crc = zlib.crc32(self.data) ^ (not self.is_right)
        yield Checksum("CRC32", crc.to_bytes(4, "big"))

    def has_equal_parts(self, facts, checksum):
        return True


def test_a_copy_that_nothing_proved_is_not_for_one_who_requires_proof(started, tmp_path):
    source = Stored()
    assert started().download(source, tmp_path / "f") == source.data
    with pytest.raises(Unverifiable):
        started(verify="require").download(source, tmp_path / "g")
    assert not (tmp_path / "g").exists()
    proved = Checked()
    for _ in range(2):
        node = started(verify="require")
        assert node.download(proved, tmp_path / "g") == proved.data
    assert node.area.counts.hits == 1


def test_an_object_that_does_not_match_the_store_is_not_staged(started, tmp_path):
    node = started()
    with pytest.raises(ChecksumMismatch):
        node.download(Checked(is_right=False), tmp_path / "f")
    assert not (tmp_path / "f").exists()
    assert node.area.used == 0


def test_bytes_that_the_area_damages_while_they_are_staged_are_fetched_directly(started, tmp_path, monkeypatch):
    node, source, pwrite = started(), Checked(), os.pwrite

    def flipping(file, data, place):
        if "/area/" in str(Path(f"/proc/self/fd/{file}").readlink()) and place > 0:
            data = bytes(data)[:-1] + bytes([data[-1] ^ 4])
        return pwrite(file, data, place)

    monkeypatch.setattr(os, "pwrite", flipping)
    monkeypatch.setattr(Verification, "_is_by_pieces", lambda *_: False)  # so that it is read from the disk
    assert node.download(source, tmp_path / "f") == source.data
    assert node.faults == {"checksum_mismatch": 1, "staging_failed": 1}


@pytest.mark.parametrize("mask", [0o002, 0o022, 0o077])
def test_a_target_has_the_permissions_of_a_new_file_and_the_copy_is_private(started, tmp_path, mask):
    before = os.umask(mask)
    try:
        node, source = started(), Stored()
        for _ in range(2):
            assert node.download(source, tmp_path / "target") == source.data
            assert (tmp_path / "target").stat().st_mode & 0o777 == 0o666 & ~mask
            (tmp_path / "target").unlink()
    finally:
        os.umask(before)
    assert node.place(source).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["x" * 255, "ä" * 127, "-", "with\nline"])
def test_a_target_of_any_name_is_brought_from_the_area_and_leaves_nothing_beside_it(started, tmp_path, name):
    source = Stored()
    (tmp_path / "folder").mkdir()
    for node in (started(), started()):
        assert node.download(source, tmp_path / "folder" / name) == source.data
    assert [path.name for path in (tmp_path / "folder").iterdir()] == [name]


@pytest.mark.parametrize("put", [Path.symlink_to, Path.hardlink_to])
def test_what_stands_beside_a_target_is_not_written_to(started, tmp_path, put):
    (tmp_path / "folder").mkdir()
    (tmp_path / "foreign").write_bytes(FOREIGN)
    node, source = started(), Stored()
    put(tmp_path / "folder" / ".target.gpurules-copy", tmp_path / "foreign")
    assert node.download(source, tmp_path / "folder" / "target") == source.data
    assert (tmp_path / "foreign").read_bytes() == FOREIGN
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["target"]


def test_processes_that_bring_one_target_at_a_time_do_not_meet(started, tmp_path, monkeypatch):
    import threading

    source, nodes, met = Stored(), [started() for _ in range(3)], threading.Barrier(3, timeout=20)
    nodes[0].read(source)
    write = StagedCopy._write

    def together(copy, file):
        met.wait()
        write(copy, file)

    monkeypatch.setattr(StagedCopy, "_write", together)
    threads = [threading.Thread(target=node.download, args=(source, tmp_path / "target")) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (tmp_path / "target").read_bytes() == source.data
    assert sorted(path.name for path in tmp_path.iterdir()) == ["area", "target"]
    assert [node.faults for node in nodes] == [{}] * 3
