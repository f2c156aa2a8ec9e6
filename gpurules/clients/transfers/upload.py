"""An upload with the part loop: atomic and resumable."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from gpurules.clients.objects.store import (
    ObjectChanged,
    ObjectFacts,
    PartTag,
    StoreError,
    TransientStoreError,
    WritableObject,
)
from gpurules.clients.pieces.part_loop import PartLoop, PartOptions
from gpurules.clients.pieces.progress import SILENT, Progress
from gpurules.clients.pieces.resumable_file import Piece, pieces
from gpurules.clients.transfers.upload_journal import UploadJournal, UploadNote, UploadSource
from gpurules.governor import Part, Ticket, TransferCancelled

MIN_PIECE = 5 * 1024**2
MAX_PIECES = 10_000
"""What S3 bounds: the size of a part that is not the last, and their number."""


def piece_size(size: int, options: PartOptions) -> int:
    """Return the part size of an upload of *size* bytes, within S3's limits."""
    return max(options.piece_size, MIN_PIECE, -(-size // MAX_PIECES))


class Uploader:
    """Uploads files to objects. Pending uploads are recorded in *journal*, so that a retry sends the rest."""

    def __init__(self, loop: PartLoop, options: PartOptions, journal: UploadJournal) -> None:
        self._loop = loop
        self._options = options
        self._journal = journal

    def upload(self, ticket: Ticket, source: Path, target: WritableObject, progress: Progress = SILENT) -> str:
        """Upload the file *source* to *target*, and return the object's tag; *progress* counts what the store has.

        Raises:
            ObjectChanged: the file changed during the transfer.
            StoreError: the store rejected it.
            GovernorError: the transfer was stopped.
            OSError: the file cannot be read.
        """
        with source.open("rb") as stream:
            sending = Sending(stream.fileno(), target.url)
            each = piece_size(sending.before.st_size, self._options)
            if sending.before.st_size <= each:
                return self._whole(ticket, sending, target, progress)
            with self._journal.note(UploadSource.of(target, source, sending.before, each)) as note:
                return self._in_parts(ticket, _Parts(sending, target, note, progress))

    def _whole(self, ticket: Ticket, sending: "Sending", target: WritableObject, progress: Progress) -> str:
        tags: list[str] = []

        def send(part: Part, piece: Piece) -> None:
            part.ticket.check()
            data = sending.read(piece.start, piece.size)
            sending.check()  # checked before sending: the last request creates the object
            tags.append(target.put(data))
            progress.at(*piece)

        self._loop.run(ticket, (Piece(0, sending.before.st_size),), send)
        return tags[-1]

    def _in_parts(self, ticket: Ticket, parts: "_Parts") -> str:
        sending, note = parts.sending, parts.note
        try:
            if parts.go_on():
                ticket.count_fault("transfer_resumed")
            self._loop.run(ticket, parts.missing, parts.send)
            sending.check()
            ticket.check()
            tag = complete_upload(self._loop, self._options, parts.complete)
        except TransientStoreError:
            raise  # a retry continues with what the store has
        except Exception as error:
            if isinstance(error, StoreError | TransferCancelled) or error is parts.progress.error:
                parts.abort()
            raise
        note.forget()
        return tag


def complete_upload(loop: PartLoop, options: PartOptions, complete: Callable[[], str]) -> str:
    """Complete the upload with *complete*, retrying broken connections, and return the object's tag.

    Raises:
        StoreError: it failed.
    """
    for attempt in range(options.attempts - 1):
        try:
            return complete()
        except TransientStoreError:
            loop.pause(attempt)
    return complete()


class Sending:
    """A file being uploaded to the object at *url*; *before* is its status at the start."""

    def __init__(self, file: int, url: str) -> None:
        self.before = os.fstat(file)
        self._file = file
        self._url = url

    def read(self, start: int, size: int) -> bytes:
        """Return *size* bytes of the file from *start*.

        Raises:
            ObjectChanged: it has become shorter.
        """
        data = os.pread(self._file, size, start)
        if len(data) != size:
            raise ObjectChanged(f"{self._url}: the file became shorter after the transfer began")
        return data

    def check(self) -> None:
        """Check that the file is unchanged.

        Raises:
            ObjectChanged: it is not.
        """
        now = os.fstat(self._file)
        if (now.st_mtime_ns, now.st_size) != (self.before.st_mtime_ns, self.before.st_size):
            raise ObjectChanged(f"{self._url}: the file changed after the transfer began")


class _Parts:
    """The parts of a file that are sent, as recorded."""

    def __init__(self, sending: Sending, target: WritableObject, note: UploadNote, progress: Progress) -> None:
        self.url = target.url
        self.sending = sending
        self.progress = progress
        self._target = target
        self.note = note
        self._each = note.source.piece_size
        self._tags: dict[Piece, PartTag] = {}

    def go_on(self) -> bool:
        """Continue the recorded upload if the store still knows it, or begin one; return whether it continued."""
        note = self.note
        if note.stale is not None:
            with suppress(StoreError):
                self._target.abort(note.stale)
        there = self._there()
        if there is None:
            note.begin(self._target.begin())
        for piece in self._pieces:
            number = self._number(piece)
            stored, noted = (there or {}).get(number), note.parts.get(number)
            if noted is not None and stored == ObjectFacts(piece.size, noted.etag):
                self._tags[piece] = noted
                self.progress.at(*piece)
        return bool(self._tags)

    def _there(self) -> Mapping[int, ObjectFacts] | None:
        """Return the store's parts of the recorded upload; None if there is none to continue.

        Raises:
            TransientStoreError: the store cannot be reached.
        """
        try:
            return None if self.note.upload is None else self._target.parts(self.note.upload)
        except TransientStoreError:
            raise
        except StoreError:  # the store rejects the recorded upload, or listing its parts: a new one may be accepted
            return None

    @property
    def _pieces(self) -> tuple[Piece, ...]:
        return pieces(self.note.source.size, self._each)

    def _number(self, piece: Piece) -> int:
        return piece.start // self._each + 1

    @property
    def missing(self) -> tuple[Piece, ...]:
        """The pieces that the store lacks."""
        return tuple(piece for piece in self._pieces if piece not in self._tags)

    def send(self, part: Part, piece: Piece) -> None:
        """Send a piece, and record it."""
        part.ticket.check()
        data = self.sending.read(piece.start, piece.size)
        tag = self._target.put_part(self.note.upload or "", self._number(piece), data)
        self.note.took(self._number(piece), tag)
        self._tags[piece] = tag
        self.progress.at(*piece)

    def complete(self) -> str:
        """Complete the upload, and return the object's tag."""
        return self._target.complete(self.note.upload or "", [self._tags[piece] for piece in self._pieces])

    def abort(self) -> None:
        """Abort the upload, and delete its record."""
        if self.note.upload is not None:
            with suppress(StoreError):
                self._target.abort(self.note.upload)
        self.note.forget()
