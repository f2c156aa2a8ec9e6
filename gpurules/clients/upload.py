"""An upload by the part loop: the object is there whole, or not at all."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from gpurules.clients.partial import Piece, pieces
from gpurules.clients.parts import PartLoop, PartOptions
from gpurules.clients.store import ObjectChanged, StoreError
from gpurules.governor import Part, Ticket

MIN_PIECE = 5 * 1024**2
MAX_PIECES = 10_000
"""What S3 bounds: the size of a part that is not the last, and their number."""


class WritableObject(Protocol):
    """One object in a store that takes uploads in parts; see each method of ``S3Object``."""

    @property
    def url(self) -> str:
        """Its name, the same in every process."""
        ...

    def put(self, data: bytes) -> str:
        """Write the whole object at once, and return its tag."""
        ...

    def begin(self) -> str:
        """Begin an upload in parts, and return its id."""
        ...

    def put_part(self, upload: str, number: int, data: bytes) -> str:
        """Write part *number* (from 1), and return its tag."""
        ...

    def complete(self, upload: str, tags: Sequence[str]) -> str:
        """Make the parts the object, in one step, and return its tag."""
        ...

    def abort(self, upload: str) -> None:
        """Have the store forget an upload."""
        ...


def piece_size(size: int, options: PartOptions) -> int:
    """Return how large the parts of an upload of *size* bytes are, within what S3 allows."""
    return max(options.piece_size, MIN_PIECE, -(-size // MAX_PIECES))


def upload(ticket: Ticket, source: Path, target: WritableObject, loop: PartLoop, options: PartOptions) -> str:
    """Bring the file *source* to *target*, and return the object's tag.

    Raises:
        ObjectChanged: the file changed on the way.
        StoreError: the store did not take it.
        GovernorError: the transfer was stopped.
        OSError: the file can not be read.
    """
    with source.open("rb") as stream:
        before = os.fstat(stream.fileno())
        uploading = _Upload(stream.fileno(), target, piece_size(before.st_size, options), before.st_size)
        try:
            loop.run(ticket, pieces(before.st_size, uploading.each) or (Piece(0, 0),), uploading.move)
            after = os.fstat(stream.fileno())
            if (after.st_mtime_ns, after.st_size) != (before.st_mtime_ns, before.st_size):
                raise ObjectChanged(f"{source} has changed since the transfer began")
            ticket.check()
            return uploading.complete()
        except BaseException:
            uploading.abort()
            raise


class _Upload:
    """An upload under way: at once where one part holds it all, else in parts."""

    def __init__(self, file: int, target: WritableObject, each: int, size: int) -> None:
        self.each = each
        self._file = file
        self._target = target
        self._id = target.begin() if size > each else None
        self._tags: dict[int, str] = {}

    def move(self, part: Part, piece: Piece) -> None:
        part.ticket.check()
        data = os.pread(self._file, piece.size, piece.start)
        if len(data) != piece.size:
            raise ObjectChanged(f"{self._target.url}: the file has become shorter since the transfer began")
        number = piece.start // self.each
        if self._id is None:
            self._tags[number] = self._target.put(data)
        else:
            self._tags[number] = self._target.put_part(self._id, number + 1, data)

    def complete(self) -> str:
        if self._id is None:
            return self._tags[0]
        return self._target.complete(self._id, [self._tags[number] for number in sorted(self._tags)])

    def abort(self) -> None:
        if self._id is not None:
            with suppress(StoreError):
                self._target.abort(self._id)
