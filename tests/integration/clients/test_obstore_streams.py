"""File objects, callbacks, arguments and odd targets with stores of obstore, as with S3."""

import io
import os
import threading

import pytest

from gpurules.clients import ObjectChanged, ObjectNotFound, Obstore, PartOptions, StoreError, TransientStoreError
from tests.integration.clients.conftest import content, digest
from tests.integration.clients.test_obstore import s3_store
from tests.integration.clients.test_s3 import NOTHING, governor
from tests.integration.clients.test_s3_streams import Bare, Growing, OnlyRead, Seen, Slow, Trickle

obstore = pytest.importorskip("obstore")
MIB = 1024**2
PART = 5 * MIB
OPTIONS = PartOptions(piece_size=MIB, parts_ahead=2, attempts=3, backoff_seconds=0.01, verify="off")


@pytest.fixture(params=["memory", "folder", "s3"])
def store(request, tmp_path_factory):
    from obstore.store import LocalStore, MemoryStore

    match request.param:
        case "memory":
            return MemoryStore()
        case "folder":
            return LocalStore(tmp_path_factory.mktemp("store"))
        case _:
            request.getfixturevalue("client")  # makes the bucket
            return s3_store(request.getfixturevalue("server"))


@pytest.fixture
def the(store):
    with Obstore(governor(NOTHING), store, options=OPTIONS) as made:
        yield made


def stored(store, key):
    return digest(bytes(obstore.get(store, key).bytes()))


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 3 * PART + 7])
@pytest.mark.parametrize("kind", [io.BytesIO, Trickle, OnlyRead])
def test_any_file_object_becomes_an_object_and_comes_back(store, the, kind, size):
    data, sent = content(size), Seen()
    the.upload_fileobj(kind(data), "streamed", callback=sent)
    assert (stored(store, "streamed"), sent.total) == (digest(data), size)
    for sink in (Slow(), Bare()):
        came = Seen()
        the.download_fileobj("streamed", sink, callback=came)
        assert (digest(bytes(sink.found)), came.total) == (digest(data), size)


@pytest.mark.parametrize("size", [0, 3, 2 * PART + 3])
def test_uploads_and_downloads_report_all_of_their_bytes_once(the, tmp_path, size):
    (tmp_path / "f").write_bytes(content(size))
    sent, came = Seen(), Seen()
    the.upload(tmp_path / "f", "counted", callback=sent)
    the.download("counted", tmp_path / "g", callback=came)
    assert (sent.total, came.total) == (size, size)


@pytest.mark.parametrize("size", [10, 2 * PART])
def test_what_a_callback_raises_ends_a_transfer_and_comes_out(the, tmp_path, size):
    (tmp_path / "f").write_bytes(content(size))
    with pytest.raises(ValueError, match="mine"):
        the.upload(tmp_path / "f", f"refused-{size}", callback=Seen(1, ValueError("mine")))
    the.upload(tmp_path / "f", "there")
    with pytest.raises(ValueError, match="mine"):
        the.download("there", tmp_path / "g", callback=Seen(1, ValueError("mine")))
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize("size", [10, 2 * PART])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_object_of_another_length_than_it_said_is_no_object(the, size, change):
    with pytest.raises(ObjectChanged):
        the.upload_fileobj(Growing(content(size), change), "grown")
    with pytest.raises(ObjectNotFound):
        the.open("grown")


def test_a_small_file_that_changes_while_it_is_read_does_not_become_the_object(store, the, tmp_path, monkeypatch):
    obstore.put(store, "small", b"before")
    path = tmp_path / "small"
    path.write_bytes(b"first")
    read = os.pread

    def reading(file, size, start):
        found = read(file, size, start)
        path.write_bytes(b"other")
        os.utime(path, (1, 1))
        return found

    monkeypatch.setattr("gpurules.clients.transfers.upload.os.pread", reading)
    with pytest.raises(ObjectChanged):
        the.upload(path, "small")
    assert stored(store, "small") == digest(b"before")


def test_a_fifo_is_read_and_written_in_order(store, the, tmp_path):
    fifo, data, found = tmp_path / "fifo", content(2 * PART), []
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(data,))
    writer.start()
    the.upload(fifo, "of-a-fifo")
    writer.join(30)
    assert stored(store, "of-a-fifo") == digest(data)
    reader = threading.Thread(target=lambda: found.append(fifo.read_bytes()))
    reader.start()
    the.download("of-a-fifo", fifo)
    reader.join(30)
    assert digest(found[0]) == digest(data) and fifo.is_fifo()


