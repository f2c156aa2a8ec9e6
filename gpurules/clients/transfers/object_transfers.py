"""Governed transfers of objects of any store: the shared part of all clients with a part loop."""

import io
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from gpurules.actions.targets import Stage
from gpurules.clients.client import Capability, ClosedOnExit
from gpurules.clients.detection import Detection
from gpurules.clients.objects.store import ChecksumMismatch, ObjectChanged, ObjectFacts, StoredObject, StoreError
from gpurules.clients.pieces.part_loop import PartLoop, PartOptions
from gpurules.clients.pieces.progress import SILENT, Progress
from gpurules.clients.pieces.target_paths import AnyPath, checked_path, is_stream
from gpurules.clients.staging import (
    StagedCopy,
    StagedStream,
    Staging,
    StagingArea,
    StagingAreas,
    StagingRefused,
    StagingTrouble,
)
from gpurules.clients.transfers.arguments import MoveArguments
from gpurules.clients.transfers.download import download
from gpurules.clients.transfers.object_reader import ObjectReader
from gpurules.clients.transfers.streams import Readable, StreamSource, pour
from gpurules.clients.transfers.verification import Running, Verification
from gpurules.governor import Governor, Lane, Ticket
from gpurules.logs import logger
from gpurules.model import Transfer

_LOGGER = logger("gpurules.clients")


class ObjectTransfers:
    """Moves objects through the governor's slots, for the client named *name*, in threads of its own.

    Without a *staging* area nothing is staged, and the governor counts such directives.
    """

    def __init__(self, name: str, governor: Governor, options: PartOptions | None, staging: StagingArea | None) -> None:
        self.name = name
        self.governor = governor
        self.options = options or PartOptions()
        self.staging = staging
        self._areas = None if staging is None else StagingAreas(staging.room.quota, staging.room.reserve, staging)
        threads = self.options.pool_size(governor.limits.slots)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"gpurules-{name}")
        self.loop = PartLoop(self._pool, self.options, lane=Lane(threads))
        self._detection = Detection(governor.decider.engine)

    def download(
        self, source: StoredObject, target: Path, transfer: Transfer, progress: Progress = SILENT
    ) -> ObjectFacts:
        """Download *source* to *target*, through the staging area if a rule requires it.

        Raises:
            ObjectChanged: the object changed during the transfer.
            StoreError: it could not be read, or the staging area is full and the rule says ``on_full: fail``.
            GovernorError: the transfer was stopped.
            OSError: it could not be written.
        """
        with self.governor.transfer(self._detection.complete(transfer)) as ticket, self._counted():
            self._size(ticket, source)
            loop = self.loop.telling(progress)
            facts = self._staged(ticket, source, lambda copy, _: copy.copy_atomically(target), loop)
            facts = facts or download(ticket, source, target, loop, self.options)
            progress.finish(facts.size)
            return facts

    def upload(self, source: Path, transfer: Transfer, send: Callable[[Ticket], str]) -> str:
        """Upload the file *source* with *send*, as a transfer of its size, and return the object's tag.

        Raises:
            StoreError: the store rejected it.
            GovernorError: the transfer was stopped.
            OSError: the file cannot be read.
        """
        described = self._detection.complete(replace(transfer, size=source.stat().st_size), str(source))
        with self.governor.transfer(described) as ticket, self._counted():
            if ticket.requirements.stage is not None:  # what is staged is what is read
                self.governor.count_uncarried(self.name, Capability.STAGE)
            return send(ticket)

    def stream(
        self, source: StoredObject, transfer: Transfer, pour: Callable[[Readable, ObjectFacts], object]
    ) -> ObjectFacts:
        """Stream one version of *source* to *pour*, verify it at the end, and return the object's facts.

        Raises:
            ChecksumMismatch: the checksum of the streamed bytes differs from that of the store.
            StoreError: it cannot be read.
            GovernorError: the transfer was stopped.
        """
        with self.governor.transfer(self._detection.complete(transfer)) as ticket:
            reader, facts = self._opened(ticket, source)
            try:
                if isinstance(reader.raw, ObjectReader):
                    self._verified(ticket, Verification(source, facts, self.options).running(reader), pour, facts)
                else:  # a staged copy was verified before its first use
                    pour(reader, facts)
            except BaseException as error:
                ticket.end(error)  # closing the reader ends the transfer successfully
                raise
            finally:
                reader.close()
            return facts

    def _verified(
        self,
        ticket: Ticket,
        running: Running,
        pour: Callable[[Readable, ObjectFacts], object],
        facts: ObjectFacts,
    ) -> None:
        pour(running, facts)
        try:
            if not running.verify() and self.options.verify != "off":
                ticket.count_fault("checksum_unverified")
        except ChecksumMismatch:
            ticket.count_fault("checksum_mismatch")
            raise

    def upload_stream(self, source: StreamSource, transfer: Transfer, send: Callable[[Ticket], str]) -> str:
        """Upload *source* with *send*, and return the object's tag.

        Raises:
            StoreError: the store rejected it.
            GovernorError: the transfer was stopped.
        """
        size = transfer.size if source.size is None else source.size
        with self.governor.transfer(self._detection.complete(replace(transfer, size=size))) as ticket, self._counted():
            if ticket.requirements.stage is not None:
                self.governor.count_uncarried(self.name, Capability.STAGE)
            return send(ticket)

    def open(self, source: StoredObject, transfer: Transfer) -> io.BufferedReader:
        """Open one version of *source* for reading; the read-ahead follows the rules as they change.

        Raises:
            StoreError: it cannot be read.
            GovernorError: the transfer was stopped.
        """
        ticket = self.governor.transfer(self._detection.complete(transfer))
        try:
            reader, _ = self._opened(ticket, source)
            if not isinstance(reader.raw, ObjectReader):
                ticket.end()  # the copy is complete
            return reader
        except BaseException as error:
            ticket.end(error)
            raise

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count a transfer that was aborted because its source has changed."""
        try:
            yield
        except ObjectChanged:
            self.governor.count_fault("object_changed")
            raise

    def _opened(self, ticket: Ticket, source: StoredObject) -> tuple[io.BufferedReader, ObjectFacts]:
        self._size(ticket, source)
        local: list[StagedStream] = []

        def use(copy: StagedCopy, facts: ObjectFacts) -> None:
            local.append(copy.stream(lambda trouble: self._instead(ticket, source, facts, trouble)))

        facts = self._staged(ticket, source, use, self.loop)
        if facts is not None:
            return local[-1], facts
        facts = source.facts()
        if ticket.transfer.size != facts.size:
            ticket.know(size=facts.size)
        with ticket.part():
            pass  # a held transfer waits here, not at its first read
        return io.BufferedReader(ObjectReader(ticket, source, facts, self.options), 128 * 1024), facts

    def _size(self, ticket: Ticket, source: StoredObject) -> None:
        """Ask the store for the size, if a rule reads it and the caller did not supply it."""
        if ticket.transfer.size is None and self.governor.decider.reads_size:
            ticket.know(size=source.facts().size)

    def _instead(self, ticket: Ticket, source: StoredObject, facts: ObjectFacts, trouble: StoreError) -> ObjectReader:
        """Return the replacement for a staged copy that is no longer readable."""
        self.governor.count_fault(StagingTrouble.fault)
        _LOGGER.warning("%s; the rest is read directly", trouble)
        again = self.governor.transfer(replace(ticket.transfer, id=None))
        return ObjectReader(again, source, facts, self.options)

    def _staged(
        self,
        ticket: Ticket,
        source: StoredObject,
        use: Callable[[StagedCopy, ObjectFacts], object],
        loop: PartLoop,
    ) -> ObjectFacts | None:
        """Open the object through the staging area if a rule requires it; None if it must be read directly."""
        stage = ticket.requirements.stage
        area = None if stage is None else self._area(stage)
        if stage is None or area is None:
            return None
        facts = source.facts()

        def fill(pinned: StoredObject, place: Path) -> None:
            download(ticket, pinned, place, loop, self.options)

        patience = self.governor.decider.max_delay
        staging = Staging(ticket, area, fill, options=self.options, patience_seconds=patience)
        return facts if staging.run(source, facts, stage, lambda copy: use(copy, facts)) else None

    def _area(self, stage: Stage) -> StagingArea | None:
        """Return the area that a rule names, with the quota of the client's own area; None without one."""
        if self.staging is None or self._areas is None:
            self.governor.count_uncarried(self.name, Capability.STAGE)
            return None
        try:
            return self.staging if stage.area is None else self._areas.find(stage.area)
        except StagingRefused as refused:
            self.governor.count_fault(refused.fault)
            return None

    def close(self) -> None:
        """Stop the threads once their work is done."""
        self._pool.shutdown()


