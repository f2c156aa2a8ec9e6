"""What arrives is compared with the checksums that a store has: one bit that is flipped on the way is found."""

import base64
import io
import zlib
from random import Random

import pytest

from gpurules.clients import S3, ChecksumMismatch, PartOptions, StagingArea, StoreError, Unverifiable
from gpurules.clients.objects.checksums import digest_of, is_available, of_parts
from gpurules.engine import Engine
from gpurules.governor import Governor
from gpurules.rules import loads
from tests.factories import ruleset
from tests.integration.clients.hostile import Answer, Hostile, serving

PIECE = 64 * 1024
DATA = Random(4).randbytes(5 * PIECE + 17)
NOTHING = loads("version: 1\nname: none\nrules: []")
STAGE = ruleset("  - {name: all, condition: 'true', action: stage_transfer, parameters: {staging_threshold: 1KB}}")


def flip(at: int):
    """Return what flips one bit of the object at that byte, on the way."""

    def change(answer: Answer, asked) -> Answer:
        start = asked[0] if asked else 0
        if not start <= at < start + len(answer.body):
            return answer
        body = bytearray(answer.body)
        body[at - start] ^= 1
        return answer._replace(body=bytes(body))

    return change


@pytest.fixture
def hostile():
    with serving(Hostile(DATA)) as the:
        the.headers = {"ETag": '"opaque"'}
        yield the


@pytest.fixture
def s3_of(hostile, client_of):
    made = []

    def make(verify="auto", rules=NOTHING, staging=None, piece_size=PIECE):
        options = PartOptions(piece_size=piece_size, parts_ahead=2, attempts=3, backoff_seconds=0.01, verify=verify)
        made.append(S3(Governor(Engine(rules)), client_of(hostile.port), options=options, staging=staging))
        return made[-1]

    yield make
    for the in made:
        the.close()


def text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def cut(size: int) -> list[bytes]:
    return [DATA[start : start + size] for start in range(0, len(DATA), size)]


def in_parts(algorithm: str, size: int) -> bytes:
    return of_parts(algorithm, [digest_of(algorithm, part) for part in cut(size)])


class Offer:
    """What a store offers: headers of a HEAD, and how large its parts are."""

    def __init__(self, headers, part_size=0, sizes=()):
        self.headers, self.part_size, self.sizes = headers, part_size, sizes

    def on(self, hostile: Hostile) -> None:
        if "ETag" in self.headers:
            hostile.headers = {"ETag": self.headers["ETag"]}

        def head(answer: Answer, query: str) -> Answer:
            number = query.removeprefix("partNumber=") if query.startswith("partNumber") else ""
            if number and self.part_size:
                size = self.sizes[int(number) - 1] if self.sizes else self.part_size
                return answer._replace(headers={**answer.headers}, length=str(size))
            return answer._replace(headers={**answer.headers, **self.headers})

        hostile.of_head = head


def whole(algorithm: str) -> Offer:
    named = {
        f"x-amz-checksum-{algorithm.lower()}": text(digest_of(algorithm, DATA)),
        "x-amz-checksum-type": "FULL_OBJECT",
    }
    return Offer(named)


def composite(algorithm: str, size: int) -> Offer:
    value = f"{text(in_parts(algorithm, size))}-{len(cut(size))}"
    named = {f"x-amz-checksum-{algorithm.lower()}": value, "x-amz-checksum-type": "COMPOSITE"}
    return Offer(named, size)


def tag_in_parts(size: int) -> Offer:
    return Offer({"ETag": f'"{in_parts("MD5", size).hex()}-{len(cut(size))}"'}, size)


OFFERS = {
    "CRC32": lambda: whole("CRC32"),
    "CRC32C": lambda: whole("CRC32C"),
    "CRC64NVME": lambda: whole("CRC64NVME"),
    "SHA1": lambda: whole("SHA1"),
    "SHA256": lambda: whole("SHA256"),
    "CRC32 of parts like the pieces": lambda: composite("CRC32", PIECE),
    "CRC32 of larger parts": lambda: composite("CRC32", 2 * PIECE),
    "CRC32 of other parts": lambda: composite("CRC32", 50_000),
    "CRC32C of larger parts": lambda: composite("CRC32C", 2 * PIECE),
    "SHA256 of parts like the pieces": lambda: composite("SHA256", PIECE),
    "SHA256 of other parts": lambda: composite("SHA256", 50_000),
    "a tag that is an MD5": lambda: Offer({"ETag": f'"{digest_of("MD5", DATA).hex()}"'}),
    "a tag of parts like the pieces": lambda: tag_in_parts(PIECE),
    "a tag of other parts": lambda: tag_in_parts(50_000),
}


