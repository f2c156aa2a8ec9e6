"""The source of a staged object: one version, with a checksum of each piece as received."""

import io
import zlib
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from gpurules.clients.objects.checksums import Checksum
from gpurules.clients.objects.store import (
    CheckedObject,
    Chunks,
    ObjectChanged,
    ObjectFacts,
    Reading,
    StoredObject,
    StoreError,
    TransientStoreError,
)
from gpurules.clients.pieces.part_loop import moving
from gpurules.clients.pieces.resumable_file import Piece

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class PinnedSource:
    """The version of *source* with *facts*, and no other.

    ``sums`` has the CRC-32 of each range that was received completely, ``errors`` the errors of reading the source,
    which are not errors of the area.
    """

    def __init__(self, source: StoredObject, facts: ObjectFacts) -> None:
        self._source = source
        self._facts = facts
        self.sums: dict[Piece, int] = {}
        self.errors: list[Exception] = []

    @property
    def url(self) -> str:
        """Its name."""
        return self._source.url

    def facts(self) -> ObjectFacts:
        """Return its size and tag.

        Raises:
            ObjectChanged: it is a different version now.
        """
        try:
            found = self._source.facts()
            self._same(found)
            return found
        except (OSError, StoreError) as error:
            self.errors.append(error)
            raise

    def read(self, start: int, size: int, etag: str | None) -> Reading:
        """Return up to *size* bytes from *start*.

        Raises:
            ObjectChanged: it is a different version now.
        """
        try:
            found = self._source.read(start, size, (etag or self._facts.etag) if self._facts.size else etag)
            try:
                self._same(found.facts)
            except ObjectChanged:
                found.chunks.close()
                raise
        except (OSError, StoreError) as error:
            self.errors.append(error)
            raise
        return Reading(found.facts, _Summed(self, start, found.chunks))

    def _same(self, found: ObjectFacts) -> None:
        if found != self._facts:
            raise ObjectChanged(f"{self.url} changed after the transfer began")


class PinnedCheckedSource(PinnedSource):
    """A version of an object for which the store offers checksums."""

    def __init__(self, source: CheckedObject, facts: ObjectFacts) -> None:
        super().__init__(source, facts)
        self._checked = source

    def checksums(self, facts: ObjectFacts) -> Iterator[Checksum]:
        """Yield the store's checksums of it."""
        return self._checked.checksums(facts)

    def has_equal_parts(self, facts: ObjectFacts, checksum: Checksum) -> bool:
        """Return whether its parts have the size that *checksum* says."""
        return self._checked.has_equal_parts(facts, checksum)


def pin_version(source: StoredObject, facts: ObjectFacts) -> PinnedSource:
    """Return the version of *source* with *facts*, with its checksums if the store has any."""
    return PinnedCheckedSource(source, facts) if isinstance(source, CheckedObject) else PinnedSource(source, facts)


class _Summed:
    """Chunks that record their checksum in their source."""

    def __init__(self, source: PinnedSource, start: int, chunks: Chunks) -> None:
        self._source = source
        self._start = start
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        found = size = 0
        try:
            for chunk in self._chunks:
                found, size = zlib.crc32(chunk, found), size + len(chunk)
                yield chunk
        except (OSError, StoreError) as error:
            self._source.errors.append(error)
            raise
        self._source.sums[Piece(self._start, size)] = found

    def close(self) -> None:
        self._chunks.close()


class PinnedReader(io.RawIOBase):
    """Reads the version of *source* with *facts*, for a caller that holds a slot of the governor."""

    def __init__(self, source: StoredObject, facts: ObjectFacts) -> None:
        self._source = source
        self._facts = facts
        self._place = 0

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: it is seekable."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._facts.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read at the current position.

        Raises:
            ObjectChanged: it is a different version now.
            StoreError: it cannot be read.
        """
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._facts.size - self._place)
        if wanted <= 0:
            return 0
        with moving(), closing(self._source.read(self._place, wanted, self._facts.etag).chunks) as chunks:
            data = b"".join(chunks)
        if len(data) != wanted:
            raise TransientStoreError(f"{self._source.url}: {len(data)} bytes arrived instead of {wanted}")
        view[:wanted] = data
        self._place += len(data)
        return len(data)
