"""Any store of obstore as rules decide: downloads, uploads and open files, by the governor's part loop."""

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
    """Moves objects of *store*, one of ``obstore.store``, as the governor lets their parts through.

    Downloads and open files are as those of ``S3``. An upload is whole or not there, and paced part by part; it is not
    resumed, because obstore does not expose uploads that are under way.

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
        """Bring an object to the file *path*, which is replaced in one step, and return what it was.

        Called again after an interruption it resumes. *transfer* gives rules more facts than the key does;
        *more* are those of ``MoveArguments``: of the ``extra_args`` obstore knows ``VersionId``. A FIFO or a device is
        not replaced, but written to in order.

        Raises:
            ValueError: obstore has no word for one of the ``extra_args``.
            ObjectNotFound: the object is not there.
            ObjectChanged: the object changed on the way.
            StoreError: it could not be read, or the staging area is full and the rule says ``on_full: fail``.
            GovernorError: the transfer was stopped.
            OSError: it could not be written.
        """
        source = self._source(key, check_arguments(more).get("extra_args"))
        return self._bring(source, path, describe_transfer(transfer, source.url, "read"), more)

    def download_fileobj(
        self, key: str, fileobj: IO[bytes], *, transfer: Transfer | None = None, **more: Unpack[MoveArguments]
    ) -> ObjectFacts:
        """Write an object to the open file *fileobj*, in order, from where that is, and return what it was.

        After an error it has the beginning of the object. Nothing is resumed.

        Raises:
            ValueError: obstore has no word for one of the ``extra_args``.
            TypeError: *fileobj* does not take bytes.
            ObjectNotFound: the object is not there.
            ObjectChanged: the object changed on the way.
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
        """Bring the file *path* to an object, which is there whole or not at all, and return its tag.

        Of the ``extra_args`` obstore knows the attributes of the content, ``StorageClass`` and ``Metadata``.

        Raises:
            ValueError: obstore has no word for one of the ``extra_args``.
            ObjectChanged: the file changed on the way.
            StoreError: the store did not take it.
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
        """Bring what is left of the open file *fileobj* to an object, which is there whole or not at all.

        It is read in order, and need not know its size. Returns the object's tag.

        Raises:
            ValueError: obstore has no word for one of the ``extra_args``.
            TypeError: *fileobj* gives text.
            ObjectChanged: the file was not as long as it said.
            StoreError: the store did not take it.
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
        """Open an object to be read, as one version of it; what is read ahead follows the rules as they change.

        *extra_args* are those of a download.

        Raises:
            ValueError: obstore has no word for one of the *extra_args*.
            StoreError: it cannot be read.
            GovernorError: the transfer was stopped.
        """
        source = self._source(key, extra_args)
        return self._transfers.open(source, describe_transfer(transfer, source.url, "read"))
