"""An upload by the part loop: the object is there whole, or not at all; what was sent of it is gone on with."""

import os
from contextlib import suppress
from pathlib import Path

from gpurules.clients.journal import UploadJournal, UploadNote, UploadSource
from gpurules.clients.partial import Piece, pieces
from gpurules.clients.parts import PartLoop, PartOptions
from gpurules.clients.store import ObjectChanged, PartTag, StoreError, TransientStoreError, WritableObject
from gpurules.governor import Part, Ticket, TransferCancelled

MIN_PIECE = 5 * 1024**2
MAX_PIECES = 10_000
"""What S3 bounds: the size of a part that is not the last, and their number."""


def piece_size(size: int, options: PartOptions) -> int:
    """Return how large the parts of an upload of *size* bytes are, within what S3 allows."""
    return max(options.piece_size, MIN_PIECE, -(-size // MAX_PIECES))


class Uploader:
    """Brings files to objects. Which uploads are under way is in *journal*, so that the next try sends the rest."""

    def __init__(self, loop: PartLoop, options: PartOptions, journal: UploadJournal) -> None:
        self._loop = loop
        self._options = options
        self._journal = journal

    def upload(self, ticket: Ticket, source: Path, target: WritableObject) -> str:
        """Bring the file *source* to *target*, and return the object's tag.

        Raises:
            ObjectChanged: the file changed on the way.
            StoreError: the store did not take it.
            GovernorError: the transfer was stopped.
            OSError: the file can not be read.
        """
        with source.open("rb") as stream:
            sending = _Sending(stream.fileno(), target)
            each = piece_size(sending.before.st_size, self._options)
            if sending.before.st_size <= each:
                self._loop.run(ticket, (Piece(0, sending.before.st_size),), sending.whole)
                sending.check()
                return sending.tag
            with self._journal.note(UploadSource.of(target.url, source, sending.before, each)) as note:
                return self._in_parts(ticket, sending, note, each)

    def _in_parts(self, ticket: Ticket, sending: "_Sending", note: UploadNote, each: int) -> str:
        try:
            sending.go_on(note, each)
            wanted = pieces(sending.before.st_size, each)
            self._loop.run(ticket, (piece for piece in wanted if piece not in sending.tags), sending.part)
            sending.check()
            ticket.check()
            tag = self._completed(sending, [sending.tags[piece] for piece in wanted])
        except TransientStoreError:
            raise  # the next try goes on with what the store has
        except (StoreError, TransferCancelled):
            sending.abort()
            note.forget()
            raise
        note.forget()
        return tag

    def _completed(self, sending: "_Sending", tags: list[PartTag]) -> str:
        """Make the parts the object, and return its tag; a broken connection is tried again."""
        for attempt in range(self._options.attempts):
            try:
                return sending.target.complete(sending.upload, tags)
            except TransientStoreError:
                if attempt + 1 >= self._options.attempts:
                    raise
            self._loop.pause(attempt)
        raise TransientStoreError(f"{sending.target.url} was not tried: attempts is {self._options.attempts}")


class _Sending:
    """A file on its way to an object: as it was *before*, and the tags of the parts that the store has."""

    def __init__(self, file: int, target: WritableObject) -> None:
        self.target = target
        self.before = os.fstat(file)
        self.tag = ""
        self.upload = ""
        self.tags: dict[Piece, PartTag] = {}
        self._file = file
        self._each = 0

    def go_on(self, note: UploadNote, each: int) -> None:
        """Go on with the upload that is noted, if the store still knows it, or begin one."""
        self._each = each
        if note.stale is not None:
            with suppress(StoreError):
                self.target.abort(note.stale)
        there = None if note.upload is None else self.target.parts(note.upload)
        if note.upload is None or there is None:
            note.begin(self.target.begin())
        self.upload = note.upload or ""
        for piece in pieces(self.before.st_size, each):
            part = (there or {}).get(piece.start // each + 1)
            if part is not None and part.size == piece.size:
                self.tags[piece] = part.tag

    def whole(self, part: Part, piece: Piece) -> None:
        """Send the file as one."""
        self.tag = self.target.put(self._read(part, piece))

    def part(self, part: Part, piece: Piece) -> None:
        """Send a part of it."""
        self.tags[piece] = self.target.put_part(self.upload, piece.start // self._each + 1, self._read(part, piece))

    def _read(self, part: Part, piece: Piece) -> bytes:
        part.ticket.check()
        data = os.pread(self._file, piece.size, piece.start)
        if len(data) != piece.size:
            raise ObjectChanged(f"{self.target.url}: the file has become shorter since the transfer began")
        return data

    def check(self) -> None:
        """Raise if the file is another one than before.

        Raises:
            ObjectChanged: it is.
        """
        now = os.fstat(self._file)
        if (now.st_mtime_ns, now.st_size) != (self.before.st_mtime_ns, self.before.st_size):
            raise ObjectChanged(f"{self.target.url}: the file has changed since the transfer began")

    def abort(self) -> None:
        """Have the store forget what was sent."""
        if self.upload:
            with suppress(StoreError):
                self.target.abort(self.upload)
