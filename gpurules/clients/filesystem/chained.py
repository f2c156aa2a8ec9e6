"""``gpurules::s3://bucket/key``: any filesystem of fsspec, with its files opened, read and written as rules decide."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
from fsspec.asyn import AsyncFileSystem  # type: ignore[import-untyped]
from fsspec.implementations.chained import ChainedFileSystem  # type: ignore[import-untyped]
from fsspec.spec import AbstractBufferedFile  # type: ignore[import-untyped]

from gpurules.clients.download import download
from gpurules.clients.filesystem.client import FileClient
from gpurules.clients.filesystem.direct import DirectReader, is_direct
from gpurules.clients.filesystem.files import BlockFile
from gpurules.clients.filesystem.options import FileOptions
from gpurules.clients.filesystem.process import client_of
from gpurules.clients.filesystem.stored import StoredFile
from gpurules.clients.filesystem.streams import Stream, StreamReader, StreamWriter
from gpurules.clients.staging import PinnedReader, Staging
from gpurules.clients.store import StoredObject, StoreError
from gpurules.governor import Slot, State, Ticket

PREFIX = "gpurules::"
HOP = "gpurules://"
LOCAL = "file"


def _passed(name: str) -> Callable[..., Any]:
    """Return a method that has the filesystem behind do it."""

    def method(self: "GovernedFileSystem", *arguments: Any, **options: Any) -> Any:
        behind = (
            self._stripped(one) if isinstance(one, str) and one.startswith((PREFIX, HOP)) else one for one in arguments
        )
        return getattr(self.fs, name)(*behind, **options)

    method.__name__ = name
    method.__doc__ = f"Have the filesystem behind do ``{name}``."
    return method


def _both(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the method and its coroutine, both done by the filesystem behind."""
    return _passed(name), _passed(f"_{name}")


