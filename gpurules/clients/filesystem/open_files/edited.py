"""Open files in update or append mode, which keep their own buffer and position."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpurules.clients.filesystem.open_files.direct import DirectReader, is_direct
from gpurules.governor import Ticket

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def is_edited(file: Any, mode: str) -> bool:
    """Whether *file*, opened in *mode*, has a position that an outer buffer could not track."""
    return "+" in mode or ("a" in mode and is_direct(file))


class DirectEditor(DirectReader):
    """A file for reading and writing that delegates to *file*; every *piece_size* bytes are a part of the transfer.

    Units: *piece_size* in bytes.
    """

    def __init__(
        self, file: Any, ticket: Ticket, piece_size: int, lose: Callable[[], object], can_read: bool = True
    ) -> None:
        super().__init__(file, ticket, piece_size, lose)
        self._can_read = can_read

    def readable(self) -> bool:
        """Return whether it was opened for reading too."""
        return self._can_read

    def writable(self) -> bool:
        """Return True: it can be written."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write at the current position, or in append mode at the end.

        Raises:
            GovernorError: the transfer was stopped.
        """
        size = memoryview(data).nbytes
        if size <= self._granted:
            self._granted -= size
            return int(self.file.write(data))
        return int(self._part(size, self.file.write, data))

    def truncate(self, size: int | None = None, /) -> int:
        """Truncate the file at *size* or the current position, and return the new size."""
        return int(self.file.truncate(self.tell() if size is None else size))

    def flush(self) -> None:
        """Flush the file's buffer."""
        if not self.closed and not self.file.closed:
            self.file.flush()

    def _sizes(self, size: int | None) -> tuple[int, int]:
        wanted = self._piece_size if size is None or size < 0 else size  # the file may grow
        return wanted, max(wanted, self._piece_size)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse to pickle, since written data is only here.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"a file open for writing cannot be pickled: {self.path!r}")

    def close(self) -> None:
        """Flush and end the transfer, as failed if that or the latest part failed."""
        try:
            if not self.closed:
                self.file.close()
        except BaseException as error:
            self._error = error
            raise
        finally:
            if not self.closed:
                io.BufferedIOBase.close(self)
                self._ticket.end(self._error)
