"""Uploads that are interrupted, and what is left of them."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gpurules.clients import S3, ObjectChanged, PartOptions, StoreError, TransientStoreError, UploadJournal
from gpurules.clients.s3.objects import S3Object
from gpurules.engine import Engine
from gpurules.governor import Governor, TransferCancelled
from gpurules.model import Transfer
from gpurules.rules import loads
from tests.integration.clients.conftest import content, digest
from tests.waiting import wait_until, while_running

MIB = 1024**2
PART = 5 * MIB
OPTIONS = PartOptions(piece_size=PART, parts_ahead=1, attempts=2, backoff_seconds=0.01)
UPLOADER = Path(__file__).with_name("uploader.py")


def client_for(client, **arguments) -> S3:
    return S3(Governor(Engine(loads("version: 1\nname: none\nrules: []"))), client, options=OPTIONS, **arguments)


class Calls:
    """Counts the calls of one operation, and does something at one of them."""

    def __init__(self, client, operation="UploadPart", at=-1, act=lambda: None):
        self.count, self.at, self.act = 0, at, act
        client.meta.events.register(f"before-call.s3.{operation}", self)

    def __call__(self, **_):
        self.count += 1
        if self.count == self.at:
            self.act()


@pytest.fixture
def s3(client):
    with client_for(client) as the:
        yield the


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(content(4 * PART + 3))
    return path


def interrupt(client, file, key="up", at=3, arguments=None):
    """Upload until part *at*, at which the connection is gone for good."""
    from botocore.exceptions import ConnectionClosedError

    def cut(**_):
        raise ConnectionClosedError(endpoint_url="cut by the test")

    calls = Calls(client, at=at, act=lambda: client.meta.events.register("before-send.s3.UploadPart", cut))
    with client_for(client, **(arguments or {})) as broken, pytest.raises(TransientStoreError):
        broken.upload(file, "bucket", key)
    client.meta.events.unregister("before-send.s3.UploadPart", cut)
    client.meta.events.unregister("before-call.s3.UploadPart", calls)


def begun(client, key="up") -> int:
    uploads = client.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
    return sum(upload["Key"] == key for upload in uploads)


def stored(client, key="up") -> str:
    return digest(client.get_object(Bucket="bucket", Key=key)["Body"].read())


def notes(state_home):
    return list((state_home / "gpurules" / "uploads").glob("*"))


def test_an_interrupted_upload_sends_only_what_is_missing(client, s3, file, state_home):
    interrupt(client, file)
    assert (begun(client), len(notes(state_home))) == (1, 1)
    calls = Calls(client)
    s3.upload(file, "bucket", "up")
    assert calls.count == 3
    assert stored(client) == digest(file.read_bytes())
    assert (begun(client), notes(state_home)) == (0, [])


def test_one_who_is_killed_in_mid_upload_goes_on_where_it_was(client, file, state_home):
    sent = Path(f"{file}.sent")

    def run(pause):
        return subprocess.Popen([sys.executable, UPLOADER, client.meta.endpoint_url, str(file), str(pause)])

    killed = run(0.5)
    wait_until(while_running(killed, lambda: sent.exists() and len(sent.read_text().splitlines()) >= 3))
    killed.kill()
    killed.wait(10)
    sent.unlink()
    assert run(0).wait(30) == 0
    assert len(sent.read_text().splitlines()) == 3
    assert stored(client) == digest(file.read_bytes())
    assert (begun(client), notes(state_home)) == (0, [])


@pytest.mark.slow
def test_a_server_that_is_killed_in_mid_upload_is_gone_on_with(client_of, seaweedfs, file):
    client = client_of(seaweedfs.port)
    seaweedfs.ready("bucket")
    calls = Calls(client, at=4, act=seaweedfs.kill)
    with client_for(client) as s3:
        with pytest.raises(TransientStoreError):
            s3.upload(file, "bucket", "up")
        seaweedfs.start()
        seaweedfs.ready("bucket")
        before = calls.count
        s3.upload(file, "bucket", "up")
        assert s3.governor.status().faults["transfer_resumed"] == 1
    assert calls.count - before == 2
    assert stored(client) == digest(file.read_bytes())


def test_a_file_that_changed_meanwhile_is_sent_whole_and_the_old_parts_are_given_up(client, s3, file):
    interrupt(client, file)
    file.write_bytes(content(4 * PART + 3, seed=1))
    calls = Calls(client)
    s3.upload(file, "bucket", "up")
    assert (calls.count, begun(client)) == (5, 0)
    assert stored(client) == digest(file.read_bytes())


def test_a_file_that_changes_on_the_way_is_an_error_and_leaves_nothing(client, s3, file, state_home):
    Calls(client, at=3, act=lambda: file.write_bytes(content(4 * PART + 3, seed=1)))
    with pytest.raises(ObjectChanged):
        s3.upload(file, "bucket", "changing")
    assert (begun(client, "changing"), notes(state_home)) == (0, [])
    with pytest.raises(client.exceptions.ClientError):
        client.head_object(Bucket="bucket", Key="changing")


def test_an_upload_that_the_store_forgot_starts_over(client, s3, file):
    interrupt(client, file, "forgotten")
    for upload in client.list_multipart_uploads(Bucket="bucket")["Uploads"]:
        client.abort_multipart_upload(Bucket="bucket", Key=upload["Key"], UploadId=upload["UploadId"])
    calls = Calls(client)
    s3.upload(file, "bucket", "forgotten")
    assert (calls.count, stored(client, "forgotten")) == (5, digest(file.read_bytes()))


def test_a_cancelled_upload_leaves_nothing(client, s3, file, state_home):
    Calls(client, at=3, act=lambda: s3.governor.cancel("mine"))
    with pytest.raises(TransferCancelled):
        s3.upload(file, "bucket", "cancelled", transfer=Transfer(id="mine"))
    assert (begun(client, "cancelled"), notes(state_home)) == (0, [])


def test_an_upload_that_is_refused_leaves_nothing(client, s3, file, state_home):
    with pytest.raises(StoreError):
        s3.upload(file, "no-such-bucket", "up")
    assert notes(state_home) == []


def test_a_lost_answer_to_the_last_step_is_no_failure(client, file):
    client.create_bucket(Bucket="bucket")
    target = S3Object(client, "bucket", "twice")
    upload = target.begin()
    tags = [target.put_part(upload, 1, content(PART)), target.put_part(upload, 2, b"end")]
    tag = target.complete(upload, tags)
    assert target.complete(upload, tags) == tag
    client.put_object(Bucket="bucket", Key="twice", Body=b"somebody else's")
    with pytest.raises(StoreError):
        target.complete(upload, tags)


def test_two_who_upload_one_file_do_not_meet(client, s3, file, state_home):
    with client_for(client) as other:
        threads = [threading.Thread(target=the.upload, args=(file, "bucket", "both")) for the in (s3, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert stored(client, "both") == digest(file.read_bytes())
    assert (begun(client, "both"), notes(state_home)) == (0, [])


def test_abandoned_uploads_are_swept(client, client_of, server, file, tmp_path):
    journal = UploadJournal(tmp_path / "journal")
    interrupt(client, file, "old", arguments={"journal": journal})
    os.utime(next(journal.folder.iterdir()), (0, 0))
    interrupt(client, file, "young", arguments={"journal": journal})
    assert (begun(client, "old"), begun(client, "young")) == (0, 1)  # the old one at the first upload of a client
    elsewhere = client_of(1)
    with client_for(elsewhere, journal=journal) as other:
        assert other.sweep_uploads(-1) == 0  # those of another store are not for it to judge
    with client_for(client, journal=journal) as the:
        assert (the.sweep_uploads(3600), begun(client, "young")) == (0, 1)
        assert (the.sweep_uploads(-1), begun(client, "young")) == (1, 0)
    assert list(journal.folder.iterdir()) == []


def test_without_a_place_to_write_uploads_go_on_and_the_log_says_so_once(client, file, tmp_path, caplog):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with client_for(client, journal=UploadJournal(tmp_path / "taken")) as s3:
        for key in ("a", "b"):
            s3.upload(file, "bucket", key)
            assert stored(client, key) == digest(file.read_bytes())
    assert len(caplog.records) == 1
    assert "not be resumed" in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1, "upload": 2}', "\x00" * 10])
def test_a_note_that_cannot_be_read_counts_as_none(client, s3, file, state_home, text):
    interrupt(client, file, "torn")
    (note,) = notes(state_home)
    note.write_text(text)
    s3.upload(file, "bucket", "torn")
    assert stored(client, "torn") == digest(file.read_bytes())
    assert notes(state_home) == []


def test_parts_are_sent_with_the_checksums_of_boto3s_own_uploads(client, s3, file):
    headers = []
    client.meta.events.register("before-send.s3", lambda request, **_: headers.append((request.url, request.headers)))
    s3.upload(file, "bucket", "checked")
    begins = [found for url, found in headers if url.endswith("?uploads")]
    parts = [found for url, found in headers if "partNumber" in url]
    assert [found["x-amz-checksum-algorithm"] for found in begins] == [b"CRC32"]
    assert len(parts) == 5 and all("x-amz-checksum-crc32" in found for found in parts)
