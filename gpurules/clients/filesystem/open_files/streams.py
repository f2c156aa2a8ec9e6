"""Open files that are streamed: those without range reads, and all files that are written."""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from gpurules.clients.filesystem.open_files.direct import opened_again
from gpurules.governor import Ticket

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

BUFFER = 128 * 1024


class Stream(io.RawIOBase):
    """The bytes of *file*; every *piece_size* of them are a part of the transfer.

    The read or write that begins a part holds a slot while it runs; further ones within the part do not ask. So small
    ones cost almost nothing, and a pause takes effect at the next part.

    Units: *piece_size* in bytes.
    """

    def __init__(self, file: Any, ticket: Ticket, piece_size: int) -> None:
        self.file = file
        self.end: Callable[[BaseException | None], object] = ticket.end
        self._error: BaseException | None = None
        self._ticket = ticket
        self._piece_size = piece_size
        self._granted = 0

    def _part(self, size: int, limit: float) -> AbstractContextManager[object]:
        """Return the context for moving *size* bytes: a new part, of at most *limit* bytes, or none within the last."""
        if size <= self._granted:
            self._granted -= size
            return nullcontext()
        part = max(size, int(min(self._piece_size, limit)))
        self._granted = part - size
        return self._ticket.part(part)

    def readable(self) -> bool:
        """Return whether it can be read."""
        return bool(self.file.readable())

    def writable(self) -> bool:
        """Return whether it can be written."""
        return bool(self.file.writable())

    def seekable(self) -> bool:
        """Return whether it is seekable."""
        return bool(self.file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position, and return it."""
        self.file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        """Return the position."""
        return int(self.file.tell())

    def fileno(self) -> int:
        """Return the file descriptor; reads through it are not governed.

        Raises:
            OSError: there is none.
        """
        return int(self.file.fileno())

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read at the current position.

        Raises:
            GovernorError: the transfer was stopped.
        """
        view = memoryview(buffer).cast("B")
        size = None if self.writable() else getattr(self.file, "size", None)  # a file being written grows
        left = float("inf") if size is None or not self.seekable() else max(0, size - self.tell())
        with self._noted(), self._part(int(min(len(view), left)), left):
            return int(self.file.readinto(view))

    def flush(self) -> None:
        """Flush the file's buffer."""
        if not self.closed and not self.file.closed and self.writable():
            self.file.flush()

    def truncate(self, size: int | None = None) -> int:
        """Truncate the file at *size* or the current position, and return the new size."""
        return int(self.file.truncate(self.tell() if size is None else size))

    def write(self, data: "ReadableBuffer") -> int:
        """Write at the current position.

        Raises:
            GovernorError: the transfer was stopped.
        """
        view = memoryview(data).cast("B")
        with self._noted(), self._part(len(view), float("inf")):
            return int(self.file.write(view))

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Record the error of a failed read or write until one succeeds."""
        try:
            yield
        except BaseException as error:
            self._error = error
            raise
        self._error = None

    def close(self) -> None:
        """End the transfer; the file's buffer is flushed in a part of its own.

        The transfer has failed if the latest read or write did.
        """
        if self.closed:
            return
        try:
            if self.writable():
                with self._noted(), self._ticket.part():
                    self.file.close()
            else:
                self.file.close()
        finally:
            self.end(self._error)
            super().close()


class Opened:
    """The properties of an open file, besides its bytes."""

    raw: Stream
    fs: Any
    path: str

    @property
    def full_name(self) -> str:
        """Its URL."""
        return str(self.fs.unstrip_protocol(self.path))

    def info(self) -> Any:
        """Return the info from its filesystem."""
        return self.fs.info(self.path)

    def commit(self) -> None:
        """Commit the data of a transaction; fsspec calls this."""
        self.raw.file.commit()

    def discard(self) -> None:
        """Discard the data of a transaction; fsspec calls this."""
        self.raw.file.discard()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute that only the file's own kind has."""
        if name.startswith("__") or name in ("raw", "fs", "path"):
            raise AttributeError(name)
        return getattr(self.raw.file, name)


class StreamReader(Opened, io.BufferedReader):
    """A readable file."""

    raw: Stream

    def __init__(self, stream: Stream, fs: Any, path: str, lose: Callable[[object], object]) -> None:
        io.BufferedReader.__init__(self, stream, BUFFER)
        self.fs, self.path, self._lose = fs, path, lose

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle the name and the position; from Python 3.12 on, the standard class refuses to."""
        return opened_again, (self.fs, self.path, self.tell())

    def __del__(self) -> None:
        """End the transfer of a file that was never closed."""
        if not self.closed:
            self.raw.end = self._lose
            self.close()


class StreamWriter(Opened, io.BufferedWriter):
    """A writable file."""

    raw: Stream

    def __init__(self, stream: Stream, fs: Any, path: str) -> None:
        io.BufferedWriter.__init__(self, stream, BUFFER)
        self.fs, self.path = fs, path

    def flush(self) -> None:
        """Flush this buffer and that of the file."""
        super().flush()
        self.raw.flush()
