"""Progress callbacks, file objects, and targets that are not plain files, beside boto3 where it has them too."""

import gc
import io
import os
import socket
import threading
import warnings
from pathlib import Path

import pytest

from gpurules.clients import (
    S3,
    ObjectChanged,
    ObjectNotFound,
    PartOptions,
    StagingArea,
    StoreError,
    TransientStoreError,
)
from gpurules.model import Transfer
from tests.factories import ruleset
from tests.integration.clients.conftest import content, digest
from tests.integration.clients.test_s3 import governor
from tests.integration.clients.test_s3_arguments import Cut, Wires

MIB = 1024**2
PART = 5 * MIB
OPTIONS = PartOptions(piece_size=MIB, parts_ahead=3, attempts=3, backoff_seconds=0.01)
NOTHING = ruleset("  - {name: never, condition: gpu_temperature > 200, action: log}")
STAGE = ruleset("  - {name: all, condition: TRUE, action: stage_transfer, parameters: {staging_threshold: 1MiB}}")


def client_for(client, rules=NOTHING, **arguments):
    return S3(governor(rules), client, options=OPTIONS, **arguments)


@pytest.fixture
def s3(client):
    with client_for(client) as the:
        yield the


@pytest.fixture
def data(client):
    the = content(4 * MIB + 17)
    client.put_object(Bucket="bucket", Key="streamed", Body=the)
    return the


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(content(2 * PART + 3))
    return path


class Seen:
    """A callback, which notes its arguments, and whether two threads were ever in it."""

    def __init__(self, at=None, error=None):
        self.amounts, self.is_inside, self.met = [], False, False
        self.at, self.error = at, error

    def __call__(self, amount):
        self.met |= self.is_inside
        self.is_inside = True
        self.amounts.append(amount)
        self.is_inside = False
        if self.at is not None and len(self.amounts) >= self.at:
            raise self.error

    @property
    def total(self):
        return sum(self.amounts)


# the callback


@pytest.mark.parametrize("rules", [NOTHING, STAGE], ids=["direct", "staged"])
def test_a_download_reports_all_of_its_bytes_once(client, data, tmp_path, rules):
    with client_for(client, rules, staging=StagingArea(tmp_path / "area", 100 * MIB)) as s3:
        for _ in range(2):  # the second of a staged object is a hit
            seen = Seen()
            s3.download("bucket", "streamed", tmp_path / "f", callback=seen)
            assert (seen.total, seen.met) == (len(data), False)
    theirs = Seen()
    client.download_file("bucket", "streamed", str(tmp_path / "g"), Callback=theirs)
    assert theirs.total == len(data)


@pytest.mark.parametrize("size", [0, 3, 2 * PART + 3])
def test_an_upload_reports_all_of_its_bytes_once(client, s3, tmp_path, size):
    (tmp_path / "f").write_bytes(content(size))
    ours, theirs = Seen(), Seen()
    s3.upload(tmp_path / "f", "bucket", "counted", callback=ours)
    client.upload_file(str(tmp_path / "f"), "bucket", "counted", Callback=theirs)
    assert ours.total == theirs.total == size


def test_what_is_fetched_again_is_taken_back_first(client, client_of, wire, data, tmp_path):
    wire.cuts, wire.cut_after = 3, 400_000
    seen = Seen()
    big = PartOptions(piece_size=4 * MIB, parts_ahead=1, attempts=9, backoff_seconds=0.01)
    with S3(governor(NOTHING), client_of(wire.port), options=big) as s3:
        s3.download("bucket", "streamed", tmp_path / "f", callback=seen)
        assert s3.governor.status().faults["part_retried"] >= 1
    assert seen.total == len(data)


def test_what_is_there_of_an_interrupted_transfer_is_reported_at_once(client, s3, data, file, tmp_path):
    cut, first = Cut(client, at=4), Seen()
    with pytest.raises(TransientStoreError):
        s3.download("bucket", "streamed", tmp_path / "f", callback=first)
    cut.end()
    again = Seen()
    s3.download("bucket", "streamed", tmp_path / "f", callback=again)
    assert again.total == len(data) and first.total < len(data)
    cut = Cut(client, at=3, operation="UploadPart")
    with pytest.raises(TransientStoreError):
        s3.upload(file, "bucket", "again")
    cut.end()
    again, wires = Seen(), Wires(client)
    s3.upload(file, "bucket", "again", callback=again)
    assert again.total == file.stat().st_size
    assert len(wires.of("PUT", "uploadId", "partNumber")) < 3


