"""Open files that are read and written at once, or grown: what they buffer, and where they are, they know best."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpurules.clients.filesystem.open_files.direct import DirectReader, is_direct
from gpurules.governor import Ticket

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def is_edited(file: Any, mode: str) -> bool:
    """Whether *file*, opened in that *mode*, is one whose place no buffer before it could know."""
    return "+" in mode or ("a" in mode and is_direct(file))


class DirectEditor(DirectReader):
    """A file to read and write, with both done by *file*, a part of the transfer for every *piece_size* bytes of them.

    Units: *piece_size* in bytes.
    """

    def __init__(
        self, file: Any, ticket: Ticket, piece_size: int, lose: Callable[[], object], can_read: bool = True
    ) -> None:
        super().__init__(file, ticket, piece_size, lose)
        self._can_read = can_read

    def readable(self) -> bool:
        """Return whether it was opened to be read too."""
        return self._can_read

    def writable(self) -> bool:
        """Return that it can be written."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write at the place, or at the end of a file that is grown.

        Raises:
            GovernorError: the transfer was stopped.
        """
        size = memoryview(data).nbytes
        if size <= self._granted:
            self._granted -= size
            return int(self.file.write(data))
        return int(self._part(size, self.file.write, data))

    def truncate(self, size: int | None = None, /) -> int:
        """Cut the file off at *size*, or at the place, and return where."""
        return int(self.file.truncate(self.tell() if size is None else size))

    def flush(self) -> None:
        """Have the file write what it keeps back."""
        if not self.closed and not self.file.closed:
            self.file.flush()

    def _sizes(self, size: int | None) -> tuple[int, int]:
        wanted = self._piece_size if size is None or size < 0 else size  # how much is left may grow
        return wanted, max(wanted, self._piece_size)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse: what was written is here only.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"a file open for writing cannot be pickled: {self.path!r}")

    def close(self) -> None:
        """End the transfer, after what the file kept back is written: failed, where that or the latest part did."""
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
