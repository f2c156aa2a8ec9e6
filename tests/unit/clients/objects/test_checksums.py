"""Checksums of pieces are combined to those of the whole, whatever the cuts are."""

import base64
import zlib
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.clients.objects.checksums import (
    POLYNOMIALS,
    PREFERENCE,
    combine_crcs,
    digest_of,
    is_available,
    new_digest,
    of_parts,
)
from gpurules.clients.s3 import answers

KNOWN = {
    "CRC32": "cbf43926",
    "CRC32C": "e3069283",
    "CRC64NVME": "ae8b14860a799888",
    "MD5": "25f9e794323b453885f5181f1b624d0b",
    "SHA1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "SHA256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
}
"""What the catalogues of these checksums give for the text 123456789."""


def slowly(algorithm: str, data: bytes) -> bytes:
    """Return a CRC bit by bit, as it is defined: no library has a part in it."""
    polynomial = POLYNOMIALS[algorithm]
    ones = (1 << polynomial.bits) - 1
    value = ones
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial.reversed_polynomial if value & 1 else 0)
    return (value ^ ones).to_bytes(polynomial.bits // 8, "big")


@pytest.mark.parametrize("algorithm", PREFERENCE)
def test_every_checksum_is_that_of_the_catalogue(algorithm):
    if not is_available(algorithm):
        pytest.skip("awscrt is not installed")
    assert digest_of(algorithm, b"123456789").hex() == KNOWN[algorithm]


@pytest.mark.parametrize("algorithm", POLYNOMIALS)
def test_the_definition_of_every_polynomial_is_that_of_the_catalogue(algorithm):
    assert slowly(algorithm, b"123456789").hex() == KNOWN[algorithm]


@pytest.mark.parametrize("algorithm", POLYNOMIALS)
@given(st.lists(st.binary(max_size=40), max_size=6))
def test_checksums_of_pieces_combine_to_that_of_the_whole(algorithm, pieces):
    parts = [(slowly(algorithm, piece), len(piece)) for piece in pieces]
    assert combine_crcs(algorithm, parts) == slowly(algorithm, b"".join(pieces))


def test_long_pieces_combine_too():
    data = Random(1).randbytes(3_000_001)
    cuts = [0, 1_000_000, 2_000_000, 3_000_001]
    parts = [(digest_of("CRC32", data[a:b]), b - a) for a, b in pairwise(cuts)]
    assert combine_crcs("CRC32", parts) == zlib.crc32(data).to_bytes(4, "big")


def test_without_awscrt_what_it_computes_is_not_available(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "awscrt", None)
    assert [name for name in PREFERENCE if is_available(name)] == ["CRC32", "SHA256", "SHA1", "MD5"]
    with pytest.raises(ValueError, match="CRC64NVME cannot be computed here"):
        new_digest("CRC64NVME")
    assert not is_available("ROT13")


def text(algorithm: str, data: bytes) -> str:
    return base64.b64encode(digest_of(algorithm, data)).decode()


def offered(etag: str, **answer):
    return [(c.algorithm, c.value, c.count) for c in answers.checksums(answer, etag)]


TAG = "0" * 32


def test_a_checksum_of_the_whole_object_is_offered_before_its_tag():
    value = digest_of("CRC32", b"x")
    assert offered(f'"{TAG}"', ChecksumCRC32=text("CRC32", b"x")) == [("CRC32", value, 0), ("MD5", bytes(16), 0)]


@pytest.mark.parametrize("more", [{}, {"ChecksumType": "COMPOSITE"}])
@pytest.mark.parametrize("suffix", ["-3", ""])
def test_a_checksum_of_the_parts_is_known_by_its_suffix_its_type_or_the_tag(more, suffix):
    (found, _) = offered(f'"{TAG}-3"', ChecksumCRC32=text("CRC32", b"x") + suffix, **more)
    assert found == ("CRC32", digest_of("CRC32", b"x"), 3)


def test_a_checksum_of_an_object_in_parts_may_be_of_all_its_bytes():
    found = offered(f'"{TAG}-3"', ChecksumCRC32=text("CRC32", b"x"), ChecksumType="FULL_OBJECT")
    assert found[0] == ("CRC32", digest_of("CRC32", b"x"), 0)


@pytest.mark.parametrize(
    "answer",
    [
        {"ServerSideEncryption": "aws:kms"},
        {"ServerSideEncryption": "aws:kms:dsse"},
        {"SSECustomerAlgorithm": "AES256"},
    ],
)
def test_the_tag_of_an_object_that_is_encrypted_by_a_key_is_no_digest(answer):
    assert offered(f'"{TAG}"', **answer) == []


@pytest.mark.parametrize("etag", ['"abc"', f'"{TAG.upper()}A"', f'W/"{TAG}"', f'"{TAG}-0"', f'"{TAG}-²"', "", '"0x8D"'])
def test_a_tag_that_is_no_md5_offers_nothing(etag):
    assert offered(etag) == []


@pytest.mark.parametrize("value", ["", "AAAA", "AAAAAAAA", "????????", "AAAAAA==-0", "AAAAAA==-²", "AAAAAA==-123456"])
def test_a_malformed_checksum_offers_nothing(value):
    assert offered('"tag"', ChecksumCRC32=value) == []


def test_the_checksum_of_parts_is_that_of_their_checksums():
    first, second = digest_of("MD5", b"first"), digest_of("MD5", b"second")
    assert of_parts("MD5", [first, second]) == digest_of("MD5", first + second)