def offer(kind: str, hostile: Hostile) -> None:
    if kind.startswith(("CRC32C", "CRC64")) and not is_available("CRC64NVME"):
        pytest.skip("awscrt is not installed")
    OFFERS[kind]().on(hostile)


@pytest.mark.parametrize("kind", OFFERS)
def test_what_matches_is_published_and_counts_as_verified(s3_of, hostile, tmp_path, kind):
    offer(kind, hostile)
    s3 = s3_of("require")
    s3.download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert s3.governor.status().faults == {}


@pytest.mark.parametrize("at", [0, 3 * PIECE - 1, len(DATA) - 1])
@pytest.mark.parametrize("kind", OFFERS)
def test_a_bit_that_is_flipped_on_the_way_is_found(s3_of, hostile, tmp_path, kind, at):
    (tmp_path / "f").write_bytes(b"old")
    offer(kind, hostile)
    hostile.change = flip(at)
    s3 = s3_of()
    with pytest.raises(ChecksumMismatch, match=r"/bucket/k: expected \w+ [0-9a-f]+(-\d)?, got [0-9a-f]+"):
        s3.download("bucket", "k", tmp_path / "f")
    assert s3.governor.status().faults == {"checksum_mismatch": 1}
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_one_that_resumes_verifies_the_whole(s3_of, hostile, tmp_path):
    offer("CRC32", hostile)
    right = hostile.change
    hostile.change = lambda answer, asked: answer._replace(status=500) if asked[0] > PIECE else answer
    with pytest.raises(StoreError):
        s3_of().download("bucket", "k", tmp_path / "f")
    hostile.change = right
    s3 = s3_of("require")
    s3.download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert s3.governor.status().faults == {"transfer_resumed": 1}


