"""Open files that are streamed: those that cannot be read by ranges, and all that are written."""

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
    """The bytes of *file*, a part of the transfer for every *piece_size* of them.

    The read or write that begins a part has a slot while it lasts; those that follow within the part go on without
    asking. So small ones cost next to nothing, and a pause takes hold at the next part.

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
        """Return the chunks in which *size* bytes move, *limit* of them still to come."""
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
        """Return whether one can go to a place in it."""
        return bool(self.file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, and return it."""
        self.file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        """Return the place."""
        return int(self.file.tell())

    def fileno(self) -> int:
        """Return the file descriptor; reads through it are not governed.

        Raises:
            OSError: there is none.
        """
        return int(self.file.fileno())

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read what is at the place.

        Raises:
            GovernorError: the transfer was stopped.
        """
        view = memoryview(buffer).cast("B")
        size = None if self.writable() else getattr(self.file, "size", None)  # one that is written grows
        left = float("inf") if size is None or not self.seekable() else max(0, size - self.tell())
        with self._noted(), self._part(int(min(len(view), left)), left):
            return int(self.file.readinto(view))

    def flush(self) -> None:
        """Have the file write what it keeps back."""
        if not self.closed and not self.file.closed and self.writable():
            self.file.flush()

    def truncate(self, size: int | None = None) -> int:
        """Cut the file off at *size*, or at the place, and return where."""
        return int(self.file.truncate(self.tell() if size is None else size))

    def write(self, data: "ReadableBuffer") -> int:
        """Write at the place.

        Raises:
            GovernorError: the transfer was stopped.
        """
        view = memoryview(data).cast("B")
        with self._noted(), self._part(len(view), float("inf")):
            return int(self.file.write(view))

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Remember the error of a read or write that fails, until one succeeds."""
        try:
            yield
        except BaseException as error:
            self._error = error
            raise
        self._error = None

    def close(self) -> None:
        """End the transfer; what the file still kept back is written in a part of its own.

        It has failed where the latest read or write did.
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
        """Return what its filesystem says of it."""
        return self.fs.info(self.path)

    def commit(self) -> None:
        """Put what was written in a transaction where it belongs; fsspec calls this."""
        self.raw.file.commit()

    def discard(self) -> None:
        """Drop what was written in a transaction; fsspec calls this."""
        self.raw.file.discard()

    def __getattr__(self, name: str) -> Any:
        """Return what only the file's own kind has."""
        if name.startswith("__") or name in ("raw", "fs", "path"):
            raise AttributeError(name)
        return getattr(self.raw.file, name)


class StreamReader(Opened, io.BufferedReader):
    """A file to read."""

    raw: Stream

    def __init__(self, stream: Stream, fs: Any, path: str, lose: Callable[[object], object]) -> None:
        io.BufferedReader.__init__(self, stream, BUFFER)
        self.fs, self.path, self._lose = fs, path, lose

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle the name and the place; from Python 3.12 on the standard class refuses to, under this name."""
        return opened_again, (self.fs, self.path, self.tell())

    def __del__(self) -> None:
        """End the transfer of a file that was never closed."""
        if not self.closed:
            self.raw.end = self._lose
            self.close()


class StreamWriter(Opened, io.BufferedWriter):
    """A file to write."""

    raw: Stream

    def __init__(self, stream: Stream, fs: Any, path: str) -> None:
        io.BufferedWriter.__init__(self, stream, BUFFER)
        self.fs, self.path = fs, path

    def flush(self) -> None:
        """Write what is kept back, here and in the file."""
        super().flush()
        self.raw.flush()
