"""The interface and the errors of object stores, for the part loop."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from gpurules.clients.objects.checksums import Checksum
from gpurules.errors import GpurulesError


class StoreError(GpurulesError):
    """The store refused, or the object does not exist; a retry would not help."""


class ObjectNotFound(StoreError):
    """The object, the requested version of it, or its bucket does not exist."""


class TransientStoreError(StoreError):
    """The connection or the store failed; a retry may help."""


class TooSlow(TransientStoreError):
    """The connection was cut because it was too slow; a retry may help."""


class ObjectChanged(StoreError):
    """The object changed during the transfer; nothing of it was published."""


class ChecksumMismatch(TransientStoreError):
    """The checksum of the received bytes differs from that of the store; nothing of the object was published."""


class Unverifiable(StoreError):
    """``verify="require"`` was requested, but the object has no checksum that can be verified here."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What identifies the content of an object.

    Units: ``size`` in bytes.
    """

    size: int
    etag: str


class RangeIgnored(StoreError):
    """The store answers a range request with the whole object, which has these *facts*."""

    def __init__(self, message: str, facts: ObjectFacts) -> None:
        super().__init__(message)
        self.facts = facts


class Chunks(Protocol):
    """The bytes of a response body; closing it frees the connection."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes."""
        ...

    def close(self) -> None:
        """Stop reading."""
        ...


class Reading(NamedTuple):
    """The response to a range read: the facts of the whole object, and the bytes of the range, to be closed."""

    facts: ObjectFacts
    chunks: Chunks


class StoredObject(Protocol):
    """One object in a store."""

    @property
    def url(self) -> str:
        """Its name, the same in every process."""
        ...

    def facts(self) -> ObjectFacts:
        """Return its size and tag.

        Raises:
            StoreError: it cannot be determined.
        """
        ...

    def read(self, start: int, size: int, etag: str | None) -> Reading:
        """Return up to *size* bytes from *start*, of the object with that *etag* and no other.

        Raises:
            ObjectChanged: the tag differs.
            StoreError: it cannot be read.
        """
        ...


@runtime_checkable
class CheckedObject(StoredObject, Protocol):
    """An object for which the store offers checksums."""

    def checksums(self, facts: ObjectFacts) -> Iterator[Checksum]:
        """Yield the store's checksums of the version that *facts* describe, the cheapest to compute first.

        Raises:
            ObjectChanged: the object has changed.
            StoreError: the store cannot be queried.
        """
        ...

    def has_equal_parts(self, facts: ObjectFacts, checksum: Checksum) -> bool:
        """Return whether all parts of a composite *checksum*, except the last, really have its ``part_size``.

        Raises:
            StoreError: the store cannot be queried.
        """
        ...


class PartTag(NamedTuple):
    """The store's tag of an uploaded part, which completing the upload requires."""

    etag: str
    checksums: Mapping[str, str]


class WritableObject(Protocol):
    """One object in a store with multipart uploads, with parts in any order."""

    @property
    def url(self) -> str:
        """Its name, the same in every process."""
        ...

    @property
    def variant(self) -> str:
        """A short text that distinguishes uploads of one file to one object, such as by metadata."""
        ...

    def facts(self) -> ObjectFacts:
        """Return its size and tag.

        Raises:
            StoreError: it cannot be determined.
        """
        ...

    def put(self, data: bytes) -> str:
        """Write the whole object in one request, and return its tag.

        Raises:
            StoreError: it cannot be written.
        """
        ...

    def begin(self) -> str:
        """Begin a multipart upload, and return its id.

        Raises:
            StoreError: it cannot be begun.
        """
        ...

    def parts(self, upload: str) -> Mapping[int, ObjectFacts] | None:
        """Return the parts (from 1) of an upload that the store has; None if it does not know the upload.

        Raises:
            StoreError: it cannot be determined.
        """
        ...

    def put_part(self, upload: str, number: int, data: bytes) -> PartTag:
        """Write part *number* (from 1), and return its tag for completing the upload.

        Raises:
            StoreError: it cannot be written.
        """
        ...

    def complete(self, upload: str, tags: Sequence[PartTag]) -> str:
        """Complete the upload atomically, and return the tag of the object.

        Raises:
            StoreError: it failed.
        """
        ...

    def abort(self, upload: str) -> None:
        """Abort an upload; one that the store does not know is not an error.

        Raises:
            StoreError: it could not be determined.
        """
        ...
