"""A download by the part loop: resumed, of one version of the object, and published in one step."""

from contextlib import closing
from pathlib import Path

from gpurules.clients.partial import PartialFile, Piece, pieces
from gpurules.clients.parts import PartLoop, PartOptions, count_retry, moving
from gpurules.clients.store import ObjectFacts, StoredObject, TransientStoreError
from gpurules.governor import Part, Ticket


def download(ticket: Ticket, source: StoredObject, target: Path, loop: PartLoop, options: PartOptions) -> ObjectFacts:
    """Bring *source* to *target*, and return what it was.

    What is there of an interrupted download is gone on with, if the object is still the same. *target* is replaced in
    one step, when all is there.

    Raises:
        ObjectChanged: the object changed on the way.
        StoreError: it could not be read.
        GovernorError: the transfer was stopped.
        OSError: it could not be written.
    """
    partial = PartialFile.lock(target)
    try:
        if partial.is_begun_with(source.url, options.piece_size):
            facts = source.facts()
            if partial.begin(source.url, facts, options.piece_size, ticket.check):
                ticket.count_fault("transfer_resumed")
            for _ in range(partial.damaged):
                ticket.count_fault("piece_damaged")
        else:
            facts = _begin(ticket, source, partial, loop, options)
        if ticket.transfer.size != facts.size:
            ticket.know(size=facts.size)

        def move(part: Part, piece: Piece) -> None:
            with closing(source.read(piece.start, piece.size, facts.etag).chunks) as chunks:
                for written in partial.fill(piece, chunks):
                    part.moved(written)
                    loop.progress.at(piece.start, written)

        missing = partial.missing(facts, options.piece_size)
        for piece in set(pieces(facts.size, options.piece_size)).difference(missing):
            loop.progress.at(*piece)
        loop.run(ticket, missing, move)
        partial.publish()
        return facts
    finally:
        partial.close()


def _begin(
    ticket: Ticket, source: StoredObject, partial: PartialFile, loop: PartLoop, options: PartOptions
) -> ObjectFacts:
    """Read the first piece, which tells what the object is without another question; if it fails, it stays missing."""
    expected = options.piece_size if ticket.transfer.size is None else min(options.piece_size, ticket.transfer.size)
    for attempt in range(options.attempts):
        facts: ObjectFacts | None = None
        try:
            with ticket.part(expected) as part, moving():
                reading = source.read(0, options.piece_size, None)
                with closing(reading.chunks) as chunks:
                    facts = reading.facts
                    partial.begin(source.url, facts, options.piece_size)
                    for written in partial.fill(Piece(0, min(options.piece_size, facts.size)), chunks):
                        part.moved(written)
                        loop.progress.at(0, written)
            return facts
        except TransientStoreError as error:
            if facts is None and attempt + 1 == options.attempts:
                raise
            count_retry(ticket, error)
        if facts is not None:
            return facts
        loop.pause(attempt)
    raise TransientStoreError(f"{source.url} was not tried: attempts is {options.attempts}")
