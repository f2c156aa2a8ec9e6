"""S3 as rules decide: downloads, uploads and open files, by the governor's part loop."""

import io
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from gpurules.actions.stage_transfer import Stage
from gpurules.clients.client import GOVERNED, Capability
from gpurules.clients.download import download
from gpurules.clients.parts import PartLoop, PartOptions
from gpurules.clients.reader import ObjectReader
from gpurules.clients.s3.objects import Boto3Client, S3Object, require_boto3
from gpurules.clients.staged import Staging
from gpurules.clients.staging import StagingArea, bring
from gpurules.clients.store import ObjectFacts
from gpurules.clients.upload import upload
from gpurules.errors import UnavailableError
from gpurules.governor import Governor, Ticket
from gpurules.model import Transfer


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


class S3:
    """Moves objects through *client*, a boto3 client of S3, as the governor lets their parts through.

    Without a *staging* area nothing is staged; what rules ask of that is counted in ``uncarried``.

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
    ) -> None:
        require_boto3()
        self.options = options or PartOptions()
        self.staging = staging
        self.uncarried: Counter[str] = Counter()
        self._governor = governor
        self._client = client
        self._pool = ThreadPoolExecutor(governor.limits.slots, thread_name_prefix="gpurules-s3")
        self._loop = PartLoop(self._pool, self.options)

    # transfers

    def download(self, bucket: str, key: str, path: str | Path, *, transfer: Transfer | None = None) -> ObjectFacts:
        """Bring an object to the file *path*, which is replaced in one step, and return what it was.

        Called again after an interruption it goes on where it was. *transfer* tells rules more than the key does.

        Raises:
            ObjectChanged: the object changed on the way.
            StoreError: it could not be read, or the staging area is full and the rule says ``on_full: fail``.
            GovernorError: the transfer was stopped.
            OSError: it could not be written.
        """
        source, target = S3Object(self._client, bucket, key), Path(path)
        with self._governor.transfer(_described(transfer, bucket, key, "read")) as ticket:
            self._size(ticket, source)
            staged = self._staged(ticket, source, lambda place: bring(place, target))
            return staged or download(ticket, source, target, self._loop, self.options)

    def upload(self, path: str | Path, bucket: str, key: str, *, transfer: Transfer | None = None) -> str:
        """Bring the file *path* to an object, which is there whole or not at all, and return its tag.

        Raises:
            ObjectChanged: the file changed on the way.
            StoreError: the store did not take it.
            GovernorError: the transfer was stopped.
            OSError: the file can not be read.
        """
        source = Path(path)
        described = replace(_described(transfer, bucket, key, "write"), size=source.stat().st_size)
        with self._governor.transfer(described) as ticket:
            return upload(ticket, source, S3Object(self._client, bucket, key), self._loop, self.options)

    def open(self, bucket: str, key: str, *, transfer: Transfer | None = None) -> io.BufferedReader:
        """Open an object to be read, as one version of it; what is read ahead follows the rules as they change.

        Raises:
            StoreError: it can not be read.
            GovernorError: the transfer was stopped.
        """
        source = S3Object(self._client, bucket, key)
        ticket = self._governor.transfer(_described(transfer, bucket, key, "read"))
        try:
            return self._opened(ticket, source)
        except BaseException as error:
            ticket.end(error)
            raise

    def _opened(self, ticket: Ticket, source: S3Object) -> io.BufferedReader:
        self._size(ticket, source)
        local: list[io.BufferedReader] = []
        if self._staged(ticket, source, lambda place: local.append(place.open("rb"))):
            ticket.end()
            return local[0]
        facts = source.facts()
        if ticket.transfer.size != facts.size:
            ticket.know(size=facts.size)
        with ticket.part():
            pass  # a transfer that is held is held here, and not at its first read
        return io.BufferedReader(ObjectReader(ticket, source, facts, self.options), 128 * 1024)

    def _size(self, ticket: Ticket, source: S3Object) -> None:
        """Ask the store for the size, where a rule looks at it and nobody told."""
        if ticket.transfer.size is None and self._governor.policy.reads_size:
            ticket.know(size=source.facts().size)

    # staging

    def _staged(self, ticket: Ticket, source: S3Object, use: Callable[[Path], object]) -> ObjectFacts | None:
        """Bring the object by way of the staging area, where a rule asks for it; None where it has to go directly."""
        stage = ticket.asked.stage
        area = None if stage is None else self._area(stage)
        if stage is None or area is None:
            return None
        facts = source.facts()

        def fill(place: Path) -> None:
            download(ticket, source, place, self._loop, self.options)

        staging = Staging(ticket, area, fill, use, self._governor.policy.max_delay)
        return facts if staging.run(source.url, facts, stage) else None

    def _area(self, stage: Stage) -> StagingArea | None:
        """Return the area that a rule names, with the quota of the client's own; None without any."""
        if self.staging is None:
            self.uncarried[Capability.STAGE] += 1
            return None
        if stage.area is None or Path(stage.area) == self.staging.path:
            return self.staging
        return StagingArea(stage.area, self.staging.quota, self.staging.reserve)

    # the kind

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Return the targets that this client does not carry out; what it does, the governor applies part by part."""
        left = frozenset(directives) - self.capabilities
        self.uncarried.update(left)
        return left

    def restore(self) -> None:
        """Do nothing: no setting outlives its transfer."""

    def close(self) -> None:
        """End the client's threads, when what they are at is done."""
        self._pool.shutdown()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def _described(transfer: Transfer | None, bucket: str, key: str, operation: str) -> Transfer:
    """Return what rules are told of a transfer."""
    known = transfer or Transfer()
    return replace(known, path=known.path or f"s3://{bucket}/{key}", operation=known.operation or operation)
