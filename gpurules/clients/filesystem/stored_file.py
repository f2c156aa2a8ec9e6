"""Adapts a file of any filesystem to the part loop, for the staging area."""

from collections.abc import Iterator
from hashlib import sha256

from gpurules.clients.filesystem.underlying import FileBehind
from gpurules.clients.objects.store import ObjectChanged, ObjectFacts, Reading


class _Bytes:
    """The bytes of a complete read."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        yield self._data

    def close(self) -> None:
        self._data = b""


class StoredFile:
    """The file *behind*. Metadata of its filesystem (tag, or size and times) identify the version.

    If it is opened with options (``version_id``, ``size``), its facts and bytes are those of the file opened that way.
    """

    def __init__(self, behind: FileBehind) -> None:
        self._behind = behind
        fs, path, options = behind.fs, behind.path, behind.options
        said = getattr(fs, "storage_options", {})
        endpoint = said.get("endpoint_url") or (said.get("client_kwargs") or {}).get("endpoint_url") or ""
        self.url = f"{endpoint} {fs.unstrip_protocol(path)} {sorted(options.items()) or ''}".strip()

    @property
    def has_ranges(self) -> bool:
        """Whether the opened file supports range reads."""
        return not self._behind.options or bool(self._behind.open().seekable())

    def facts(self) -> ObjectFacts:
        """Return its size and version identifier, not from any cached listing.

        Raises:
            OSError: its facts cannot be read.
        """
        fs, path = self._behind.fs, self._behind.path
        fs.invalidate_cache(fs._parent(path))
        size: float | None = None
        if self._behind.options:
            with self._behind.again() as file:
                size = getattr(file, "size", None)
                info = getattr(file, "details", None) or fs.info(path)
        else:
            info = fs.info(path)
        tag = info.get("ETag") or info.get("etag") or sha256(repr(sorted(info.items())).encode()).hexdigest()
        return ObjectFacts(int(info["size"] if size is None else size), str(tag))

    def read(self, start: int, size: int, etag: str | None) -> Reading:
        """Return up to *size* bytes from *start*, of the file with that *etag* and no other.

        Raises:
            ObjectChanged: the tag differs.
            OSError: it cannot be read.
        """
        before = self.facts() if etag is None else None
        data = self._bytes(start, size) if before is None or before.size else b""
        after = self.facts()
        if after.etag != (etag if before is None else before.etag):
            raise ObjectChanged(f"{self.url} changed after the transfer began")
        return Reading(after, _Bytes(data))

    def _bytes(self, start: int, size: int) -> bytes:
        data: bytes
        if self._behind.options:
            with self._behind.again() as file:
                file.seek(start)
                data = file.read(size)
        else:
            data = self._behind.fs.cat_file(self._behind.path, start=start, end=start + size)
        return data
