"""Transfers of objects from and to the caller's open files, sequentially."""

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, Protocol

from gpurules.clients.objects.store import ObjectChanged, ObjectFacts, PartTag, StoreError, WritableObject
from gpurules.clients.pieces.part_loop import PartLoop, PartOptions
from gpurules.clients.pieces.progress import Progress
from gpurules.clients.pieces.resumable_file import Piece
from gpurules.clients.transfers.upload import MAX_PIECES, complete_upload, piece_size
from gpurules.governor import Part, Ticket

CHUNK = 1024**2


class Readable(Protocol):
    """A sequential source."""

    def read(self, size: int, /) -> bytes:
        """Return up to *size* bytes; none at the end."""
        ...


def pour(source: Readable, sink: IO[bytes], facts: ObjectFacts, progress: Progress) -> None:
    """Write all of *source* to *sink*, from its current position.

    Raises:
        TypeError: *sink* accepts only text.
        StoreError: the source ended early.
        OSError: *sink* cannot be written.
    """
    moved = 0
    while chunk := source.read(CHUNK):
        _write(sink, chunk)
        moved += len(chunk)
        progress.at(0, moved)
    if moved != facts.size:
        raise StoreError(f"{moved} bytes arrived of an object of {facts.size}")


def _write(sink: IO[bytes], chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        written: int | None = sink.write(left)
        if written is None and isinstance(sink, io.RawIOBase):
            raise BlockingIOError(11, "the file object accepts no data now: it must be a blocking one")
        left = left[len(left) if written is None else written :]


class StreamSource:
    """The caller's open file, to be read from its current position to the end.

    Missing: ``size`` None: unknown in advance.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.start: int | None = None
        self.size: int | None = None
        self.read_so_far = 0
        with suppress(OSError, AttributeError, ValueError):
            if stream.seekable():
                self.start = stream.tell()
                self.size = max(0, stream.seek(0, io.SEEK_END) - self.start) or None  # devices report a size of 0
                stream.seek(self.start)

    def rewind(self) -> bool:
        """Seek back to the start, and return whether that was possible."""
        if self.start is None:
            return False
        self._stream.seek(self.start)
        self.read_so_far = 0
        return True

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes; fewer only at the end.

        Raises:
            TypeError: the file returns text.
            BlockingIOError: it is non-blocking and has no data yet.
        """
        found: list[bytes] = []
        left = size
        while left:
            data: Any = self._stream.read(left)
            if data is None:
                raise BlockingIOError(11, "the file object has no data now: it must be a blocking one")
            if not isinstance(data, bytes | bytearray | memoryview):
                raise TypeError("the file object returns text; open it in binary mode")
            if not data:
                break
            found.append(bytes(data))
            left -= len(data)
        self.read_so_far += size - left
        return b"".join(found)

    def check(self, url: str) -> None:
        """Check that the file had its reported length.

        Raises:
            ObjectChanged: it had not.
        """
        if self.size is not None and self.read_so_far != self.size:
            raise ObjectChanged(f"{url}: {self.read_so_far} bytes were read from a file object of {self.size}")


class StreamUploader:
    """Uploads one open file to an object; data is kept until the store has it. Nothing is resumed.

    *expected_size* is the size that the caller gave, if the file does not have one.
    """

    def __init__(self, loop: PartLoop, options: PartOptions, source: StreamSource, target: WritableObject) -> None:
        self._loop = loop
        self._options = options
        self._source = source
        self._target = target
        self._held: dict[Piece, bytes] = {}
        self._tags: dict[Piece, PartTag] = {}

    def upload(self, ticket: Ticket) -> str:
        """Upload the file, and return the object's tag.

        Raises:
            ObjectChanged: the file did not have its reported length.
            StoreError: the store rejected it, or it is too large for parts of that size.
            GovernorError: the transfer was stopped.
            OSError: the file cannot be read.
        """
        size = ticket.transfer.size if self._source.size is None else self._source.size
        each = piece_size(int(size or 0), self._options)
        first = self._source.read(each)
        second = self._source.read(each) if len(first) == each else b""
        if not second:
            if ticket.transfer.size is None:
                ticket.know(size=len(first))
            return self._whole(ticket, first)
        upload = self._target.begin()
        try:
            return self._in_parts(ticket, upload, self._pieces((first, second), each))
        except BaseException:
            with suppress(StoreError):
                self._target.abort(upload)
            raise

    def _whole(self, ticket: Ticket, data: bytes) -> str:
        tags: list[str] = []
        self._source.check(self._target.url)

        def send(part: Part, piece: Piece) -> None:
            part.ticket.check()
            tags.append(self._target.put(data))
            self._loop.progress.at(*piece)

        self._loop.run(ticket, (Piece(0, len(data)),), send)
        return tags[-1]

    def _in_parts(self, ticket: Ticket, upload: str, wanted: Iterator[Piece]) -> str:
        numbers: dict[Piece, int] = {}

        def numbered() -> Iterator[Piece]:
            for number, piece in enumerate(wanted, 1):
                if number > MAX_PIECES:
                    raise StoreError(
                        f"{self._target.url}: {MAX_PIECES} parts of {piece.size} bytes are not enough; give the size, "
                        "as in transfer=Transfer(size=...), or a larger PartOptions.piece_size"
                    )
                numbers[piece] = number
                yield piece

        def send(part: Part, piece: Piece) -> None:
            part.ticket.check()
            self._tags[piece] = self._target.put_part(upload, numbers[piece], self._held[piece])
            del self._held[piece]
            self._loop.progress.at(*piece)

        self._loop.run(ticket, numbered(), send)
        self._source.check(self._target.url)
        ticket.check()
        tags = [self._tags[piece] for piece in numbers]
        return complete_upload(self._loop, self._options, lambda: self._target.complete(upload, tags))

    def _pieces(self, begun: tuple[bytes, ...], each: int) -> Iterator[Piece]:
        start, waiting = 0, list(begun)
        while data := waiting.pop(0) if waiting else self._source.read(each):
            piece = Piece(start, len(data))
            self._held[piece] = data
            start += len(data)
            yield piece
