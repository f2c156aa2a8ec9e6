"""Any store of obstore as rules decide: downloads, uploads and open files, by the governor's part loop."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gpurules.clients.client import GOVERNED, Capability
from gpurules.clients.mover import PartClient, described
from gpurules.clients.obstore.objects import StoreObject, require_obstore
from gpurules.clients.partial import pieces
from gpurules.clients.parts import PartOptions, moving, width
from gpurules.clients.staging import StagingArea
from gpurules.clients.store import ObjectFacts, TransientStoreError
from gpurules.clients.upload import Sending, piece_size
from gpurules.errors import UnavailableError
from gpurules.governor import Governor, Ticket
from gpurules.model import Transfer

if TYPE_CHECKING:
    from gpurules.clients.obstore.objects import ObjectStore


class ObstoreKind:
    """The kind of client, as it stands in the registry."""

    name = "obstore"
    capabilities = GOVERNED | {Capability.STAGE, Capability.PREFETCH}

    def unavailable(self) -> str | None:
        """Return why it can not be used here."""
        try:
            require_obstore()
        except UnavailableError as error:
            return str(error)
        return None


class Obstore(PartClient):
    """Moves objects of *store*, one of ``obstore.store``, as the governor lets their parts through.

    Downloads and open files are as those of ``S3``. An upload is whole or not there, and paced part by part; it is not
    resumed, for obstore tells nothing of uploads that are under way.

    Raises:
        UnavailableError: obstore is not installed.
    """

    name = ObstoreKind.name
    capabilities = ObstoreKind.capabilities

    def __init__(
        self,
        governor: Governor,
        store: "ObjectStore",
        *,
        options: PartOptions | None = None,
        staging: StagingArea | None = None,
    ) -> None:
        require_obstore()
        super().__init__(governor, options, staging)
        self._store = store

    def download(self, key: str, path: str | Path, *, transfer: Transfer | None = None) -> ObjectFacts:
        """Bring an object to the file *path*, which is replaced in one step, and return what it was.

        Called again after an interruption it goes on where it was. *transfer* tells rules more than the key does.

        Raises:
            ObjectChanged: the object changed on the way.
            StoreError: it could not be read, or the staging area is full and the rule says ``on_full: fail``.
            GovernorError: the transfer was stopped.
            OSError: it could not be written.
        """
        source = StoreObject(self._store, key)
        return self._mover.download(source, Path(path), described(transfer, source.url, "read"))

    def upload(self, path: str | Path, key: str, *, transfer: Transfer | None = None) -> str:
        """Bring the file *path* to an object, which is there whole or not at all, and return its tag.

        Raises:
            ObjectChanged: the file changed on the way.
            StoreError: the store did not take it.
            GovernorError: the transfer was stopped.
            OSError: the file can not be read.
        """
        source, target = Path(path), StoreObject(self._store, key)
        told = described(transfer, target.url, "write")
        return self._mover.upload(source, told, lambda ticket: self._send(ticket, source, target))

    def _send(self, ticket: Ticket, source: Path, target: StoreObject) -> str:
        options = self._mover.options
        for attempt in range(options.attempts):
            try:
                with source.open("rb") as stream:
                    return self._send_once(ticket, stream.fileno(), target)
            except TransientStoreError:
                if attempt + 1 >= options.attempts:
                    raise
                ticket.count_fault("part_retried")
            self._mover.loop.pause(attempt)
        raise AssertionError("PartOptions.attempts is at least 1")

    def _send_once(self, ticket: Ticket, file: int, target: StoreObject) -> str:
        size, options = os.fstat(file).st_size, self._mover.options
        each = piece_size(size, options)
        sending = Sending(file, target.url)
        if size <= each:
            with ticket.part(size), moving():
                return target.put(sending.read(0, size))
        at_once = 1 if ticket.asked.concurrency else width(ticket, options)
        return target.put_all(_paced(ticket, sending, size, each), each, at_once)

    def open(self, key: str, *, transfer: Transfer | None = None) -> io.BufferedReader:
        """Open an object to be read, as one version of it; what is read ahead follows the rules as they change.

        Raises:
            StoreError: it can not be read.
            GovernorError: the transfer was stopped.
        """
        source = StoreObject(self._store, key)
        return self._mover.open(source, described(transfer, source.url, "read"))


def _paced(ticket: Ticket, sending: Sending, size: int, each: int) -> Iterator[bytes]:
    """Yield the pieces of a file, each when the governor lets it through; its slot is free when the next is asked for.

    After the last the file is looked at: one that has changed never becomes an object.
    """
    for piece in pieces(size, each):
        with ticket.part(piece.size):
            yield sending.read(piece.start, piece.size)
    sending.check()
