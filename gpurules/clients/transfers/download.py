"""A download with the part loop: resumable, of one version of the object, verified, and published atomically."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gpurules.clients.objects.store import (
    CheckedObject,
    ChecksumMismatch,
    Chunks,
    ObjectChanged,
    ObjectFacts,
    RangeIgnored,
    StoredObject,
    TransientStoreError,
)
from gpurules.clients.pieces.part_loop import PartLoop, PartOptions, count_retry, moving
from gpurules.clients.pieces.resumable_file import Piece, ResumableFile
from gpurules.clients.transfers.verification import Verification
from gpurules.governor import Part, Ticket


def download(ticket: Ticket, source: StoredObject, target: Path, loop: PartLoop, options: PartOptions) -> ObjectFacts:
    """Download *source* to *target*, and return the object's facts.

    An interrupted download is resumed if the object is unchanged. *target* is replaced atomically, once the download is
    complete and verified.

    Raises:
        ObjectChanged: the object changed during the transfer.
        ChecksumMismatch: the checksum of the received bytes differs from that of the store.
        StoreError: it could not be read.
        GovernorError: the transfer was stopped.
        OSError: it could not be written.
    """
    partial = ResumableFile.lock(target)
    try:
        return _Download(ticket, source, partial, loop, options).run()
    except ChecksumMismatch:
        ticket.count_fault("checksum_mismatch")
        partial.discard()
        raise
    finally:
        partial.close()


class _Download:
    """A download of one object to a part file."""

    def __init__(
        self, ticket: Ticket, source: StoredObject, partial: ResumableFile, loop: PartLoop, options: PartOptions
    ) -> None:
        self._ticket = ticket
        self._source = source
        self._partial = partial
        self._loop = loop
        self._options = options
        self._verification: Verification | None = None
        self._serves_ranges = True

    def run(self) -> ObjectFacts:
        """Download what is missing, verify the file, and publish it."""
        partial, each = self._partial, self._options.piece_size
        is_begun = partial.is_begun_with(self._source.url, each)
        facts = self._resumed() if is_begun else self._first()
        if self._ticket.transfer.size != facts.size:
            self._ticket.know(size=facts.size)
        for piece in partial.present(facts, each):
            self._loop.progress.at(*piece)
        try:
            if not self._serves_ranges:
                self._stream(facts)
            else:
                wanted = partial.missing(facts, each)
                self._loop.run(self._ticket, wanted, lambda part, piece: self._move(part, piece, facts))
        except RangeIgnored:
            self._stream(facts)
        self._verify()
        partial.publish(self._options.durable)
        return facts

    def _verify(self) -> None:
        found = self._verification
        is_verified = found is not None and found.verify(self._partial, self._ticket.check)
        if not is_verified and self._options.verify != "off" and isinstance(self._source, CheckedObject):
            self._ticket.count_fault("checksum_unverified")

    def _start(self, facts: ObjectFacts) -> bool:
        """Choose the verification, and prepare the file; return whether it has pieces of an earlier attempt."""
        self._verification = Verification(self._source, facts, self._options)
        self._partial.algorithm = self._verification.algorithm
        return self._partial.begin(self._source.url, facts, self._options.piece_size, self._ticket.check)

    def _resumed(self) -> ObjectFacts:
        facts = self._source.facts()
        if self._start(facts):
            self._ticket.count_fault("transfer_resumed")
        for _ in range(self._partial.damaged):
            self._ticket.count_fault("piece_damaged")
        return facts

    def _first(self) -> ObjectFacts:
        """Read the first piece, whose response also describes the object, which saves a request.

        If it fails, it stays missing.
        """
        size, each = self._ticket.transfer.size, self._options.piece_size
        for attempt in range(self._options.attempts):
            facts: ObjectFacts | None = None
            try:
                with self._ticket.part(each if size is None else min(each, size)) as part, moving():
                    reading = self._source.read(0, each, None)
                    with closing(reading.chunks) as chunks:
                        self._start(reading.facts)
                        facts = reading.facts
                        self._fill(part, Piece(0, min(each, facts.size)), chunks)
                return facts
            except RangeIgnored as ignored:
                self._serves_ranges = False
                self._start(ignored.facts)
                return ignored.facts
            except TransientStoreError as error:
                if facts is None and attempt + 1 == self._options.attempts:
                    raise
                count_retry(self._ticket, error)
            if facts is not None:
                return facts
            self._loop.pause(attempt)
        raise TransientStoreError(f"{self._source.url} was not attempted: attempts is {self._options.attempts}")

    def _move(self, part: Part, piece: Piece, facts: ObjectFacts) -> None:
        reading = self._source.read(piece.start, piece.size, facts.etag)
        with closing(reading.chunks) as chunks:
            self._refuse_others(reading.facts, facts)
            self._fill(part, piece, chunks)

    def _refuse_others(self, found: ObjectFacts, expected: ObjectFacts) -> None:
        if found != expected:
            raise ObjectChanged(f"{self._source.url} changed after the transfer began: {found} is not {expected}")

    def _fill(self, part: Part, piece: Piece, chunks: Chunks | Iterator[bytes]) -> None:
        for written in self._partial.fill(piece, chunks):
            part.report_moved(written)
            self._loop.progress.at(piece.start, written)

    def _stream(self, facts: ObjectFacts) -> None:
        """Read the whole object in one request, from a store without range reads; each piece waits for its slot."""
        for attempt in range(self._options.attempts):
            try:
                with moving():
                    reading = self._source.read(0, facts.size, facts.etag)
                with closing(reading.chunks) as chunks:
                    self._refuse_others(reading.facts, facts)
                    cut = _Cut(iter(chunks))
                    for start in range(0, facts.size, self._options.piece_size):
                        piece = Piece(start, min(self._options.piece_size, facts.size - start))
                        with self._ticket.part(piece.size) as part, moving():
                            self._fill(part, piece, cut.take(piece.size))
                return
            except TransientStoreError as error:
                if attempt + 1 == self._options.attempts:
                    raise
                count_retry(self._ticket, error)
            self._loop.pause(attempt)


class _Cut:
    """A stream of bytes, split into pieces."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def take(self, size: int) -> Iterator[bytes]:
        """Yield the next *size* bytes; fewer at the end of the stream."""
        while size:
            chunk = self._left or next(self._chunks, b"")
            if not chunk:
                return
            now, self._left = chunk[:size], chunk[size:]
            size -= len(now)
            yield now
