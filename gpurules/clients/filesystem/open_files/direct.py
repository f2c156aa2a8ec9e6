"""Open files that are read in place: local and staged ones, and those in memory, which have their own buffers."""

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

from fsspec.implementations.local import LocalFileOpener  # type: ignore[import-untyped]

from gpurules.clients.staging import StagedStream
from gpurules.governor import Ticket

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def is_direct(file: Any) -> bool:
    """Whether *file* has its own buffer, and reads lines."""
    return isinstance(file, LocalFileOpener | StagedStream | io.BytesIO)


class DirectReader(io.BufferedIOBase):
    """A readable file that delegates reads to *file*; every *piece_size* bytes are a part of the transfer.

    The read that begins a part holds a slot while it runs; further reads within the part cost one comparison. Lines are
    admitted by their upper bound: a part.

    Units: *piece_size* in bytes.
    """

    def __init__(self, file: Any, ticket: Ticket, piece_size: int, lose: Callable[[], object]) -> None:
        self.file = file
        self.fs: Any = None
        self.path = ""
        self._read = (file.f if isinstance(file, LocalFileOpener) else file).read
        self._ticket = ticket
        self._piece_size = piece_size
        self._lose = lose
        self._granted = 0
        self._error: BaseException | None = None

    def of(self, fs: Any, path: str) -> Self:
        """Return the file, with *path* and *fs* recorded in it."""
        self.fs, self.path = fs, path
        return self

    # reading

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to *size* bytes, or all remaining ones.

        Raises:
            GovernorError: the transfer was stopped.
        """
        if size is not None and 0 <= size <= self._granted:
            self._granted -= size
            data: bytes = self._read(size)
            return data
        found: bytes = self._part(size, self._read, size)
        return found

    read1 = read

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read at the current position into *buffer*."""
        size = memoryview(buffer).nbytes
        if size <= self._granted:
            self._granted -= size
            return int(self.file.readinto(buffer))
        return int(self._part(size, self.file.readinto, buffer))

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read a line."""
        if self._granted <= 0:
            line: bytes = self._part(1, self.file.readline, -1 if size is None else size)
        else:
            line = self.file.readline(-1 if size is None else size)
        self._granted -= len(line)
        return line

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __iter__(self) -> Iterator[bytes]:
        return self

    def _part(self, size: int | None, read: Callable[..., Any], *arguments: Any) -> Any:
        """Call *read* as the start of a part."""
        wanted, part = self._sizes(size)
        try:
            with self._ticket.part(part):
                found = read(*arguments)
        except BaseException as error:
            self._error = error
            raise
        self._error, self._granted = None, part - wanted
        return found

    def _sizes(self, size: int | None) -> tuple[int, int]:
        """Return the maximum number of bytes that a read of *size* moves, and the size of the part that it begins."""
        left = self._left()
        wanted = left if size is None or size < 0 else min(size, left)
        return wanted, max(wanted, min(self._piece_size, left))

    def _left(self) -> int:
        place = int(self.file.tell())
        size = getattr(self.file, "size", None)
        if size is None:
            size = self.file.getbuffer().nbytes
        return max(0, int(size) - place)

    # the rest of a file

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def seekable(self) -> bool:
        """Return whether it is seekable."""
        return bool(self.file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Set the position, and return it."""
        return int(self.file.seek(offset, whence))

    def tell(self) -> int:
        """Return the position."""
        return int(self.file.tell())

    def fileno(self) -> int:
        """Return the file descriptor; reads through it are not governed.

        Raises:
            OSError: there is none.
        """
        return int(self.file.fileno())

    def close(self) -> None:
        """End the transfer, as failed if the latest read failed."""
        if not self.closed:
            self.file.close()
            super().close()
            self._ticket.end(self._error)

    @property
    def full_name(self) -> str:
        """Its URL."""
        return str(self.fs.unstrip_protocol(self.path))

    def info(self) -> Any:
        """Return the info from its filesystem."""
        return self.fs.info(self.path)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute that only the file's own kind has."""
        if name.startswith("__") or "file" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.file, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle the name and the position."""
        return opened_again, (self.fs, self.path, self.tell())

    def __del__(self) -> None:
        """End the transfer of a file that was never closed."""
        if not self.closed:
            super().close()
            self._lose()


def opened_again(fs: Any, path: str, place: int) -> Any:
    """Reopen the file at that position."""
    file = fs.open(path, "rb")
    file.seek(place)
    return file
