"""An open staged copy: verified in full before its first use, and delivered as a file or stream."""

import fcntl
import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, TypeVar, cast

from gpurules.clients.objects.store import StoreError
from gpurules.clients.pieces.resumable_file import JOURNAL_SUFFIX, PART_SUFFIX, Piece, ResumableFile
from gpurules.clients.pieces.target_paths import stem_beside, umask
from gpurules.clients.regular_files import create_regular, is_at, remove_foreign
from gpurules.clients.staging.seal import Seal, checksum
from gpurules.clients.staging.trouble import StagingDamaged, in_area, translate_errors

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER = 128 * 1024
COPY_SUFFIX = ".gpurules-copy"
AT_ONCE = 1024**3
What = TypeVar("What")
Found = TypeVar("Found", int, bytes)
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class StagedCopy:
    """The open file of a copy, in ``with``. Removing its name does not affect reads from it.

    *judge* is called with the result of the verification.

    Units: ``size`` in bytes.
    Missing: *seal* None: it has been verified.
    """

    def __init__(self, path: Path, file: int, size: int, seal: Seal | None, judge: Callable[[bool], None]) -> None:
        self.size = size
        self._path = path
        self._file = file
        self._seal = seal
        self._judge = judge

    def stream(self, fallback: "Fallback") -> "StagedStream":
        """Return a separate stream of the copy, which continues with *fallback* if the copy cannot be read.

        Raises:
            StagingDamaged: it differs from what was staged.
            StagingTrouble: it cannot be read.
        """
        if self._seal is not None:
            self._verify(self._seal, len)
        with translate_errors(self._path):
            file = os.dup(self._file)
        return StagedStream(self._path, file, self.size, fallback)

    def copy_atomically(self, target: Path) -> None:
        """Copy it to *target*, atomically.

        Raises:
            StagingDamaged: it differs from what was staged.
            StagingTrouble: it cannot be read.
            OSError: *target* cannot be written.
        """
        file, fresh = _begun(target)
        try:
            try:
                self._write(file)
                with suppress(OSError):  # a filesystem that has no permissions
                    os.fchmod(file, 0o666 & ~umask())
                fresh.replace(target)
            finally:
                os.close(file)
        except BaseException:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise
        with suppress(OSError):
            stem = stem_beside(target)
            if any(target.with_name(stem + suffix).exists() for suffix in (PART_SUFFIX, JOURNAL_SUFFIX)):
                ResumableFile.lock(target).discard()  # an earlier direct download was interrupted

    def _write(self, file: int) -> None:
        def write(data: memoryview) -> None:
            while data:
                data = data[os.write(file, data) :]

        if self._seal is not None:
            self._verify(self._seal, write)
            return
        sent = 0
        with suppress(OSError):  # the error does not say which file failed; copying below does
            while count := os.sendfile(file, self._file, sent, self.size - sent):
                sent += count
        rest = Piece(sent, self.size - sent)
        if rest.size and checksum(self._path, self._file, rest, write) < 0:
            raise StagingDamaged(f"a copy in the staging area {str(self._path)!r} has been shortened")

    def _verify(self, seal: Seal, take: Callable[[memoryview], object]) -> None:
        try:
            seal.check(self._path, self._file, take)
        except StagingDamaged:
            self._judge(False)
            raise
        self._judge(True)
        self._seal = None

    def close(self) -> None:
        """Close it; its streams stay open."""
        with suppress(OSError):
            os.close(self._file)


def _begun(target: Path) -> tuple[int, Path]:
    """Return an empty file beside *target*, locked, and its path.

    Its name is always the same, so that the leftover of a killed process is reused; if another process uses it, the
    file gets a private name.
    """
    stem = stem_beside(target)
    fresh = target.with_name(stem + COPY_SUFFIX)
    remove_foreign(fresh)
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | _FLAGS, 0o600)
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_at(fresh, file):  # otherwise it became the target between opening and locking
            os.ftruncate(file, 0)
            return file, fresh
    os.close(file)
    fresh = target.with_name(f"{stem}.{os.getpid()}.{token_hex(8)}{COPY_SUFFIX}")
    return create_regular(fresh, os.O_WRONLY), fresh


Fallback = Callable[[StoreError], io.RawIOBase]
"""Called with why a copy cannot be read on; returns what to read from instead: the same version of the object."""


class StagedStream(io.BufferedReader):
    """A copy to read from.

    Units: ``size`` in bytes.
    """

    def __init__(self, path: Path, file: int, size: int, fallback: Fallback) -> None:
        super().__init__(_Raw(path, file, size, fallback), BUFFER)
        self.size = size


class _Raw(io.RawIOBase):
    """Reads from a copy, and from a fallback once that has failed."""

    def __init__(self, path: Path, file: int, size: int, fallback: Fallback) -> None:
        self._path = path
        self._file = file
        self._size = size
        self._fallback = fallback
        self._other: io.RawIOBase | None = None
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return self._file

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"position before the start of the file: {base + offset}")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")[: max(0, self._size - self._place)]
        if not view:
            return 0
        count = self._tried(os.preadv, [view]) or self._instead().readinto(view) or 0
        self._place += count
        return count

    def readall(self) -> bytes:
        found: list[bytes] = []
        while (left := min(AT_ONCE, self._size - self._place)) > 0:
            data = self._tried(os.pread, left) or self._instead().read(left)
            if not data:
                break
            found.append(data)
            self._place += len(data)
        return found[0] if len(found) == 1 else b"".join(found)

    def _tried(self, read: Callable[[int, What, int], Found], what: What) -> Found | None:
        """Read from the copy; None if that fails, and the fallback takes over."""
        if self._other is None:
            try:
                if found := read(self._file, what, self._place):
                    return found
                trouble: StoreError = StagingDamaged(f"a copy in the staging area {str(self._path)!r} was shortened")
            except OSError as error:
                trouble = in_area(self._path, error)
            self._other = self._fallback(trouble)
        return None

    def _instead(self) -> io.RawIOBase:
        other = cast(io.RawIOBase, self._other)
        other.seek(self._place)
        return other

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError):
                os.close(self._file)
            if self._other is not None:
                self._other.close()
        super().close()
