"""What a store answers to an upload is compared with what was sent."""

import base64
import hashlib

import pytest

from gpurules.clients.objects.checksums import digest_of, of_parts
from gpurules.clients.objects.store import ChecksumMismatch, PartTag, StoreError
from gpurules.clients.s3.objects import S3Object

pytest.importorskip("botocore")
DATA = b"sent to the store"


def text(value: bytes) -> str:
    return base64.b64encode(value).decode()


class Taking:
    """A client of a store that answers as the test says."""

    def __init__(self, **answer):
        self.answer = answer

    def put_object(self, **_):
        return self.answer

    def upload_part(self, **_):
        return self.answer

    def complete_multipart_upload(self, **_):
        return self.answer


MD5 = f'"{hashlib.md5(DATA).hexdigest()}"'
OTHER = f'"{hashlib.md5(b"other").hexdigest()}"'
CRC, OTHER_CRC = text(digest_of("CRC32", DATA)), text(digest_of("CRC32", b"other"))


def put(client, bucket="bucket"):
    return S3Object(client, bucket, "k").put(DATA)


def put_part(client, bucket="bucket"):
    return S3Object(client, bucket, "k").put_part("id", 1, DATA).etag


@pytest.mark.parametrize("send", [put, put_part])
@pytest.mark.parametrize(
    "answer",
    [
        {"ETag": MD5},
        {"ETag": MD5, "ChecksumCRC32": CRC},
        {"ETag": '"opaque"', "ChecksumCRC32": CRC},
        {"ETag": '"opaque"'},
        {"ETag": OTHER, "ServerSideEncryption": "aws:kms"},
    ],
)
def test_what_matches_or_says_nothing_is_taken(send, answer):
    assert send(Taking(**answer)) == answer["ETag"]


@pytest.mark.parametrize("send", [put, put_part])
@pytest.mark.parametrize(
    "answer",
    [
        {"ETag": OTHER},
        {"ETag": OTHER, "ServerSideEncryption": "AES256"},
        {"ETag": '"opaque"', "ChecksumCRC32": OTHER_CRC},
        {"ETag": '"opaque"', "ChecksumSHA256": text(digest_of("SHA256", b"other"))},
    ],
)
def test_other_bytes_are_an_error_that_names_both(send, answer):
    with pytest.raises(
        ChecksumMismatch, match=r"/bucket/k: the store received different bytes: \w+ [0-9a-f]+, but [0-9a-f]+"
    ):
        send(Taking(**answer))


@pytest.mark.parametrize("send", [put, put_part])
def test_the_tags_of_directory_buckets_are_no_digests(send):
    assert send(Taking(ETag=OTHER), "bucket--use1-az4--x-s3") == OTHER


@pytest.mark.parametrize("send", [put, put_part])
@pytest.mark.parametrize("answer", [{}, {"ETag": ""}, {"ETag": None}])
def test_an_answer_without_a_tag_is_an_error(send, answer):
    with pytest.raises(StoreError, match="no ETag"):
        send(Taking(**answer))


TAGS = [PartTag(f'"{number}"', {"ChecksumCRC32": text(digest_of("CRC32", bytes([number])))}) for number in range(3)]
WHOLE = of_parts("CRC32", [digest_of("CRC32", bytes([number])) for number in range(3)])


@pytest.mark.parametrize(
    "answer",
    [
        {"ChecksumCRC32": f"{text(WHOLE)}-3"},
        {"ChecksumCRC32": text(b"full"), "ChecksumType": "FULL_OBJECT"},
        {"ChecksumCRC32C": f"{text(b'crc!')}-3"},
        {},
    ],
)
def test_a_complete_object_of_the_parts_that_were_sent_is_taken(answer):
    assert S3Object(Taking(ETag='"tag-3"', **answer), "bucket", "k").complete("id", TAGS) == '"tag-3"'


@pytest.mark.parametrize("value", [f"{text(b'crc!')}-3", f"{text(WHOLE)}-2"])
def test_a_complete_object_of_other_parts_is_an_error_that_no_try_helps(value):
    with pytest.raises(StoreError, match="is not the object that was sent") as caught:
        S3Object(Taking(ETag='"tag-3"', ChecksumCRC32=value), "bucket", "k").complete("id", TAGS)
    assert type(caught.value) is StoreError
