"""Governed access to any store of obstore: downloads, uploads and open files, with the part loop."""

import io
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, Unpack

from gpurules.clients.client import GOVERNED, Capability
from gpurules.clients.objects.store import ObjectFacts
from gpurules.clients.obstore.arguments import ObjectArguments
from gpurules.clients.obstore.objects import StoreObject, require_obstore
from gpurules.clients.obstore.sender import Sender
from gpurules.clients.pieces.part_loop import PartOptions
from gpurules.clients.pieces.progress import Progress
from gpurules.clients.pieces.target_paths import AnyPath, checked_path, is_read_in_order
from gpurules.clients.staging import StagingArea
from gpurules.clients.transfers.arguments import MoveArguments, check_arguments
from gpurules.clients.transfers.object_transfers import PartClient, describe_transfer
from gpurules.clients.transfers.streams import StreamSource
from gpurules.errors import UnavailableError
from gpurules.governor import Governor
from gpurules.model import Transfer

if TYPE_CHECKING:
    from gpurules.clients.obstore.objects import ObjectStore


class ObstoreKind:
    """The kind of client, as registered."""

    name = "obstore"
    capabilities = GOVERNED | {Capability.STAGE, Capability.PREFETCH}

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        try:
            require_obstore()
        except UnavailableError as error:
            return str(error)
        return None


class Obstore(PartClient):
    """Moves objects of *store*, one of ``obstore.store``, as the governor admits their parts.

    Downloads and open files work as in ``S3``. An upload is atomic and paced part by part, but not resumed, because
    obstore does not expose pending uploads.

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

    def download(
        self, key: str, path: AnyPath, *, transfer: Transfer | None = None, **more: Unpack[MoveArguments]
    ) -> ObjectFacts:
        """Download an object to the file *path*, which is replaced atomically, and return the object's facts.

        A call after an interruption resumes. *transfer* gives rules more facts than the key does; *more* are those of
        ``MoveArguments``; of the ``extra_args``, obstore supports ``VersionId``. A FIFO or a device is not replaced,
        but written to sequentially.

        Raises:
            ValueError: obstore does not support one of the ``extra_args``.
            ObjectNotFound: the object does not exist.
            ObjectChanged: the object changed during the transfer.
            StoreError: it could not be read, or the staging area is full and the rule says ``on_full: fail``.
            GovernorError: the transfer was stopped.
            OSError: it could not be written.
        """
        source = self._source(key, check_arguments(more).get("extra_args"))
        return self._bring(source, path, describe_transfer(transfer, source.url, "read"), more)

    def download_fileobj(
        self, key: str, fileobj: IO[bytes], *, transfer: Transfer | None = None, **more: Unpack[MoveArguments]
    ) -> ObjectFacts:
        """Download an object to the open file *fileobj*, from its current position; return the object's facts.

        After an error it has the first part of the object. Nothing is resumed.

        Raises:
            ValueError: obstore does not support one of the ``extra_args``.
            TypeError: *fileobj* does not accept bytes.
            ObjectNotFound: the object does not exist.
            ObjectChanged: the object changed during the transfer.
            StoreError: it could not be read, or the staging area is full and the rule says ``on_full: fail``.
            GovernorError: the transfer was stopped.
            OSError: it could not be written.
        """
        source = self._source(key, check_arguments(more).get("extra_args"))
        return self._pour(source, fileobj, describe_transfer(transfer, source.url, "read"), more)

    def _source(self, key: str, given: Mapping[str, Any] | None) -> StoreObject:
        return StoreObject(self._store, key, ObjectArguments.of_download(given))

    def upload(
        self, path: AnyPath, key: str, *, transfer: Transfer | None = None, **more: Unpack[MoveArguments]
    ) -> str:
        """Upload the file *path* to an object, atomically, and return the object's tag.

        Of the ``extra_args``, obstore supports the content attributes, ``StorageClass`` and ``Metadata``.

        Raises:
            ValueError: obstore does not support one of the ``extra_args``.
            ObjectChanged: the file changed during the transfer.
            StoreError: the store rejected it.
            GovernorError: the transfer was stopped.
            OSError: the file cannot be read.
        """
        target = StoreObject(self._store, key, ObjectArguments.of_upload(check_arguments(more).get("extra_args")))
        source, described = checked_path(path), describe_transfer(transfer, target.url, "write")
        sender = Sender(self._transfers.loop.telling(Progress(more.get("callback"))), self._transfers.options, target)
        if is_read_in_order(source):
            with source.open("rb") as stream:
                found = StreamSource(stream)
                return self._transfers.upload_stream(found, described, lambda ticket: sender.send_stream(ticket, found))
        return self._transfers.upload(source, described, lambda ticket: sender.send_file(ticket, source))

    def upload_fileobj(
        self, fileobj: IO[bytes], key: str, *, transfer: Transfer | None = None, **more: Unpack[MoveArguments]
    ) -> str:
        """Upload the rest of the open file *fileobj* to an object, atomically, and return the object's tag.

        The file is read sequentially, and its size may be unknown.

                Raises:
                    ValueError: obstore does not support one of the ``extra_args``.
                    TypeError: *fileobj* returns text.
                    ObjectChanged: the file did not have its reported length.
                    StoreError: the store rejected it.
                    GovernorError: the transfer was stopped.
                    OSError: the file cannot be read.
        """
        target = StoreObject(self._store, key, ObjectArguments.of_upload(check_arguments(more).get("extra_args")))
        sender = Sender(self._transfers.loop.telling(Progress(more.get("callback"))), self._transfers.options, target)
        found = StreamSource(fileobj)
        described = describe_transfer(transfer, target.url, "write")
        return self._transfers.upload_stream(found, described, lambda ticket: sender.send_stream(ticket, found))

    def open(
        self, key: str, *, transfer: Transfer | None = None, extra_args: Mapping[str, Any] | None = None
    ) -> io.BufferedReader:
        """Open one version of an object for reading; the read-ahead follows the rules as they change.

        *extra_args* are those of a download.

        Raises:
            ValueError: obstore does not support one of the *extra_args*.
            StoreError: it cannot be read.
            GovernorError: the transfer was stopped.
        """
        source = self._source(key, extra_args)
        return self._transfers.open(source, describe_transfer(transfer, source.url, "read"))
