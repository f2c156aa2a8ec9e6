"""The record of a staged copy: its size, and a checksum of each piece."""

import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Self

from gpurules.clients.pieces.resumable_file import Piece, pieces
from gpurules.clients.staging.trouble import StagingDamaged, translate_errors
from gpurules.strict_json import dumps, loads

BUFFER = 1024**2
MAX_BYTES = 64 * 1024**2
_MAX_SUM = 2**32


@dataclass(frozen=True, slots=True)
class Seal:
    """The size of the copy *name*, and the CRC-32 of each piece of it.

    Units: ``size`` and ``piece_size`` in bytes.
    """

    name: str
    size: int
    piece_size: int
    sums: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """Return its serialized form."""
        return dumps(asdict(self), ascii_only=True).encode("ascii")

    @classmethod
    def of_bytes(cls, text: bytes) -> Self | None:
        """Parse a seal; None if it is torn or something else."""
        try:
            said = loads(text)
        except (ValueError, RecursionError):
            return None
        match said:
            case {"name": str(name), "size": int(size), "piece_size": int(piece_size), "sums": list(sums)}:
                fits = size >= 0 and piece_size > 0 and len(sums) == -(-size // piece_size)
                if fits and all(isinstance(one, int) and 0 <= one < _MAX_SUM for one in sums):
                    return cls(name, size, piece_size, tuple(sums))
            case _:
                pass
        return None

    def check(self, path: object, file: int, take: Callable[[memoryview], object] = len) -> None:
        """Read the copy in *file*, pass each chunk to *take*, and compare the checksums.

        Raises:
            StagingDamaged: it differs from what was staged; *take* has received wrong bytes.
            StagingTrouble: it cannot be read.
        """
        for piece, expected in zip(pieces(self.size, self.piece_size), self.sums, strict=True):
            if checksum(path, file, piece, take) != expected:
                raise StagingDamaged(
                    f"a copy in the staging area {str(path)!r} differs from what was staged: {self.name}"
                )


def checksums(path: object, file: int, wanted: Iterable[Piece], known: Mapping[Piece, int]) -> tuple[int, ...]:
    """Return the CRC-32 of each of the *wanted* pieces of *file*; those that are not *known* are read.

    Raises:
        StagingTrouble: it cannot be read.
    """
    return tuple(known[piece] if piece in known else checksum(path, file, piece) for piece in wanted)


def checksum(path: object, file: int, piece: Piece, take: Callable[[memoryview], object] = len) -> int:
    """Return the CRC-32 of a piece of *file*, passing each chunk to *take*.

    Missing: -1 if the file ends before the piece does.
    Raises:
        StagingTrouble: it cannot be read.
    """
    found, place, end = 0, piece.start, piece.start + piece.size
    view = memoryview(bytearray(min(BUFFER, piece.size)))
    while place < end:
        with translate_errors(path):
            count = os.preadv(file, [view[: end - place]], place)
        if count == 0:
            return -1
        take(view[:count])
        found = zlib.crc32(view[:count], found)
        place += count
    return found
