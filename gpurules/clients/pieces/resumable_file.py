"""A file that is downloaded in pieces; completed pieces are journaled, so that a download resumes after a crash."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple, Self
from zlib import crc32

from gpurules.clients.objects.checksums import new_digest
from gpurules.clients.objects.store import ObjectFacts, StoreError, TransientStoreError
from gpurules.clients.pieces.piece_journal import Binding, PieceJournal
from gpurules.clients.pieces.target_paths import stem_beside, umask
from gpurules.clients.regular_files import create_regular, is_at, open_regular, remove_foreign

PART_SUFFIX, JOURNAL_SUFFIX = ".gpurules-part", ".gpurules-journal"
_READ_BYTES = 1024**2


class Piece(NamedTuple):
    """A range of an object, in bytes."""

    start: int
    size: int


def pieces(size: int, piece_size: int) -> tuple[Piece, ...]:
    """Return the pieces of an object of *size* bytes; an empty one has none.

    >>> pieces(25, 10)
    (Piece(start=0, size=10), Piece(start=10, size=10), Piece(start=20, size=5))
    """
    return tuple(Piece(start, min(piece_size, size - start)) for start in range(0, size, piece_size))


def _locked(path: Path) -> int:
    """Open the part file at *path* under an exclusive lock; -1 if another process holds it, or it cannot be used."""
    for _ in range(2):
        try:
            file = open_regular(path, os.O_RDWR | os.O_CREAT)
        except OSError:
            remove_foreign(path)
            continue
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_at(path, file):  # otherwise the file was published between open and lock
                return file
        os.close(file)
        break
    return -1


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


class _Summing:
    """The CRC-32 of a piece, and its checksum by another algorithm if requested."""

    def __init__(self, algorithm: str) -> None:
        self.crc = 0
        self._other = None if algorithm == "CRC32" else new_digest(algorithm)

    def update(self, data: bytes) -> None:
        self.crc = crc32(data, self.crc)
        if self._other is not None:
            self._other.update(data)

    def digest(self) -> bytes:
        return self.crc.to_bytes(4, "big") if self._other is None else self._other.digest()


class ResumableFile:
    """An incomplete file beside its *target*. Locked: only one process uses it at a time.

    Every piece is journaled with its CRC-32, and a piece of an earlier attempt counts only if the bytes in the file
    still have that checksum. CRC-32 because zlib's is several times faster than the disk, and because it can be
    combined to the checksum of the whole.

    Units: ``piece_size`` in bytes.
    """

    def __init__(self, target: Path, file: int, part: Path) -> None:
        self.target = target
        self.damaged = 0
        """How many pieces the journal listed and the file did not have."""
        self.algorithm = "CRC32"
        """The checksum that is kept of each piece, set before ``begin``; the journal has CRC-32 in any case."""
        self._digests: dict[int, bytes] = {}
        self._file = file
        self._part = part
        self._journal = PieceJournal(part.with_name(part.name.removesuffix(PART_SUFFIX) + JOURNAL_SUFFIX))
        self._done: dict[int, int] = {}
        self._size = self._count = -1
        self._is_kept = bool(self._journal.recorded)

    @classmethod
    def lock(cls, target: Path) -> Self:
        """Open the part file of *target*, or create one; if another process holds it, create a private one.

        Raises:
            OSError: the folder cannot be written.
        """
        stem = stem_beside(target)
        part = target.with_name(f"{stem}{PART_SUFFIX}")
        file = _locked(part)
        if file < 0:
            part = target.with_name(f"{stem}.{os.getpid()}.{token_hex(8)}{PART_SUFFIX}")
            file = create_regular(part, os.O_RDWR)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cls(target, file, part)
        except BaseException:
            os.close(file)
            raise

    def is_begun_with(self, url: str, piece_size: int) -> bool:
        """Return whether the file has pieces of that object, usable if the object has not changed."""
        journal = self._journal
        return bool(journal.recorded) and journal.is_of(Binding.of(url, piece_size, None, self._file))

    def begin(self, url: str, facts: ObjectFacts, piece_size: int, check: Callable[[], object] = lambda: None) -> bool:
        """Resume the same version of the object, or start over; return whether there was anything to resume.

        Every journaled piece is read and compared with its checksum; *check* is called between them, and may raise.

        Raises:
            OSError: there is no room.
        """
        binding = Binding.of(url, piece_size, facts, self._file)
        self._done, self._size, self._count = {}, facts.size, -(-facts.size // piece_size)
        if self._journal.recorded and self._journal.is_of(binding):
            os.ftruncate(self._file, facts.size)
            self._done = dict(self._intact(facts.size, piece_size, check))
            self.damaged = len(self._journal.recorded) - len(self._done)
        else:
            self._journal.remove()
            os.ftruncate(self._file, 0)
            os.ftruncate(self._file, facts.size)
            self._journal.start(binding)
        self._is_kept = False
        return bool(self._done)

    def _intact(self, size: int, piece_size: int, check: Callable[[], object]) -> Iterator[tuple[int, int]]:
        """Yield the start and the checksum of each journaled piece that the file has."""
        for start, expected in self._journal.recorded.items():
            if start % piece_size == 0 and start < size:
                check()
                summing = _Summing(self.algorithm)
                for data in self.read(start, min(piece_size, size - start)):
                    summing.update(data)
                if summing.crc == expected:
                    self._digests[start] = summing.digest()
                    yield start, expected

    def read(self, start: int, size: int) -> Iterator[bytes]:
        """Yield *size* bytes of the file from *start*; fewer if it ends or cannot be read."""
        end = start + size
        while start < end:
            try:
                data = os.pread(self._file, min(_READ_BYTES, end - start), start)
            except OSError:
                return
            if not data:
                return
            yield data
            start += len(data)

    def digest(self, start: int) -> bytes:
        """Return the checksum, by ``algorithm``, of the piece that begins at *start*."""
        return self._digests[start]

    def missing(self, facts: ObjectFacts, piece_size: int) -> Iterator[Piece]:
        """Yield the missing pieces, lazily, however large the object claims to be."""
        for start in range(0, facts.size, piece_size):
            if start not in self._done:
                yield Piece(start, min(piece_size, facts.size - start))

    def present(self, facts: ObjectFacts, piece_size: int) -> tuple[Piece, ...]:
        """Return the pieces that the file has."""
        return tuple(Piece(start, min(piece_size, facts.size - start)) for start in self._done)

    def fill(self, piece: Piece, chunks: Iterable[bytes]) -> Iterator[int]:
        """Write *chunks* as *piece*, and yield the number of its bytes written so far after each chunk.

        Raises:
            OSError: there is no room.
            TransientStoreError: their number differs from the size of the piece.
        """
        written, summing = 0, _Summing(self.algorithm)
        for chunk in chunks:
            if written + len(chunk) > piece.size:
                raise TransientStoreError(f"more than the {piece.size} requested bytes were sent")
            summing.update(chunk)
            view = memoryview(chunk)
            while view:
                count = os.pwrite(self._file, view, piece.start + written)
                written, view = written + count, view[count:]
            yield written
        if written != piece.size:
            raise TransientStoreError(f"the connection ended after {written} of {piece.size} bytes")
        if piece.size:
            self._digests[piece.start] = summing.digest()
            self._journal.record(piece.start, summing.crc)
            self._done[piece.start] = summing.crc

    def publish(self, is_durable: bool = False) -> None:
        """Replace the target atomically, with the default permissions of new files of this process.

        *is_durable*: the file is synced before it becomes the target, and the rename before this returns. The journal
        is deleted after that: a process that dies in between leaves a journal bound to a part file that no longer
        exists, and is not used.

        Raises:
            StoreError: it is not complete, or another program has changed the part file; nothing was published.
            OSError: it cannot be renamed or synced.
        """
        if len(self._done) != self._count:
            raise StoreError(
                f"{str(self.target)!r} is not complete: {len(self._done)} of {self._count} pieces are present"
            )
        if os.fstat(self._file).st_size != self._size or not is_at(self._part, self._file):
            self.discard()
            raise StoreError(f"another program has changed {str(self._part)!r} during the download; try again")
        with suppress(OSError):  # a filesystem without permissions
            os.fchmod(self._file, 0o666 & ~umask())
        if is_durable:
            os.fdatasync(self._file)
        self._part.replace(self.target)
        if is_durable:
            _sync_folder(self.target.parent)
        self._journal.remove()
        self.close()

    def discard(self) -> None:
        """Delete the part file and its journal."""
        self._done, self._is_kept = {}, False
        self.close()

    def close(self) -> None:
        """Keep the file for the next attempt; one without pieces, or with a private name, is deleted."""
        if self._file < 0:
            return
        is_shared = self._part.name == f"{stem_beside(self.target)}{PART_SUFFIX}"
        if not (is_shared and (self._done or self._is_kept)):
            self._journal.remove()
            with suppress(OSError):
                if is_at(self._part, self._file):
                    self._part.unlink(missing_ok=True)
        self._journal.close()
        os.close(self._file)
        self._file = -1
