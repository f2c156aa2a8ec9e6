"""Open files that read in blocks, each admitted by the governor."""

import os
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any

from fsspec.caching import BytesCache, ReadAheadCache  # type: ignore[import-untyped]
from fsspec.spec import AbstractBufferedFile  # type: ignore[import-untyped]

from gpurules.clients.filesystem.client import FileClient
from gpurules.clients.filesystem.open_files.prefetch import PrefetchCache
from gpurules.governor import Ticket


class BlockFile(AbstractBufferedFile):  # type: ignore[misc]
    """A readable file that fetches ranges of *file*, which its own filesystem opened; each range is a part.

    The default cache is gpurules' own; the read-ahead of fsspec's caches is scaled.
    """

    closed: bool

    def __init__(self, fs: Any, path: str, file: Any, ticket: Ticket, client: FileClient, **cache: Any) -> None:
        self.ticket = ticket
        self.file = file
        self._client = client
        # one connection, used in turn, unless an event loop separates the fetches
        self._turn: AbstractContextManager[Any] = nullcontext() if file.fs.async_impl else Lock()
        self._process = os.getpid()
        name = cache.get("cache_type") or PrefetchCache.name
        options = dict(cache.get("cache_options") or {})
        if name == PrefetchCache.name:
            options["ahead"] = _blocks_ahead(ticket, client)
        self.ahead = cache.get("block_size") or client.options.block_size
        self._error: BaseException | None = None
        super().__init__(fs, path, "rb", self.ahead, cache_type=name, cache_options=options, size=file.size)
        self._let_go()

    def _let_go(self) -> None:
        """Break the reference from the cache to the file, because many readers never close their files."""
        if hasattr(self.cache, "fetcher"):
            this = weakref.ref(self)

            def fetch(start: int, end: int) -> bytes:
                file = this()
                return b"" if file is None else file._fetch_range(start, end)

            self.cache.fetcher = fetch

    def read(self, length: int | None = -1) -> bytes:
        """Read; a cache of fsspec that reads ahead by a block size does so as far as the rules currently allow."""
        if isinstance(self.cache, ReadAheadCache | BytesCache):
            self.cache.blocksize = max(1, round(self.ahead * self.ticket.look().prefetch_factor))
        data: bytes = super().read(length)
        return data

    def _fetch_range(self, start: int, end: int) -> bytes:
        """Fetch a range as a part; fsspec calls this."""
        if self._process != os.getpid() and not self.file.fs.async_impl:
            self._turn, self._process = Lock(), os.getpid()  # a thread of the parent may have been using it
        try:
            with self._turn, self.ticket.part(end - start):
                data: bytes = self.file._fetch_range(start, end)
        except BaseException as error:
            self._error = error
            raise
        self._error = None
        return data

    @property
    def details(self) -> Any:
        """The details from the file's own filesystem."""
        return self.file.details

    def close(self) -> None:
        """End the transfer, as failed if its latest range could not be fetched."""
        if not self.closed:
            self.ticket.end(self._error)
            super().close()
            self.file.close()

    def __del__(self) -> None:
        """End the transfer of a file that was never closed."""
        if not self.closed:
            self.closed = True
            self._client.lose(self.ticket)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute that only the file's own kind has."""
        if name.startswith("__") or "file" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.file, name)


def _blocks_ahead(ticket: Ticket, client: FileClient) -> Callable[[], int]:
    base = client.options.blocks_ahead
    return lambda: max(0, round(base * ticket.look().prefetch_factor))
