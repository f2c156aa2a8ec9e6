"""Governed access to S3: downloads, uploads and open files, with the part loop."""

import io
from collections.abc import Mapping
from typing import IO, Any, Unpack

from gpurules.clients.client import GOVERNED, Capability
from gpurules.clients.objects.store import ObjectFacts, StoreError
from gpurules.clients.objects.watchdog import Watchdog
from gpurules.clients.pieces.part_loop import PartOptions
from gpurules.clients.pieces.progress import Progress
from gpurules.clients.pieces.target_paths import AnyPath, checked_path, is_read_in_order
from gpurules.clients.s3.arguments import DownloadArguments, UploadArguments
from gpurules.clients.s3.boto3_client import Boto3Client
from gpurules.clients.s3.objects import S3Object, require_boto3
from gpurules.clients.staging import StagingArea
from gpurules.clients.transfers.arguments import MoveArguments, check_arguments
from gpurules.clients.transfers.object_transfers import PartClient, describe_transfer
from gpurules.clients.transfers.streams import StreamSource, StreamUploader
from gpurules.clients.transfers.upload import Uploader
from gpurules.clients.transfers.upload_journal import UploadJournal
from gpurules.errors import UnavailableError
from gpurules.governor import Governor
from gpurules.model import Transfer

ORPHAN_SECONDS = 7 * 24 * 3600.0
"""Idle time after which an upload is aborted."""


class S3Kind:
    """The kind of client, as registered."""

    name = "s3"
    capabilities = GOVERNED | {Capability.STAGE, Capability.PREFETCH}

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        try:
            require_boto3()
        except UnavailableError as error:
            return str(error)
        return None