@pytest.mark.parametrize("error", [ValueError("mine"), ConnectionError("mine"), KeyboardInterrupt("mine")], ids=repr)
def test_what_a_callback_raises_ends_a_download_and_comes_out_as_with_boto3(client, s3, data, tmp_path, error):
    (tmp_path / "f").write_bytes(b"before")
    with pytest.raises(type(error), match="mine"):
        s3.download("bucket", "streamed", tmp_path / "f", callback=Seen(2, error))
    assert (tmp_path / "f").read_bytes() == b"before"
    assert s3.governor.status().slots_taken == 0
    s3.download("bucket", "streamed", tmp_path / "f")
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
    if isinstance(error, ValueError):  # boto3 takes a ConnectionError for one of its own, and tries again
        with pytest.raises(type(error), match="mine"):
            client.download_file("bucket", "streamed", str(tmp_path / "g"), Callback=Seen(1, error))


def test_what_a_callback_raises_ends_an_upload_and_takes_it_back_as_boto3_does(client, s3, file, state_home):
    with pytest.raises(ValueError, match="mine"):
        s3.upload(file, "bucket", "refused", callback=Seen(1, ValueError("mine")))
    left = client.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
    assert [upload for upload in left if upload["Key"] == "refused"] == []
    assert list((state_home / "gpurules" / "uploads").glob("*")) == []
    with pytest.raises(ValueError, match="mine"):
        client.upload_file(str(file), "bucket", "refused", Callback=Seen(1, ValueError("mine")))
    with warnings.catch_warnings(action="ignore"):  # boto3 leaves the file open
        gc.collect()


# file objects to write to


class Slow(io.RawIOBase):
    """Takes a few bytes at a time, and cannot go back."""

    def __init__(self):
        self.found = bytearray()

    def writable(self):
        return True

    def write(self, data):
        taken = bytes(data[:70_001])
        self.found += taken
        return len(taken)


class Bare:
    """Has nothing but write, which returns nothing."""

    def __init__(self):
        self.found = bytearray()

    def write(self, data):
        self.found += data


@pytest.mark.parametrize("rules", [NOTHING, STAGE], ids=["direct", "staged"])
def test_an_object_comes_to_any_file_object_in_order(client, data, tmp_path, rules):
    with client_for(client, rules, staging=StagingArea(tmp_path / "area", 100 * MIB)) as s3:
        for sink in (Slow(), Bare()):
            seen = Seen()
            facts = s3.download_fileobj("bucket", "streamed", sink, callback=seen)
            assert (digest(bytes(sink.found)), facts.size, seen.total) == (digest(data), len(data), len(data))
        buffer = io.BytesIO()
        s3.download_fileobj("bucket", "streamed", buffer)
        with (tmp_path / "appended").open("ab") as file:
            file.write(b"head")
            s3.download_fileobj("bucket", "streamed", file)
        assert s3.governor.status().counts.done == 4
    assert digest(buffer.getvalue()) == digest(data)
    assert digest((tmp_path / "appended").read_bytes()) == digest(b"head" + data)


def test_an_empty_object_comes_to_a_file_object(client, s3):
    client.put_object(Bucket="bucket", Key="nothing", Body=b"")
    sink, seen = io.BytesIO(), Seen()
    assert s3.download_fileobj("bucket", "nothing", sink, callback=seen).size == 0
    assert (sink.getvalue(), seen.amounts) == (b"", [])