def test_a_flipped_bit_in_an_object_of_one_piece_is_found(s3_of, hostile, tmp_path):
    hostile.headers = {"ETag": f'"{digest_of("MD5", DATA).hex()}"'}
    hostile.change = flip(70_000)
    with pytest.raises(ChecksumMismatch):
        s3_of(piece_size=2 * len(DATA)).download("bucket", "k", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
    assert not [method for method, _, _ in hostile.requests if method == "HEAD"]  # its answer had the tag


def test_a_flipped_bit_in_a_body_with_its_checksum_is_tried_again(s3_of, hostile, tmp_path):
    hostile.headers = {"ETag": '"opaque"', "x-amz-checksum-crc32": text(zlib.crc32(DATA).to_bytes(4, "big"))}
    flips = iter([flip(70_000)])
    hostile.change = lambda answer, asked: next(flips, lambda right, _: right)(answer, asked)
    s3 = s3_of(piece_size=2 * len(DATA))
    s3.download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert s3.governor.status().faults == {"part_retried": 1}


def test_a_server_without_ranges_is_verified_too(s3_of, hostile, tmp_path):
    offer("CRC32", hostile)

    def change(answer: Answer, asked) -> Answer:
        return flip(5)(Answer(200, dict(hostile.headers), DATA, str(len(DATA))), None)

    hostile.change = change
    with pytest.raises(ChecksumMismatch):
        s3_of().download("bucket", "k", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_what_is_staged_is_verified(s3_of, hostile, tmp_path):
    offer("CRC32", hostile)
    hostile.change = flip(100)
    area = StagingArea(tmp_path / "area", 10**9)
    with pytest.raises(ChecksumMismatch):
        s3_of(rules=STAGE, staging=area).download("bucket", "k", tmp_path / "f")
    assert not (tmp_path / "f").exists() and area.counts.staged == 0


def test_what_cannot_be_verified_is_counted_or_refused_or_let_be(s3_of, hostile, tmp_path):
    auto, off = s3_of(), s3_of("off")
    auto.download("bucket", "k", tmp_path / "auto")
    off.download("bucket", "k", tmp_path / "off")
    assert auto.governor.status().faults == {"checksum_unverified": 1}
    assert off.governor.status().faults == {}
    with pytest.raises(Unverifiable, match="the store provides no checksum for it"):
        s3_of("require").download("bucket", "k", tmp_path / "require")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["auto", "off"]
    assert (tmp_path / "auto").read_bytes() == (tmp_path / "off").read_bytes() == DATA


def test_off_asks_for_no_checksum_and_believes_what_comes(s3_of, hostile, tmp_path):
    offer("CRC32", hostile)
    hostile.change = flip(5)
    s3_of("off").download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() != DATA
    assert not [method for method, _, _ in hostile.requests if method == "HEAD"]


def test_a_store_that_refuses_to_be_asked_is_read_all_the_same(s3_of, hostile, tmp_path):
    hostile.of_head = lambda answer, query: answer._replace(status=403)
    s3 = s3_of()
    s3.download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert s3.governor.status().faults == {"checksum_unverified": 1}
    with pytest.raises(StoreError):
        s3_of("require").download("bucket", "k", tmp_path / "g")


def test_what_takes_a_library_that_is_not_installed_says_which(s3_of, hostile, tmp_path, monkeypatch):
    named = {"x-amz-checksum-crc64nvme": text(b"whatever")}
    Offer(named).on(hostile)
    monkeypatch.setattr("gpurules.clients.transfers.verification.is_available", lambda name: name == "CRC32")
    with pytest.raises(Unverifiable, match="CRC64NVME, which requires awscrt: pip install awscrt"):
        s3_of("require").download("bucket", "k", tmp_path / "f")


UNEVEN = [50_000, 50_000, 50_001, 50_000, 50_000, 50_000]
UNEVEN.append(len(DATA) - sum(UNEVEN))


def test_a_checksum_of_parts_that_are_not_alike_proves_nothing(s3_of, hostile, tmp_path):
    starts = [sum(UNEVEN[:number]) for number in range(len(UNEVEN))]
    value = of_parts("CRC32", [digest_of("CRC32", DATA[at : at + size]) for at, size in zip(starts, UNEVEN)])
    named = {"x-amz-checksum-crc32": f"{text(value)}-{len(UNEVEN)}", "x-amz-checksum-type": "COMPOSITE"}
    Offer(named, 50_000, UNEVEN).on(hostile)
    s3 = s3_of()
    s3.download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert s3.governor.status().faults == {"checksum_unverified": 1}
    with pytest.raises(Unverifiable, match="does not match"):
        s3_of("require").download("bucket", "k", tmp_path / "g")


def test_an_object_that_changes_before_it_is_asked_about_is_another(s3_of, hostile, tmp_path):
    hostile.of_head = lambda answer, query: answer._replace(headers={**answer.headers, "ETag": '"other"'})
    with pytest.raises(StoreError, match="changed after the transfer began"):
        s3_of().download("bucket", "k", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verify", ["", "AUTO", "yes", None])
def test_another_word_for_verify_is_refused(verify):
    with pytest.raises(ValueError, match="'verify' must be one of auto, require, off"):
        PartOptions(verify=verify)


# file objects, which keep nothing that could be read again


@pytest.mark.parametrize("kind", OFFERS)
def test_what_comes_to_a_file_object_is_verified(s3_of, hostile, kind):
    offer(kind, hostile)
    s3, sink = s3_of("require"), io.BytesIO()
    s3.download_fileobj("bucket", "k", sink)
    assert (sink.getvalue(), s3.governor.status().faults) == (DATA, {})


@pytest.mark.parametrize("at", [0, 3 * PIECE - 1, len(DATA) - 1])
@pytest.mark.parametrize("kind", OFFERS)
def test_a_bit_that_is_flipped_on_the_way_to_a_file_object_is_an_error(s3_of, hostile, kind, at):
    offer(kind, hostile)
    hostile.change = flip(at)
    s3 = s3_of()
    with pytest.raises(ChecksumMismatch):
        s3.download_fileobj("bucket", "k", io.BytesIO())
    status = s3.governor.status()
    assert (status.faults, status.counts.failed, status.counts.done) == ({"checksum_mismatch": 1}, 1, 0)


@pytest.mark.parametrize("size", [0, 1, PIECE, 2 * PIECE])
def test_objects_of_every_size_are_verified_on_their_way_to_a_file_object(client, client_of, size):
    data = DATA[:size]
    client.put_object(Bucket="bucket", Key="sized", Body=data)
    options = PartOptions(piece_size=PIECE, verify="require")
    with S3(Governor(Engine(NOTHING)), client, options=options) as s3:
        sink = io.BytesIO()
        s3.download_fileobj("bucket", "sized", sink)
    assert sink.getvalue() == data


def test_without_a_checksum_a_file_object_is_counted_refused_or_left_as_is_asked(s3_of, hostile):
    for verify, faults in (("auto", {"checksum_unverified": 1}), ("off", {})):
        s3, sink = s3_of(verify), io.BytesIO()
        s3.download_fileobj("bucket", "k", sink)
        assert (sink.getvalue(), s3.governor.status().faults) == (DATA, faults)
    sink = io.BytesIO()
    with pytest.raises(Unverifiable):
        s3_of("require").download_fileobj("bucket", "k", sink)
    assert sink.getvalue() == b"", "it is known before the first byte"
