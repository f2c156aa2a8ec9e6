"""``gpurules::s3://bucket/key``: any fsspec filesystem, with its files opened, read and written as rules decide."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
from fsspec.asyn import AsyncFileSystem  # type: ignore[import-untyped]
from fsspec.implementations.chained import ChainedFileSystem  # type: ignore[import-untyped]
from fsspec.spec import AbstractBufferedFile  # type: ignore[import-untyped]

from gpurules.clients.client import Capability
from gpurules.clients.filesystem.bypass import BulkReads, Passing, count_all
from gpurules.clients.filesystem.client import FileClient
from gpurules.clients.filesystem.delegation import StandIn, call_behind
from gpurules.clients.filesystem.names import HOP, name_in, without_prefix
from gpurules.clients.filesystem.open_files.blocks import BlockFile
from gpurules.clients.filesystem.open_files.direct import DirectReader, is_direct
from gpurules.clients.filesystem.open_files.edited import DirectEditor, is_edited
from gpurules.clients.filesystem.open_files.streams import Stream, StreamReader, StreamWriter
from gpurules.clients.filesystem.options import FileOptions
from gpurules.clients.filesystem.process import client_of
from gpurules.clients.filesystem.stored_file import StoredFile
from gpurules.clients.filesystem.underlying import Chaining, FileBehind, options_for, options_in
from gpurules.clients.objects.store import StoredObject, StoreError
from gpurules.clients.staging import PinnedReader, Staging
from gpurules.clients.transfers.download import download
from gpurules.governor import Slot, Ticket, TransferState

LOCAL = "file"


class GovernedFileSystem(StandIn, AsyncFileSystem, ChainedFileSystem, metaclass=Chaining):  # type: ignore[misc]
    """A filesystem over another one: data transfers ask the governor, everything else is passed through.

    *storage_options* are those of ``FileOptions``; the others are passed to the underlying filesystem, so that
    ``gpurules::`` can be prepended to a URL that keeps its options.

    Raises:
        ValueError: no underlying filesystem is given, or an option is invalid.
    """

    protocol = "gpurules"
    _strip_tokenize_options = ("fo",)

    def __init__(
        self,
        fs: Any = None,
        target_protocol: str | None = None,
        target_options: dict[str, Any] | None = None,
        fo: str | None = None,
        **storage_options: Any,
    ) -> None:
        self.options, others = FileOptions.split(storage_options)
        own = {name: others[name] for name in ("asynchronous", "loop", "batch_size") if name in others}
        super().__init__(**own)
        if fs is None and target_protocol is None:
            raise ValueError(
                "name the underlying filesystem, as in gpurules::s3://bucket/key or gpurules::file:///path"
            )
        self.fs = fs or fsspec.filesystem(
            target_protocol, **options_for(target_protocol, {**others, **(target_options or {})})
        )
        behind = self.fs.protocol if isinstance(self.fs.protocol, str) else self.fs.protocol[0]
        self._is_local = behind == LOCAL
        # the class has no underlying filesystem, and fsspec asks it too
        if not self.async_impl:
            bulk = BulkReads(self)
            self.cat, self.cat_file, self.cat_ranges = bulk.cat, bulk.cat_file, bulk.cat_ranges
        self._strip_protocol = self._stripped  # type: ignore[method-assign]
        self.current = partial(self._current, behind)  # type: ignore[method-assign]

    @property
    def async_impl(self) -> bool:
        """Whether the underlying filesystem is asynchronous."""
        return bool(self.fs.async_impl)

    @property
    def client(self) -> FileClient:
        """The client that issues the tickets for the files of this process."""
        return client_of(self.options)

    @classmethod
    def current(cls) -> Any:
        """Return the most recently created filesystem; for an instance, the most recent one over the same kind.

        Raises:
            ValueError: none has been created yet.
        """
        return super().current()

    def _current(self, protocol: str) -> Any:
        latest = type(self)._cache.get(type(self)._latest_over.get(type(self.fs)))
        return type(self)(target_protocol=protocol) if latest is None else latest

    # names

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """Return *path* without the gpurules prefix, in the form of the underlying filesystem if that is known."""
        return name_in(path)

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        """Return the options of the underlying filesystem in a one-hop URL; fsspec calls this."""
        return options_in(path)

    def _stripped(self, path: Any) -> Any:
        """Return *path* in the form of the underlying filesystem."""
        return self.fs._strip_protocol(without_prefix(path))

    def unstrip_protocol(self, name: str) -> str:
        """Return the one-hop URL of *name*: ``gpurules://s3://bucket/key``."""
        return HOP + str(self.fs.unstrip_protocol(self._stripped(name)))

    def _path_for_rules(self, path: str) -> str:
        """Return *path* as rules see it: a local one unchanged, others with their protocol."""
        return path if self._is_local else str(self.fs.unstrip_protocol(path))

    # open files

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **options: Any) -> Any:
        """Open a file when the rules allow it; fsspec calls this."""
        if mode != "rb":
            return self._written(path, mode, block_size, options)
        behind = FileBehind(self.fs, path, block_size, options)
        size = behind.size() if self.client.reads_size else None
        try:
            ticket = self.client.ticket(self._path_for_rules(path), "read", size)
        except BaseException:
            behind.close()
            raise
        try:
            if ticket.state is TransferState.HELD:
                behind.close()  # it may be another one by then
            with ticket.part():
                pass  # a held transfer waits here, not at its first read
            return self._staged(ticket, path, behind) or self._opened(ticket, path, behind)
        except BaseException as error:
            behind.close()
            ticket.end(error)
            raise

    def _written(
        self, path: str, mode: str, block_size: int | None, options: dict[str, Any]
    ) -> StreamWriter | DirectEditor:
        ticket = self.client.ticket(self._path_for_rules(path), "write")
        try:
            with ticket.part():
                pass
            file = self.fs._open(path, mode, block_size=block_size, **options)
            client, size = self.client, self.options.block_size
            if is_edited(file, mode):
                return DirectEditor(file, ticket, size, lambda: client.lose(ticket), "+" in mode).of(self, path)
            return StreamWriter(Stream(file, ticket, size), self, path)
        except BaseException as error:
            ticket.end(error)
            raise

    def _opened(self, ticket: Ticket, path: str, behind: FileBehind) -> Any:
        file = behind.open()
        size = getattr(file, "size", None)
        if size is not None and size != ticket.transfer.size:
            ticket.know(size=size)
        if size is not None and isinstance(file, AbstractBufferedFile) and file.seekable():
            return BlockFile(self, path, file, ticket, self.client, **behind.cache)
        return self._stream(ticket, path, file)

    def _stream(self, ticket: Ticket, path: str, file: Any) -> StreamReader | DirectReader:
        client = self.client
        if is_direct(file):
            reader = DirectReader(file, ticket, self.options.block_size, lambda: client.lose(ticket))
            return reader.of(self, path)
        stream = Stream(file, ticket, self.options.block_size)
        return StreamReader(stream, self, path, lambda _: client.lose(ticket))

    def _staged(self, ticket: Ticket, path: str, behind: FileBehind) -> StreamReader | DirectReader | None:
        """Open a file through the staging area if a rule requires it; None if it must be opened directly."""
        stage = ticket.requirements.stage
        area = None if stage is None else self.client.area(stage)
        if stage is None or area is None:
            return None
        source = StoredFile(behind)
        if not source.has_ranges:
            self.client.count_uncarried(Capability.STAGE)
            return None
        behind.close()
        facts, found = source.facts(), []

        def fill(pinned: StoredObject, place: Path) -> None:
            download(ticket, pinned, place, self.client.loop, self.client.parts)

        def instead(trouble: StoreError) -> PinnedReader:
            self.client.report(trouble)
            return PinnedReader(source, facts)

        staging = Staging(
            ticket,
            area,
            fill,
            options=self.client.parts,
            patience_seconds=self.client.governor.decider.max_delay,
        )
        is_staged = staging.run(source, facts, stage, lambda copy: found.append(copy.stream(instead)))
        return self._stream(ticket, path, found[0]) if is_staged else None

    async def open_async(self, path: str, mode: str = "rb", **options: Any) -> Any:
        """Open a file to stream from in a task, when the rules allow it; its reads are not governed."""
        async with await self._slot(path, "read" if "r" in mode else "write"):
            return await self.fs.open_async(self._stripped(path), mode, **options)

    # whole files, as tasks

    async def _slot(self, path: str, operation: str, size: float | None = None) -> Slot | Passing:
        client = self.client
        if client.lets_all_pass:
            return Passing(client, size)
        path = self._stripped(path)
        if size is None and operation == "read" and self.client.reads_size:
            size = await self.fs._size(path)
        if client.lets_pass(self._path_for_rules(path), operation, size):
            return Passing(client, size)
        return Slot(await self.client.ticket_async(self._path_for_rules(path), operation, size))

    async def _cat_ranges(self, *arguments: Any, **options: Any) -> Any:
        """Read ranges, each as one part; if no rule affects any, as the underlying filesystem reads many."""
        if type(self.fs)._cat_ranges is AsyncFileSystem._cat_ranges or not self.client.lets_all_pass:
            return await super()._cat_ranges(*arguments, **options)
        found = await call_behind(self.fs._cat_ranges, arguments, options)
        count_all(self.client, found)
        return found

    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """Read a file, or a range of it, as one part."""
        data: bytes
        client = self.client
        if client.lets_all_pass:  # a call may have hundreds, so there is no waiting task for each
            with Passing(client) as passing:
                data = await self.fs._cat_file(without_prefix(path), start=start, end=end, **options)
                passing.report_moved(len(data))
            return data
        async with await self._slot(path, "read") as part:
            data = await self.fs._cat_file(self._stripped(path), start=start, end=end, **options)
            part.report_moved(len(data))
        return data

    async def _pipe_file(self, path: str, value: bytes, **options: Any) -> Any:
        """Write a file as one part."""
        async with await self._slot(path, "write", len(value)):
            return await self.fs._pipe_file(self._stripped(path), value, **options)

    async def _put_file(self, lpath: str, rpath: str, **options: Any) -> Any:
        """Write a local file as one part."""
        async with await self._slot(rpath, "write", Path(lpath).stat().st_size):
            return await self.fs._put_file(lpath, self._stripped(rpath), **options)

    async def _get_file(self, rpath: str, lpath: str, **options: Any) -> Any:
        """Copy a file to a local one as one part."""
        async with await self._slot(rpath, "read") as part:
            await self.fs._get_file(self._stripped(rpath), lpath, **options)
            with suppress(OSError, TypeError):
                part.report_moved(Path(lpath).stat().st_size)