def _for_behind(protocol: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return *options* as the filesystem behind, of that *protocol*, takes them, without what ``datasets`` adds.

    That is options of a protocol that has no part in the URL, and the hop to a file said twice
    (``gpurules::s3://bucket/key::s3://bucket/key``).
    """
    known = fsspec.available_protocols()
    left = {name: value for name, value in options.items() if not (isinstance(value, dict) and name in known)}
    if left.get("target_protocol") != protocol:
        return left
    inner = left.pop("target_options", None) or {}
    return {name: value for name, value in left.items() if name not in ("target_protocol", "fo")} | inner


class GovernedFileSystem(AsyncFileSystem, ChainedFileSystem):  # type: ignore[misc]
    """A filesystem over another one: what moves data asks the governor, all else goes straight through.

    *storage_options* are those of ``FileOptions``; what is not among them is for the filesystem behind, so that a URL
    may have ``gpurules::`` put before it and keep its options.

    Raises:
        ValueError: nothing is said to be behind it, or an option does not fit.
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
            raise ValueError("say what is behind gpurules, as in gpurules::s3://bucket/key or gpurules::file:///path")
        self.fs = fs or fsspec.filesystem(
            target_protocol, **_for_behind(target_protocol, {**others, **(target_options or {})})
        )
        behind = self.fs.protocol if isinstance(self.fs.protocol, str) else self.fs.protocol[0]
        self._is_local = behind == LOCAL
        self._strip_protocol = self._stripped  # the class has no filesystem behind it, and fsspec asks it too

    @property
    def async_impl(self) -> bool:
        """Whether the filesystem behind is asynchronous."""
        return bool(self.fs.async_impl)

    @property
    def client(self) -> FileClient:
        """What gives the files of this process their tickets."""
        return client_of(self.options)

    # names

    def _stripped(self, path: Any) -> Any:
        """Return *path* as the filesystem behind has it."""
        if isinstance(path, list):
            return [self._stripped(one) for one in path]
        text = os.fspath(path) if isinstance(path, os.PathLike) else path
        if text.startswith(PREFIX):
            url, _, again = text.removeprefix(PREFIX).partition("::")
            text = url if again in ("", url) else text.removeprefix(PREFIX)
        text = text.removeprefix(HOP)
        return self.fs._strip_protocol(text)

    def unstrip_protocol(self, name: str) -> str:
        """Return the URL of *name*."""
        return PREFIX + str(self.fs.unstrip_protocol(self._stripped(name)))

    def _told(self, path: str) -> str:
        """Return what rules are told of *path*: a local one as it is, others with their protocol."""
        return path if self._is_local else str(self.fs.unstrip_protocol(path))

    # open files

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **options: Any) -> Any:
        """Open a file when the rules let it; fsspec calls this."""
        if mode != "rb":
            return self._written(path, mode, block_size, options)
        behind = _Behind(self.fs, path, options)
        size = behind.size() if self.client.reads_size else None
        try:
            ticket = self.client.ticket(self._told(path), "read", size)
        except BaseException:
            behind.close()
            raise
        try:
            if ticket.state is State.HELD:
                behind.close()  # it may be another one by then
            with ticket.part():
                pass  # a transfer that is held is held here, and not at its first read
            return self._staged(ticket, path, behind) or self._opened(ticket, path, behind, block_size)
        except BaseException as error:
            behind.close()
            ticket.end(error)
            raise

    def _written(self, path: str, mode: str, block_size: int | None, options: dict[str, Any]) -> StreamWriter:
        ticket = self.client.ticket(self._told(path), "write")
        try:
            with ticket.part():
                pass
            file = self.fs._open(path, mode, block_size=block_size, **options)
            return StreamWriter(Stream(file, ticket, self.options.block_size), self, path)
        except BaseException as error:
            ticket.end(error)
            raise

    def _opened(self, ticket: Ticket, path: str, behind: "_Behind", block_size: int | None) -> Any:
        file = behind.open()
        size = getattr(file, "size", None)
        if size is not None and size != ticket.transfer.size:
            ticket.know(size=size)
        if size is not None and isinstance(file, AbstractBufferedFile) and file.seekable():
            return BlockFile(self, path, file, ticket, self.client, block_size=block_size, **behind.cache)
        return self._stream(ticket, path, file)

    def _stream(self, ticket: Ticket, path: str, file: Any) -> StreamReader | DirectReader:
        client = self.client
        if is_direct(file):
            reader = DirectReader(file, ticket, self.options.block_size, lambda: client.lose(ticket))
            return reader.of(self, path)
        stream = Stream(file, ticket, self.options.block_size)
        return StreamReader(stream, self, path, lambda _: client.lose(ticket))

    def _staged(self, ticket: Ticket, path: str, behind: "_Behind") -> StreamReader | DirectReader | None:
        """Bring a file by way of the staging area, where a rule asks for it; None where it has to go directly."""
        stage = ticket.asked.stage
        area = None if stage is None else self.client.area(stage)
        if stage is None or area is None:
            return None
        behind.close()
        source, found = StoredFile(self.fs, path), []
        facts = source.facts()

        def fill(pinned: StoredObject, place: Path) -> None:
            download(ticket, pinned, place, self.client.loop, self.client.parts)

        def instead(trouble: StoreError) -> PinnedReader:
            self.client.report(trouble)
            return PinnedReader(source, facts)

        staging = Staging(
            ticket,
            area,
            fill,
            piece_size=self.client.parts.piece_size,
            patience_seconds=self.client.governor.policy.max_delay,
        )
        is_staged = staging.run(source, facts, stage, lambda copy: found.append(copy.stream(instead)))
        return self._stream(ticket, path, found[0]) if is_staged else None

    async def open_async(self, path: str, mode: str = "rb", **options: Any) -> Any:
        """Open a file to stream from in a task, when the rules let it; its reads ask nobody."""
        async with await self._slot(path, "read" if "r" in mode else "write"):
            return await self.fs.open_async(self._stripped(path), mode, **options)

    # whole files, as tasks

    async def _slot(self, path: str, operation: str, size: float | None = None) -> Slot:
        path = self._stripped(path)
        if size is None and operation == "read" and self.client.reads_size:
            size = await self.fs._size(path)
        return Slot(await self.client.ticket_async(self._told(path), operation, size))

    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """Read a file, or a range of it, as one part."""
        async with await self._slot(path, "read") as part:
            data: bytes = await self.fs._cat_file(self._stripped(path), start=start, end=end, **options)
            part.moved(len(data))
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
        """Bring a file to a local one as one part."""
        async with await self._slot(rpath, "read") as part:
            await self.fs._get_file(self._stripped(rpath), lpath, **options)
            with suppress(OSError, TypeError):
                part.moved(Path(lpath).stat().st_size)

    # all else

    ls, _ls = _both("ls")
    info, _info = _both("info")
    find, _find = _both("find")
    glob, _glob = _both("glob")
    walk, _walk = _both("walk")
    du, _du = _both("du")
    size, _size = _both("size")
    exists, _exists = _both("exists")
    isfile, _isfile = _both("isfile")
    isdir, _isdir = _both("isdir")
    mkdir, _mkdir = _both("mkdir")
    makedirs, _makedirs = _both("makedirs")
    rm, _rm = _both("rm")
    rm_file, _rm_file = _both("rm_file")
    cp_file, _cp_file = _both("cp_file")
    copy, _copy = _both("copy")
    rmdir, mv, touch = _passed("rmdir"), _passed("mv"), _passed("touch")
    created, modified = _passed("created"), _passed("modified")
    checksum, ukey, sign = _passed("checksum"), _passed("ukey"), _passed("sign")
    invalidate_cache, _parent = _passed("invalidate_cache"), _passed("_parent")

    @property
    def fsid(self) -> str:
        """What tells this filesystem from others."""
        return f"{PREFIX}{self.fs.fsid}"

    @property
    def sep(self) -> str:
        """What separates the parts of a path."""
        return str(self.fs.sep)

    def __getattr__(self, name: str) -> Any:
        """Return what only the filesystem behind has."""
        if name == "fs" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.fs, name)


class _Behind:
    """A file to read, as the filesystem behind opens it: at the first need, so that its facts are asked for once."""

    def __init__(self, fs: Any, path: str, options: dict[str, Any]) -> None:
        self._fs = fs
        self._path = path
        self._options = options
        self._file: Any = None
        self.cache = {name: options.pop(name, None) for name in ("cache_type", "cache_options")}

    def open(self) -> Any:
        """Return it, opened."""
        if self._file is None:
            self._file = self._fs._open(self._path, "rb", **({"cache_type": "none"} | self._options))
        return self._file

    def size(self) -> float | None:
        """Return its size in bytes; None where its filesystem can not tell."""
        size = getattr(self.open(), "size", None)
        told: float | None = self._fs.size(self._path) if size is None else size
        return told

    def close(self) -> None:
        """Close it, where it is open; it can be opened again."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
