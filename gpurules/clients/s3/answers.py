"""Parses and validates an S3 store's responses about an object."""

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gpurules.clients.objects.checksums import POLYNOMIALS, PREFERENCE, Checksum, digest_of, is_available, of_parts
from gpurules.clients.objects.store import ChecksumMismatch, ObjectFacts, PartTag, RangeIgnored, StoreError

_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_MD5 = re.compile(r'"?([0-9a-f]{32})(?:-([1-9][0-9]{0,4}))?"?')
_LENGTHS = {"MD5": 16, "SHA1": 20, "SHA256": 32, **{name: found.bits // 8 for name, found in POLYNOMIALS.items()}}
DIRECTORY_BUCKET = "--x-s3"
"""How the names of S3 Express buckets end, where tags are not digests."""


class ByteSpan(NamedTuple):
    """The part of an object in a response: its facts, and whether it is the whole object.

    Missing: ``facts`` None: the server does not report the size of the object.
    """

    facts: ObjectFacts | None
    tag: str
    is_whole: bool


def tag(url: str, answer: Mapping[str, Any]) -> str:
    """Return the tag.

    Raises:
        StoreError: there is none.
    """
    found = answer.get("ETag")
    if not isinstance(found, str) or not found:
        raise StoreError(f"{url}: the store returns no ETag, so versions of the object cannot be distinguished")
    return found


def facts(url: str, answer: Mapping[str, Any]) -> ObjectFacts:
    """Return the size and the tag from the response to a HEAD request.

    Raises:
        StoreError: one of them is missing.
    """
    return ObjectFacts(_length(url, answer), tag(url, answer))


def _length(url: str, answer: Mapping[str, Any]) -> int:
    length = answer.get("ContentLength")
    if not isinstance(length, int) or not 0 <= length < 10**18:
        raise StoreError(f"{url}: the store returns no valid Content-Length, so the size of the object is unknown")
    return length


def span(url: str, answer: Mapping[str, Any], start: int, size: int) -> ByteSpan:
    """Return the part in a response to a request for *size* bytes from *start*.

    Raises:
        RangeIgnored: it is the whole object, and not the range.
        StoreError: it is another range, or cannot be identified.
    """
    etag, said = tag(url, answer), answer.get("ContentRange")
    if not said:
        return _whole(url, answer, start, size)
    match = _RANGE.fullmatch(str(said))
    if match is None:
        raise StoreError(f"{url}: the store returned the Content-Range {str(said)[:100]!r}, which is not a range")
    first, last = int(match[1]), int(match[2])
    total = None if match[3] == "*" else int(match[3])
    expected = start + size - 1 if total is None else min(start + size, total) - 1
    is_full = last == expected or (total is None and start <= last < expected)
    if first != start or not is_full:
        raise StoreError(f"{url}: bytes {start}-{expected} were requested, but the store returned {str(said)!r}")
    length = answer.get("ContentLength")
    if length is not None and length != last - first + 1:
        raise StoreError(f"{url}: the store returned {str(said)!r}, but {length} bytes")
    return ByteSpan(None if total is None else ObjectFacts(total, etag), etag, first == 0 and last + 1 == total)


def _whole(url: str, answer: Mapping[str, Any], start: int, size: int) -> ByteSpan:
    """Return the part in a response without a range: the whole object, if its status says so."""
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if status == 206:
        raise StoreError(f"{url}: the store returned a part of the object, but does not say which (Content-Range)")
    found = facts(url, answer)
    if start or found.size > size:
        raise RangeIgnored(f"{url}: the store returned the whole object instead of the requested range", found)
    return ByteSpan(found, found.etag, True)


def checksums(answer: Mapping[str, Any], etag: str) -> Iterator[Checksum]:
    """Yield the checksums in a response, the cheapest first; those of parts lack the part size."""
    match = _MD5.fullmatch(etag)
    parts = int(match[2] or 0) if match else 0
    for algorithm in PREFERENCE:
        found = _decoded(algorithm, str(answer.get(f"Checksum{algorithm}", "")))
        if found is None:
            continue
        value, count = found
        if not count and parts and answer.get("ChecksumType") != "FULL_OBJECT" and algorithm != "CRC64NVME":
            count = parts  # some stores omit the suffix
        yield Checksum(algorithm, value, count)
    if match and answer.get("ServerSideEncryption") in (None, "AES256") and not answer.get("SSECustomerAlgorithm"):
        yield Checksum("MD5", bytes.fromhex(match[1]), parts)


def refuse_other(url: str, found: Iterable[Checksum], data: bytes) -> None:
    """Compare *data*, which a store has accepted, with the cheapest checksum in its response.

    Raises:
        ChecksumMismatch: the store has other bytes.
    """
    for checksum in found:
        if not checksum.count and is_available(checksum.algorithm):
            sent = digest_of(checksum.algorithm, data)
            if sent != checksum.value:
                raise ChecksumMismatch(
                    f"{url}: the store received different bytes: {checksum}, but {sent.hex()} was sent"
                )
            return


def refuse_other_parts(url: str, answer: Mapping[str, Any], tags: Sequence[PartTag]) -> None:
    """Compare the checksum of a complete upload with those of its parts, if it is composed of them.

    Raises:
        StoreError: the store's object differs from the parts.
    """
    for algorithm in PREFERENCE:
        name = f"Checksum{algorithm}"
        found = _decoded(algorithm, str(answer.get(name, "")))
        parts = [_decoded(algorithm, tag.checksums.get(name, "")) for tag in tags]
        if found is None or not found[1] or not is_available(algorithm) or None in parts:
            continue
        expected = of_parts(algorithm, (part[0] for part in parts if part is not None))
        if found != (expected, len(tags)):
            raise StoreError(f"{url} is not the object that was sent: {name} is {answer[name]}, not {expected.hex()}")


def _decoded(algorithm: str, text: str) -> tuple[bytes, int] | None:
    """Return the value of a checksum and its number of parts (0: of all bytes); None if it is malformed."""
    match = re.fullmatch(r"([A-Za-z0-9+/]+={0,2})(?:-([1-9][0-9]{0,4}))?", text)
    try:
        value = b64decode(match[1], validate=True) if match else b""
    except ValueError:
        return None
    return (value, int(match[2] or 0)) if match and len(value) == _LENGTHS[algorithm] else None