class PartClient(ClosedOnExit):
    """The base class of clients with a part loop; each defines the names of its objects.

    Without a *staging* area nothing is staged, and the governor counts such directives.
    """

    name: str
    capabilities: frozenset[Capability]

    def __init__(self, governor: Governor, options: PartOptions | None, staging: StagingArea | None) -> None:
        self.governor = governor
        self._transfers = ObjectTransfers(self.name, governor, options, staging)

    def _bring(self, source: StoredObject, path: AnyPath, described: Transfer, more: MoveArguments) -> ObjectFacts:
        """Download *source* to *path*: atomically, or sequentially if it is a FIFO or a device."""
        target, progress = checked_path(path), Progress(more.get("callback"))
        if not is_stream(target):
            return self._transfers.download(source, target, described, progress)

        def write(reader: Readable, facts: ObjectFacts) -> None:
            with target.open("wb", buffering=0) as sink:
                pour(reader, sink, facts, progress)

        return self._transfers.stream(source, described, write)

    def _pour(self, source: StoredObject, sink: IO[bytes], described: Transfer, more: MoveArguments) -> ObjectFacts:
        """Download *source* to an open file."""
        progress = Progress(more.get("callback"))
        if isinstance(sink, io.TextIOBase) or not hasattr(sink, "write"):
            raise TypeError(f"{sink!r} is not a binary file object; open it in binary mode")
        return self._transfers.stream(source, described, lambda reader, facts: pour(reader, sink, facts, progress))

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Return the targets that this client does not carry out; the governor applies the others part by part."""
        left = frozenset(directives) - self.capabilities
        for target in left:
            self.governor.count_uncarried(self.name, target)
        return left

    def restore(self) -> None:
        """Do nothing: no setting outlives a transfer."""

    def close(self) -> None:
        """Stop the client's threads once their work is done."""
        self._transfers.close()


def describe_transfer(transfer: Transfer | None, path: str, operation: str) -> Transfer:
    """Return the facts for rules about a transfer: those of the caller, completed."""
    known = transfer or Transfer()
    return replace(known, path=known.path or path, operation=known.operation or operation)
