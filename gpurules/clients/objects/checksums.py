"""Checksums of objects in stores, and how checksums of pieces combine into that of the whole.

CRC-32, MD5 and SHA come with Python. CRC-32C and CRC-64/NVME are computed by awscrt if it is installed: in pure Python
they would be a thousand times slower than the network.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum of an object, as provided by its store.

    ``count``: 0 if it is of all bytes; else it is the checksum of the checksums of this number of parts, each but the
    last of ``part_size`` bytes. ``is_certain``: a mismatch proves that bytes differ; otherwise the store may mean
    something else by the value, and only a match proves anything.
    """

    algorithm: str
    value: bytes
    count: int = 0
    part_size: int = 0
    is_certain: bool = True

    def __str__(self) -> str:
        """Return its form for messages."""
        return f"{self.algorithm} {self.value.hex()}{f'-{self.count}' if self.count else ''}"


class Digest(Protocol):
    """A running checksum of bytes."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Add bytes."""
        ...

    def digest(self) -> bytes:
        """Return the checksum."""
        ...


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A reflected CRC with all bits set at its start and inverted at its end."""

    bits: int
    reversed_polynomial: int


POLYNOMIALS = {
    "CRC32": Polynomial(32, 0xEDB88320),
    "CRC32C": Polynomial(32, 0x82F63B78),
    "CRC64NVME": Polynomial(64, 0x9A6C9329AC4BC9B5),
}
"""Source: the catalogue of parametrised CRC algorithms (CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME)."""
HASHES = ("SHA256", "SHA1", "MD5")
PREFERENCE = (*POLYNOMIALS, *HASHES)
"""From the cheapest to compute to the dearest."""


class _Crc:
    """A CRC with the interface of hashlib."""

    def __init__(self, function: Callable[[bytes | memoryview, int], int], bits: int) -> None:
        self._function = function
        self._size = bits // 8
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def _crc(algorithm: str) -> Callable[[bytes | memoryview, int], int] | None:
    if algorithm == "CRC32":
        return zlib.crc32
    try:
        from awscrt import checksums
    except ImportError:
        return None
    found: Callable[[bytes | memoryview, int], int] | None = getattr(checksums, algorithm.lower(), None)
    return found


def is_available(algorithm: str) -> bool:
    """Return whether the checksum can be computed here."""
    return algorithm in HASHES or (algorithm in POLYNOMIALS and _crc(algorithm) is not None)


def new_digest(algorithm: str) -> Digest:
    """Return a new running checksum.

    Raises:
        ValueError: it cannot be computed here.
    """
    if algorithm in HASHES:
        return hashlib.new(algorithm.lower(), usedforsecurity=False)
    function = _crc(algorithm) if algorithm in POLYNOMIALS else None
    if function is None:
        raise ValueError(f"{algorithm} cannot be computed here")
    return _Crc(function, POLYNOMIALS[algorithm].bits)


def digest_of(algorithm: str, data: bytes) -> bytes:
    """Return the checksum of *data*.

    >>> digest_of("CRC32", b"123456789").hex()
    'cbf43926'
    """
    digest = new_digest(algorithm)
    digest.update(data)
    return digest.digest()


def combine_crcs(algorithm: str, parts: Iterable[tuple[bytes, int]]) -> bytes:
    """Return the CRC of bytes that follow each other, given the CRC and the length of each part.

    Source: zlib's crc32_combine: what zeros do to a CRC is linear over GF(2).

    >>> combine_crcs("CRC32", [(digest_of("CRC32", b"12345"), 5), (digest_of("CRC32", b"6789"), 4)]).hex()
    'cbf43926'
    """
    polynomial = POLYNOMIALS[algorithm]
    value = 0
    for crc, length in parts:
        if length:
            value = _product(_zeros(polynomial, length), value) ^ int.from_bytes(crc, "big")
    return value.to_bytes(polynomial.bits // 8, "big")


@cache
def _zeros(polynomial: Polynomial, length: int) -> tuple[int, ...]:
    """Return the matrix, by columns, of the effect of *length* zero bytes on a CRC; few lengths ever occur."""
    power = (polynomial.reversed_polynomial, *(1 << bit for bit in range(polynomial.bits - 1)))  # of one zero bit
    for _ in range(3):
        power = _square(power)
    result = tuple(1 << bit for bit in range(polynomial.bits))
    while length:
        if length & 1:
            result = tuple(_product(power, column) for column in result)
        power, length = _square(power), length >> 1
    return result


def _square(matrix: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(_product(matrix, column) for column in matrix)


def _product(matrix: tuple[int, ...], vector: int) -> int:
    total, bit = 0, 0
    while vector:
        if vector & 1:
            total ^= matrix[bit]
        vector, bit = vector >> 1, bit + 1
    return total


def of_parts(algorithm: str, digests: Iterable[bytes]) -> bytes:
    """Return the checksum of the checksums of parts, as S3 defines it for multipart uploads."""
    return digest_of(algorithm, b"".join(digests))
