"""A file of any filesystem as the part loop has it, for the staging area."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from gpurules.clients.store import ObjectChanged, ObjectFacts, Reading


class _Bytes:
    """Bytes that are all there."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        yield self._data

    def close(self) -> None:
        self._data = b""


class StoredFile:
    """The file *path* of *fs*. What its filesystem says of it (its tag, or size, times and the like) tells versions."""

    def __init__(self, fs: Any, path: str) -> None:
        self._fs = fs
        self._path = path
        said = getattr(fs, "storage_options", {})
        endpoint = said.get("endpoint_url") or said.get("client_kwargs", {}).get("endpoint_url") or ""
        self.url = f"{endpoint} {fs.unstrip_protocol(path)}".strip()

    def facts(self) -> ObjectFacts:
        """Return its size and what tells its version, not from any listing that was kept.

        Raises:
            OSError: it can not be told.
        """
        self._fs.invalidate_cache(self._fs._parent(self._path))
        info = self._fs.info(self._path)
        tag = info.get("ETag") or info.get("etag") or sha256(repr(sorted(info.items())).encode()).hexdigest()
        return ObjectFacts(int(info["size"]), str(tag))

    def read(self, start: int, size: int, etag: str | None) -> Reading:
        """Return up to *size* bytes from *start*, of the file with that *etag* and no other.

        Raises:
            ObjectChanged: it is another one.
            OSError: it can not be read.
        """
        before = self.facts() if etag is None else None
        data = self._fs.cat_file(self._path, start=start, end=start + size) if before is None or before.size else b""
        after = self.facts()
        if after.etag != (etag if before is None else before.etag):
            raise ObjectChanged(f"{self.url} has changed since the transfer began")
        return Reading(after, _Bytes(data))