def test_a_file_object_that_fails_fails_the_transfer(client, s3, data):
    class Full(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        s3.download_fileobj("bucket", "streamed", Full())
    with pytest.raises(ValueError, match="mine"):
        s3.download_fileobj("bucket", "streamed", io.BytesIO(), callback=Seen(2, ValueError("mine")))
    counts = s3.governor.status().counts
    assert (counts.failed, counts.done) == (2, 0)


@pytest.mark.parametrize("sink", [io.StringIO(), object()])
def test_what_takes_no_bytes_is_refused_before_anything_is_asked(client, s3, sink):
    wires = Wires(client)
    with pytest.raises(TypeError, match="binary"):
        s3.download_fileobj("bucket", "streamed", sink)
    assert wires.requests == []


# file objects to read from


class Trickle(io.RawIOBase):
    """Gives a few bytes at a time, and knows no size."""

    def __init__(self, data):
        self.left = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.left.readinto(memoryview(buffer)[:70_001])


class OnlyRead:
    """Has nothing but read."""

    def __init__(self, data):
        self.left = io.BytesIO(data)

    def read(self, size=-1):
        return self.left.read(size)


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 7])
@pytest.mark.parametrize("kind", [io.BytesIO, Trickle, OnlyRead])
def test_any_file_object_becomes_an_object(client, s3, kind, size):
    data, seen = content(size), Seen()
    s3.upload_fileobj(kind(data), "bucket", "of-a-file", callback=seen, extra_args={"Metadata": {"a": "b"}})
    answer = client.get_object(Bucket="bucket", Key="of-a-file")
    assert (digest(answer["Body"].read()), answer["Metadata"]) == (digest(data), {"a": "b"})
    assert seen.total == size


def test_a_file_object_is_read_from_its_position_and_reports_its_size(client, file):
    rules = ruleset(
        "  - {name: large, condition: transfer_size > 1MiB, action: stage_transfer,"
        " parameters: {staging_threshold: 1MiB}}"
    )
    with client_for(client, rules) as s3, file.open("rb") as stream:
        stream.seek(PART + 1)
        s3.upload_fileobj(stream, "bucket", "rest")
        assert s3.governor.status().uncarried  # the size was known to the rules
    body = client.get_object(Bucket="bucket", Key="rest")["Body"].read()
    assert digest(body) == digest(file.read_bytes()[PART + 1 :])


@pytest.mark.parametrize("size", [0, 100])
def test_rules_know_the_size_of_what_is_small_once_it_is_read(client, tmp_path, size):
    rules = ruleset(
        "  - {name: r, condition: transfer_size == "
        + str(size)
        + ", action: delay_transfer, parameters: {delay: 10ms}}"
    )
    with client_for(client, rules) as s3:
        seen = []
        s3.governor.on_change(lambda change: seen.append(change.transfer.size))
        (tmp_path / "f").write_bytes(bytes(size))
        s3.upload(tmp_path / "f", "bucket", "small")
        s3.upload_fileobj(Trickle(bytes(size)), "bucket", "small")
        assert s3.governor.status().counts.holds == 2
    assert set(seen) - {None} == {size}


def test_what_a_file_object_gives_is_kept_until_the_store_has_it(client, s3):
    data = content(3 * PART)
    calls = []

    def cut(**_):
        from botocore.exceptions import ConnectionClosedError

        calls.append(1)
        if len(calls) <= 4:  # boto3 tries each of them twice by itself
            raise ConnectionClosedError(endpoint_url="cut by the test")

    client.meta.events.register("before-send.s3.UploadPart", cut)
    s3.upload_fileobj(Trickle(data), "bucket", "kept")
    assert digest(client.get_object(Bucket="bucket", Key="kept")["Body"].read()) == digest(data)
    assert s3.governor.status().faults["part_retried"] >= 1


class Breaks(Trickle):
    def __init__(self, data, error):
        super().__init__(data)
        self.error = error

    def readinto(self, buffer):
        if self.left.tell() > 2 * PART:
            raise self.error
        return super().readinto(buffer)


@pytest.mark.parametrize("error", [OSError("mine"), ValueError("mine"), KeyboardInterrupt("mine")], ids=repr)
def test_a_file_object_that_breaks_leaves_no_object_and_no_upload(client, s3, error):
    with pytest.raises(type(error), match="mine"):
        s3.upload_fileobj(Breaks(content(4 * PART), error), "bucket", "broken")
    left = client.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
    assert [upload for upload in left if upload["Key"] == "broken"] == []
    with pytest.raises(ObjectNotFound):
        s3.open("bucket", "broken")


class Growing(io.BytesIO):
    """Becomes longer, or shorter, once its size was asked for."""

    def __init__(self, data, change):
        super().__init__(data)
        self.change, self.has_answered = change, False

    def seek(self, offset, whence=0):
        found = super().seek(offset, whence)
        if whence == io.SEEK_SET and not self.has_answered:
            self.has_answered = True
            self.truncate(len(self.getvalue()) + min(0, self.change))
            place = self.tell()
            super().seek(0, io.SEEK_END)
            self.write(bytes(max(0, self.change)))
            super().seek(place)
        return found


