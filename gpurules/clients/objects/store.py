"""What the part loop needs of an object store, and what can go wrong with one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from gpurules.clients.objects.checksums import Checksum
from gpurules.errors import GpurulesError


class StoreError(GpurulesError):
    """The store refused, or the object is not there; trying again is of no use."""


class ObjectNotFound(StoreError):
    """The object, the version of it that was asked for, or its bucket is not there."""


class TransientStoreError(StoreError):
    """The connection or the store failed; trying again may help."""


class TooSlow(TransientStoreError):
    """The bytes came so slowly that the connection was cut; trying again may help."""


class ObjectChanged(StoreError):
    """The object is another one than at the start of the transfer; nothing of it was published."""


class ChecksumMismatch(TransientStoreError):
    """Bytes that arrived have another checksum than the store says; nothing of the object was published."""


class Unverifiable(StoreError):
    """``verify="require"`` was asked for, and the object has no checksum that can be verified here."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What identifies the content of an object.

    Units: ``size`` in bytes.
    """

    size: int
    etag: str


class RangeIgnored(StoreError):
    """The store answers a request for a range with the whole object, which has these *facts*."""

    def __init__(self, message: str, facts: ObjectFacts) -> None:
        super().__init__(message)
        self.facts = facts


class Chunks(Protocol):
    """Bytes as they come over a connection, which is free again once they are closed."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes."""
        ...

    def close(self) -> None:
        """Want no more."""
        ...


class Reading(NamedTuple):
    """The answer to a ranged read: the facts of the whole object, and the bytes of the range, to be closed."""

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
            ObjectChanged: the tag is another one.
            StoreError: it cannot be read.
        """
        ...


@runtime_checkable
class CheckedObject(StoredObject, Protocol):
    """An object for which the store offers checksums."""

    def checksums(self, facts: ObjectFacts) -> Iterator[Checksum]:
        """Yield what the store offers of the version that *facts* describe, the cheapest to compute first.

        Raises:
            ObjectChanged: the object is another one by now.
            StoreError: the store cannot be asked.
        """
        ...

    def has_equal_parts(self, facts: ObjectFacts, checksum: Checksum) -> bool:
        """Return whether all parts of a composite *checksum*, except the last, really have its ``part_size``.

        Raises:
            StoreError: the store cannot be asked.
        """
        ...


class PartTag(NamedTuple):
    """What the store answered to a part of an upload, and wants to see again when the parts become the object."""

    etag: str
    checksums: Mapping[str, str]


class WritableObject(Protocol):
    """One object in a store that takes uploads in parts, in any order."""

    @property
    def url(self) -> str:
        """Its name, the same in every process."""
        ...

    @property
    def variant(self) -> str:
        """What distinguishes uploads of one file to one object, such as its metadata; a short text."""
        ...

    def facts(self) -> ObjectFacts:
        """Return its size and tag.

        Raises:
            StoreError: it cannot be determined.
        """
        ...

    def put(self, data: bytes) -> str:
        """Write the whole object at once, and return its tag.

        Raises:
            StoreError: it cannot be written.
        """
        ...

    def begin(self) -> str:
        """Begin an upload in parts, and return its id.

        Raises:
            StoreError: it cannot be begun.
        """
        ...

    def parts(self, upload: str) -> Mapping[int, ObjectFacts] | None:
        """Return the parts (from 1) of an upload that the store has; None where it does not know the upload.

        Raises:
            StoreError: it cannot be determined.
        """
        ...

    def put_part(self, upload: str, number: int, data: bytes) -> PartTag:
        """Write part *number* (from 1), and return what completing the upload needs.

        Raises:
            StoreError: it cannot be written.
        """
        ...

    def complete(self, upload: str, tags: Sequence[PartTag]) -> str:
        """Make the parts the object, in one step, and return its tag.

        Raises:
            StoreError: it cannot be done.
        """
        ...

    def abort(self, upload: str) -> None:
        """Have the store forget an upload and its parts; one that it does not know is not an error.

        Raises:
            StoreError: it could not be determined.
        """
        ...
