"""Uploads to stores of obstore: atomic, and paced part by part."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from gpurules.clients.objects.store import TransientStoreError
from gpurules.clients.obstore.objects import StoreObject
from gpurules.clients.pieces.part_loop import PartLoop, PartOptions, count_retry, moving, width
from gpurules.clients.pieces.resumable_file import pieces
from gpurules.clients.transfers.streams import StreamSource
from gpurules.clients.transfers.upload import Sending, piece_size
from gpurules.governor import Ticket


class Sender:
    """Uploads files to one object; *loop* reports the progress."""

    def __init__(self, loop: PartLoop, options: PartOptions, target: StoreObject) -> None:
        self._loop = loop
        self._options = options
        self._target = target

    def send_file(self, ticket: Ticket, source: Path) -> str:
        """Upload the file *source*, as it is now, and return the object's tag.

        Raises:
            ObjectChanged: the file changed during the transfer.
            StoreError: the store rejected it.
            GovernorError: the transfer was stopped.
            OSError: the file cannot be read.
        """

        def send() -> str:
            with source.open("rb") as stream:
                return self._file(ticket, Sending(stream.fileno(), self._target.url), os.fstat(stream.fileno()).st_size)

        return self._tried(ticket, send, lambda: True)

    def send_stream(self, ticket: Ticket, source: StreamSource) -> str:
        """Upload the rest of *source*, and return the object's tag; retried if *source* is seekable.

        Raises:
            ObjectChanged: the file did not have its reported length.
            StoreError: the store rejected it.
            GovernorError: the transfer was stopped.
            OSError: the file cannot be read.
        """
        return self._tried(ticket, lambda: self._stream(ticket, source), source.rewind)

    def _tried(self, ticket: Ticket, send: Callable[[], str], can_go_back: Callable[[], bool]) -> str:
        for attempt in range(self._options.attempts):
            try:
                return send()
            except TransientStoreError as error:
                if attempt + 1 >= self._options.attempts or not can_go_back():
                    raise
                count_retry(ticket, error)
            self._loop.pause(attempt)
        raise AssertionError("PartOptions.attempts must be at least 1")

    def _file(self, ticket: Ticket, sending: Sending, size: int) -> str:
        each = piece_size(size, self._options)

        def paced() -> Iterator[bytes]:
            for piece in pieces(size, each):
                with ticket.part(piece.size):
                    yield sending.read(piece.start, piece.size)
                self._loop.progress.at(*piece)
            sending.check()  # a changed file never becomes an object

        if size <= each:
            data = sending.read(0, size)
            sending.check()
            return self._whole(ticket, data)
        return self._target.put_all(paced(), each, self._at_once(ticket))

    def _stream(self, ticket: Ticket, source: StreamSource) -> str:
        size = ticket.transfer.size if source.size is None else source.size
        each = piece_size(int(size or 0), self._options)
        first = source.read(each)
        second = source.read(each) if len(first) == each else b""
        if not second:
            source.check(self._target.url)
            if ticket.transfer.size is None:
                ticket.know(size=len(first))
            return self._whole(ticket, first)

        def paced() -> Iterator[bytes]:
            start, waiting = 0, [first, second]
            while data := waiting.pop(0) if waiting else source.read(each):
                with ticket.part(len(data)):
                    yield data
                self._loop.progress.at(start, len(data))
                start += len(data)
            source.check(self._target.url)

        return self._target.put_all(paced(), each, self._at_once(ticket))

    def _whole(self, ticket: Ticket, data: bytes) -> str:
        with ticket.part(len(data)), moving():
            ticket.check()
            tag = self._target.put(data)
        self._loop.progress.at(0, len(data))
        return tag

    def _at_once(self, ticket: Ticket) -> int:
        return 1 if ticket.requirements.concurrency else width(ticket, self._options)