@pytest.mark.parametrize("size", [10, 2 * PART])
@pytest.mark.parametrize("change", [-1, 1, PART])
def test_a_file_object_of_another_length_than_it_said_is_an_error_and_no_object(client, s3, size, change):
    with pytest.raises(ObjectChanged):
        s3.upload_fileobj(Growing(content(size), change), "bucket", f"grown-{size}{change}")
    with pytest.raises(ObjectNotFound):
        s3.open("bucket", f"grown-{size}{change}")


def test_a_file_object_in_text_mode_is_refused(s3):
    with pytest.raises(TypeError, match="binary"):
        s3.upload_fileobj(io.StringIO("text"), "bucket", "text")


def test_more_than_the_store_takes_in_parts_says_what_to_do(client, s3, monkeypatch):
    monkeypatch.setattr("gpurules.clients.transfers.streams.MAX_PIECES", 2)
    with pytest.raises(StoreError, match="transfer=Transfer\\(size="):
        s3.upload_fileobj(Trickle(content(2 * PART + 1)), "bucket", "large")
    s3.upload_fileobj(Trickle(content(2 * PART)), "bucket", "large")


def test_a_size_that_is_given_makes_the_parts_large_enough(client, s3, monkeypatch):
    monkeypatch.setattr("gpurules.clients.transfers.upload.MAX_PIECES", 2)
    wires = Wires(client)
    size = 3 * PART
    s3.upload_fileobj(Trickle(content(size)), "bucket", "counted", transfer=Transfer(size=size))
    assert len(wires.of("PUT", "uploadId", "partNumber")) == 2


# files that change while they are sent


@pytest.mark.parametrize("change", ["longer", "shorter", "rewritten"])
def test_a_small_file_that_changes_while_it_is_read_does_not_become_the_object(
    client, s3, tmp_path, monkeypatch, change
):
    client.put_object(Bucket="bucket", Key="small", Body=b"before")
    path = tmp_path / "small"
    path.write_bytes(b"first half, second half")
    read = os.pread

    def reading(file, size, start):
        found = read(file, size, start)
        path.write_bytes({"longer": b"x" * 100, "shorter": b"x", "rewritten": b"x" * 23}[change])
        os.utime(path, (1, 1))
        return found

    monkeypatch.setattr("gpurules.clients.transfers.upload.os.pread", reading)
    with pytest.raises(ObjectChanged):
        s3.upload(path, "bucket", "small")
    assert client.get_object(Bucket="bucket", Key="small")["Body"].read() == b"before"


# targets and sources that are not plain files


def test_a_fifo_is_written_to_and_stays(client, s3, data, tmp_path):
    fifo, found = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: found.append(fifo.read_bytes()))
    reader.start()
    s3.download("bucket", "streamed", fifo)
    reader.join(30)
    assert digest(found[0]) == digest(data) and fifo.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["fifo"]


def test_a_fifo_is_not_opened_for_what_is_not_there(client, s3, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ObjectNotFound):
        s3.download("bucket", "gone", tmp_path / "fifo")


def test_a_device_is_written_to_and_stays(s3, data, tmp_path):
    s3.download("bucket", "streamed", "/dev/null")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(OSError, match="No space left"):
        s3.download("bucket", "streamed", "/dev/full")


def test_a_file_that_the_process_has_open_is_written_to(s3, data, tmp_path):
    with (tmp_path / "out").open("wb") as out:
        inode = os.fstat(out.fileno()).st_ino
        s3.download("bucket", "streamed", f"/dev/fd/{out.fileno()}")
    assert (tmp_path / "out").stat().st_ino == inode
    assert digest((tmp_path / "out").read_bytes()) == digest(data)