def test_a_folder_is_no_target(the, tmp_path):
    the.upload_fileobj(io.BytesIO(b"x"), "x")
    with pytest.raises(IsADirectoryError):
        the.download("x", tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        the.download("x", tmp_path / "missing" / "f")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_has_an_error_of_its_own(the, tmp_path):
    with pytest.raises(ObjectNotFound, match="gone"):
        the.download("gone", tmp_path / "f")
    with pytest.raises(ObjectNotFound, match="gone"):
        the.download_fileobj("gone", io.BytesIO())


@pytest.mark.parametrize("size", [3, 2 * PART])
def test_attributes_and_metadata_come_along_or_are_refused(store, the, size):
    asked = {"ContentType": "text/csv", "CacheControl": "no-store", "Metadata": {"step": "1"}}
    if type(store).__name__ == "LocalStore":
        with pytest.raises(StoreError, match="attributes"):
            the.upload_fileobj(io.BytesIO(content(size)), "typed", extra_args=asked)
        return
    the.upload_fileobj(io.BytesIO(content(size)), "typed", extra_args=asked)
    found = obstore.get(store, "typed").attributes
    assert {"Content-Type": "text/csv", "Cache-Control": "no-store", "step": "1"}.items() <= dict(found).items()


def test_arguments_that_obstore_has_no_word_for_are_refused(the, tmp_path):
    with pytest.raises(ValueError, match=r"'ContenType'.*'ContentType'"):
        the.upload_fileobj(io.BytesIO(b"x"), "x", extra_args={"ContenType": "a"})
    with pytest.raises(ValueError, match=r"'SSECustomerKey'.*VersionId"):
        the.download("x", tmp_path / "f", extra_args={"SSECustomerKey": "k"})
    with pytest.raises(TypeError, match=r"'ExtraArgs'.*'extra_args'"):
        the.download("x", tmp_path / "f", ExtraArgs={})


def test_a_store_that_knows_no_versions_does_not_pass_for_one_that_does(store, the, tmp_path):
    the.upload_fileobj(io.BytesIO(content(2 * MIB)), "plain")
    for read in (
        lambda asked: the.download("plain", tmp_path / "f", extra_args=asked),
        lambda asked: the.open("plain", extra_args=asked),
        lambda asked: the.download_fileobj("plain", io.BytesIO(), extra_args=asked),
    ):
        with pytest.raises(StoreError):
            read({"VersionId": "nope"})
    assert list(tmp_path.iterdir()) == []


def test_the_version_that_is_asked_for_is_the_one_that_comes(client, server, tmp_path):
    client.create_bucket(Bucket="bucket")
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    made = [
        (client.put_object(Bucket="bucket", Key="versions", Body=content(3 * MIB, seed))["VersionId"], seed)
        for seed in (1, 2)
    ]
    with Obstore(governor(NOTHING), s3_store(server), options=OPTIONS) as the:
        for name, seed in made:
            the.download("versions", tmp_path / "f", extra_args={"VersionId": name})
            assert digest((tmp_path / "f").read_bytes()) == digest(content(3 * MIB, seed))
            with the.open("versions", extra_args={"VersionId": name}) as stream:
                assert digest(stream.read()) == digest(content(3 * MIB, seed))
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Suspended"})


@pytest.mark.parametrize("source", [io.BytesIO, Trickle])
def test_a_file_object_is_tried_again_only_where_one_can_go_back_in_it(the, monkeypatch, source):
    from gpurules.clients.obstore.objects import StoreObject

    put, calls = StoreObject.put, []

    def failing(self, data):
        calls.append(1)
        if len(calls) == 1:
            raise TransientStoreError("cut by the test")
        return put(self, data)

    monkeypatch.setattr(StoreObject, "put", failing)
    if source is Trickle:
        with pytest.raises(TransientStoreError):
            the.upload_fileobj(source(b"weights"), "tried")
        return
    the.upload_fileobj(source(b"weights"), "tried")
    sink = io.BytesIO()
    the.download_fileobj("tried", sink)
    assert (sink.getvalue(), the.governor.status().faults) == (b"weights", {"part_retried": 1})
