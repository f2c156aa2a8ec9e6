"""S3 as rules decide: downloads, uploads and open files, by the governor's part loop."""

import io
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from gpurules.clients.arguments import MoveArguments, checked
from gpurules.clients.client import GOVERNED, Capability
from gpurules.clients.journal import UploadJournal
from gpurules.clients.mover import PartClient, described
from gpurules.clients.parts import PartOptions
from gpurules.clients.progress import Progress
from gpurules.clients.s3.arguments import DownloadArguments, UploadArguments
from gpurules.clients.s3.objects import Boto3Client, S3Object, require_boto3
from gpurules.clients.staging import StagingArea
from gpurules.clients.store import ObjectFacts, StoreError
from gpurules.clients.upload import Uploader
from gpurules.errors import UnavailableError
from gpurules.governor import Governor
from gpurules.model import Transfer

ORPHAN_SECONDS = 7 * 24 * 3600.0
"""How long nobody has gone on with an upload that is given up by itself."""


class S3Kind:
    """The kind of client, as it stands in the registry."""

    name = "s3"
    capabilities = GOVERNED | {Capability.STAGE, Capability.PREFETCH}

    def unavailable(self) -> str | None:
        """Return why it can not be used here."""
        try:
            require_boto3()
        except UnavailableError as error:
            return str(error)
        return None


class S3(PartClient):
    """Moves objects through *client*, a boto3 client of S3, as the governor lets their parts through.

    Without a *staging* area nothing is staged; what rules ask of that is counted by the governor. Uploads in parts are
    written down in *journal*, so that the next try sends what is missing.

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
        self._uploader = Uploader(self._mover.loop, self._mover.options, self.journal)
        self._has_swept = False

    def download(
        self,
        bucket: str,
        key: str,
        path: str | PathLike[str],
        *,
        transfer: Transfer | None = None,
        **more: Unpack[MoveArguments],
    ) -> ObjectFacts:
        """Bring an object to the file *path*, which is replaced in one step, and return what it was.

        Called again after an interruption it goes on where it was. *transfer* tells rules more than the key does;
        *more* are those of ``MoveArguments``.

        Raises:
            ValueError: boto3 does not take one of the ``extra_args`` in a download.
            ObjectNotFound: the object, its version or its bucket is not there.
            ObjectChanged: the object changed on the way.
            StoreError: it could not be read, or the staging area is full and the rule says ``on_full: fail``.
            GovernorError: the transfer was stopped.
            OSError: it could not be written.
        """
        asked = checked(more)
        source = S3Object(self._client, bucket, key, DownloadArguments(asked.get("extra_args")))
        told = described(transfer, f"s3://{bucket}/{key}", "read")
        return self._mover.download(source, Path(path), told, Progress(asked.get("callback")))

    def upload(
        self,
        path: str | PathLike[str],
        bucket: str,
        key: str,
        *,
        transfer: Transfer | None = None,
        **more: Unpack[MoveArguments],
    ) -> str:
        """Bring the file *path* to an object, which is there whole or not at all, and return its tag.

        Called again after an interruption it sends only the parts that the store does not have, if its ``extra_args``
        are the same. *more* are those of ``MoveArguments``.

        Raises:
            ValueError: boto3 does not take one of the ``extra_args`` in an upload.
            ObjectNotFound: the bucket is not there.
            ObjectChanged: the file changed on the way.
            StoreError: the store did not take it.
            GovernorError: the transfer was stopped.
            OSError: the file can not be read.
        """
        asked, progress = checked(more), Progress(more.get("callback"))
        target = S3Object(self._client, bucket, key, UploadArguments(asked.get("extra_args")))
        source = Path(path)
        if not self._has_swept:
            self._has_swept = True
            self.sweep_uploads()
        told = described(transfer, f"s3://{bucket}/{key}", "write")
        return self._mover.upload(source, told, lambda ticket: self._uploader.upload(ticket, source, target, progress))

    def open(
        self, bucket: str, key: str, *, transfer: Transfer | None = None, extra_args: Mapping[str, Any] | None = None
    ) -> io.BufferedReader:
        """Open an object to be read, as one version of it; what is read ahead follows the rules as they change.

        *extra_args* are those of a download.

        Raises:
            ValueError: boto3 does not take one of the *extra_args* in a download.
            ObjectNotFound: the object, its version or its bucket is not there.
            StoreError: it can not be read.
            GovernorError: the transfer was stopped.
        """
        source = S3Object(self._client, bucket, key, DownloadArguments(extra_args))
        return self._mover.open(source, described(transfer, f"s3://{bucket}/{key}", "read"))

    def sweep_uploads(self, older_than_seconds: float = ORPHAN_SECONDS) -> int:
        """Have the store forget uploads of this journal that nobody went on with for so long, and return how many.

        Done by itself before the client's first upload.
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