def test_a_socket_is_refused(client, s3, data, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        wires = Wires(client)
        with pytest.raises(OSError, match="a socket exists in place of the file"):
            s3.download("bucket", "streamed", tmp_path / "socket")
        assert (tmp_path / "socket").is_socket() and wires.requests == []


@pytest.mark.parametrize("rules", [NOTHING, STAGE], ids=["direct", "staged"])
@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("folder", IsADirectoryError, "a folder exists in place"),
        ("link", IsADirectoryError, "a folder exists in place"),
        ("new/", IsADirectoryError, "the path is that of a folder"),
        ("", IsADirectoryError, "the path is that of a folder"),
        ("missing/f", FileNotFoundError, "there is no folder"),
        ("file/f", NotADirectoryError, "Not a directory"),
        ("a\0b", ValueError, "NUL"),
    ],
)
def test_no_place_for_a_file_is_an_error_at_once_and_leaves_nothing(client, data, tmp_path, name, error, text, rules):
    area = StagingArea(tmp_path / "area", 100 * MIB)
    there = tmp_path / "there"
    there.mkdir()
    (there / "folder").mkdir()
    (there / "link").symlink_to("folder")
    (there / "file").touch()
    before, wires = sorted(there.rglob("*")), Wires(client)
    with client_for(client, rules, staging=area) as s3, pytest.raises(error, match=text):
        s3.download("bucket", "streamed", f"{there}/{name}" if name else "")
    assert sorted(there.rglob("*")) == before
    assert (wires.requests, area.used) == ([], 0)


def test_a_link_is_replaced_and_what_it_points_to_stays(client, s3, data, tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    for name, points_to in (("link", "old"), ("dangling", "nowhere")):
        (tmp_path / name).symlink_to(points_to)
        s3.download("bucket", "streamed", tmp_path / name)
        assert not (tmp_path / name).is_symlink()
        assert digest((tmp_path / name).read_bytes()) == digest(data)
    assert (tmp_path / "old").read_bytes() == b"old" and not (tmp_path / "nowhere").exists()
    (tmp_path / "theirs").symlink_to("old")
    client.download_file("bucket", "streamed", str(tmp_path / "theirs"))
    assert not (tmp_path / "theirs").is_symlink()


@pytest.mark.parametrize("as_path", [str, os.fsencode, lambda path: path], ids=["str", "bytes", "Path"])
def test_paths_come_in_every_kind(client, s3, data, tmp_path, as_path):
    s3.download("bucket", "streamed", as_path(tmp_path / "ä"))
    s3.upload(as_path(tmp_path / "ä"), "bucket", "kind")
    assert digest(client.get_object(Bucket="bucket", Key="kind")["Body"].read()) == digest(data)


def test_a_fifo_and_a_file_without_a_size_are_read_to_their_end(client, s3, tmp_path):
    fifo, data = tmp_path / "fifo", content(2 * PART)
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(data,))
    writer.start()
    s3.upload(fifo, "bucket", "of-a-fifo")
    writer.join(30)
    assert digest(client.get_object(Bucket="bucket", Key="of-a-fifo")["Body"].read()) == digest(data)
    s3.upload("/proc/version", "bucket", "of-proc")
    assert client.get_object(Bucket="bucket", Key="of-proc")["Body"].read() == Path("/proc/version").read_bytes()
    with pytest.raises(IsADirectoryError):
        s3.upload(tmp_path, "bucket", "folder")
    with pytest.raises(FileNotFoundError):
        s3.upload(tmp_path / "gone", "bucket", "gone")


def test_one_client_serves_several_threads(client, s3, data, tmp_path):
    errors = []

    def work(number):
        try:
            s3.download("bucket", "streamed", tmp_path / f"f{number}")
            s3.upload(tmp_path / f"f{number}", "bucket", f"t{number}")
            sink = io.BytesIO()
            s3.download_fileobj("bucket", f"t{number}", sink)
            assert digest(sink.getvalue()) == digest(data)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


@pytest.mark.parametrize("rules", [NOTHING, STAGE], ids=["direct", "staged"])
@pytest.mark.parametrize("name", ["x" * 245, "x" * 255, "ä" * 127, "short"], ids=len)
def test_a_download_to_any_name_has_the_permissions_of_a_new_file(client, data, tmp_path, rules, name):
    area, folder = StagingArea(tmp_path / "area", 100 * MIB), tmp_path / "there"
    folder.mkdir()
    before = os.umask(0o027)
    try:
        with client_for(client, rules, staging=area) as s3:
            s3.download("bucket", "streamed", folder / name)
    finally:
        os.umask(before)
    assert [(path.name, path.stat().st_mode & 0o777) for path in folder.iterdir()] == [(name, 0o640)]
    assert digest((folder / name).read_bytes()) == digest(data)