class S3(PartClient):
    """Moves objects through *client*, a boto3 client of S3, as the governor admits their parts.

    Without a *staging* area nothing is staged, and the governor counts such directives. Multipart uploads are recorded
    in *journal*, so that a retry sends only what is missing.

    Raises:
        UnavailableError: boto3 is not installed.
    """

    name = S3Kind.name
    capabilities = S3Kind.capabilities

    def __init__(
        self,
        governor: Governor,
        client: Boto3Client,
        *,
        options: PartOptions | None = None,
        staging: StagingArea | None = None,
        journal: UploadJournal | None = None,
    ) -> None:
        require_boto3()
        super().__init__(governor, options, staging)
        self.journal = journal or UploadJournal()
        self._client = client
        chosen = self._transfers.options
        self._watchdog = Watchdog(chosen.min_bytes_per_second, chosen.slow_seconds)
        self._uploader = Uploader(self._transfers.loop, self._transfers.options, self.journal)
        self._has_swept = False

    def download(
        self,
        bucket: str,
        key: str,
        path: AnyPath,
        *,
        transfer: Transfer | None = None,
        **more: Unpack[MoveArguments],
    ) -> ObjectFacts:
        """Download an object to the file *path*, which is replaced atomically, and return the object's facts.

        A call after an interruption resumes. *transfer* gives rules more facts than the key does; *more* are those of
        ``MoveArguments``. A FIFO or a device is not replaced, but written to sequentially.

        Raises:
            ValueError: boto3 does not accept one of the ``extra_args`` in a download.
            ObjectNotFound: the object, its version or its bucket does not exist.
            ObjectChanged: the object changed during the transfer.
            StoreError: it could not be read, or the staging area is full and the rule says ``on_full: fail``.
            GovernorError: the transfer was stopped.
            OSError: it could not be written.
        """
        source = self._source(bucket, key, check_arguments(more))
        return self._bring(source, path, describe_transfer(transfer, f"s3://{bucket}/{key}", "read"), more)

    def download_fileobj(
        self,
        bucket: str,
        key: str,
        fileobj: IO[bytes],
        *,
        transfer: Transfer | None = None,
        **more: Unpack[MoveArguments],
    ) -> ObjectFacts:
        """Download an object to the open file *fileobj*, from its current position; return the object's facts.

        After an error it has the first part of the object. Nothing is resumed.

        Raises:
            ValueError: boto3 does not accept one of the ``extra_args`` in a download.
            TypeError: *fileobj* does not accept bytes.
            ObjectNotFound: the object, its version or its bucket does not exist.
            ObjectChanged: the object changed during the transfer.
            StoreError: it could not be read, or the staging area is full and the rule says ``on_full: fail``.
            GovernorError: the transfer was stopped.
            OSError: it could not be written.
        """
        source = self._source(bucket, key, check_arguments(more))
        return self._pour(source, fileobj, describe_transfer(transfer, f"s3://{bucket}/{key}", "read"), more)

    def _source(self, bucket: str, key: str, more: MoveArguments) -> S3Object:
        return S3Object(self._client, bucket, key, DownloadArguments(more.get("extra_args")), self._watchdog)

    def upload(
        self,
        path: AnyPath,
        bucket: str,
        key: str,
        *,
        transfer: Transfer | None = None,
        **more: Unpack[MoveArguments],
    ) -> str:
        """Upload the file *path* to an object, atomically, and return the object's tag.

        A call after an interruption sends only the parts that the store does not have, if its ``extra_args`` are the
        same. *more* are those of ``MoveArguments``.

        Raises:
            ValueError: boto3 does not accept one of the ``extra_args`` in an upload.
            ObjectNotFound: the bucket does not exist.
            ObjectChanged: the file changed during the transfer.
            StoreError: the store rejected it.
            GovernorError: the transfer was stopped.
            OSError: the file cannot be read.
        """
        target = S3Object(self._client, bucket, key, UploadArguments(check_arguments(more).get("extra_args")))
        source, progress = checked_path(path), Progress(more.get("callback"))
        described = describe_transfer(transfer, f"s3://{bucket}/{key}", "write")
        if is_read_in_order(source):
            with source.open("rb") as stream:
                return self._send(StreamSource(stream), target, described, progress)
        if not self._has_swept:
            self._has_swept = True
            self.sweep_uploads()
        return self._transfers.upload(
            source, described, lambda ticket: self._uploader.upload(ticket, source, target, progress)
        )

    def upload_fileobj(
        self,
        fileobj: IO[bytes],
        bucket: str,
        key: str,
        *,
        transfer: Transfer | None = None,
        **more: Unpack[MoveArguments],
    ) -> str:
        """Upload the rest of the open file *fileobj* to an object, atomically, and return the object's tag.

        The file is read sequentially, and its size may be unknown. Nothing is resumed.

        Raises:
            ValueError: boto3 does not accept one of the ``extra_args`` in an upload.
            TypeError: *fileobj* returns text.
            ObjectNotFound: the bucket does not exist.
            ObjectChanged: the file did not have its reported length.
            StoreError: the store rejected it.
            GovernorError: the transfer was stopped.
            OSError: the file cannot be read.
        """
        target = S3Object(self._client, bucket, key, UploadArguments(check_arguments(more).get("extra_args")))
        described = describe_transfer(transfer, f"s3://{bucket}/{key}", "write")
        return self._send(StreamSource(fileobj), target, described, Progress(more.get("callback")))

    def _send(self, source: StreamSource, target: S3Object, described: Transfer, progress: Progress) -> str:
        transfers = self._transfers
        sender = StreamUploader(transfers.loop.telling(progress), transfers.options, source, target)
        return transfers.upload_stream(source, described, sender.upload)

    def open(
        self, bucket: str, key: str, *, transfer: Transfer | None = None, extra_args: Mapping[str, Any] | None = None
    ) -> io.BufferedReader:
        """Open one version of an object for reading; the read-ahead follows the rules as they change.

        *extra_args* are those of a download.

        Raises:
            ValueError: boto3 does not accept one of the *extra_args* in a download.
            ObjectNotFound: the object, its version or its bucket does not exist.
            StoreError: it cannot be read.
            GovernorError: the transfer was stopped.
        """
        source = self._source(bucket, key, {"extra_args": extra_args})
        return self._transfers.open(source, describe_transfer(transfer, f"s3://{bucket}/{key}", "read"))

    def sweep_uploads(self, older_than_seconds: float = ORPHAN_SECONDS) -> int:
        """Abort uploads of this journal that have been idle longer than the given age, and return how many.

        This also runs before the client's first upload.
        """
        return self.journal.sweep(older_than_seconds, self._abort)

    def _abort(self, url: str, upload: str) -> bool:
        target = S3Object.at(self._client, url)
        if target is None:
            return False
        try:
            target.abort(upload)
        except StoreError:
            return False
        return True
