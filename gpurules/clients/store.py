"""What the part loop needs of an object store, and what can go wrong with one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gpurules.errors import GpurulesError


class StoreError(GpurulesError):
    """The store refused, or the object is not there; trying again is of no use."""


class TransientStoreError(StoreError):
    """The connection or the store failed; trying again may help."""


class ObjectChanged(StoreError):
    """The object is another one than at the start of the transfer; nothing of it was published."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What identifies the content of an object.

    Units: ``size`` in bytes.
    """

    size: int
    etag: str


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
            StoreError: it can not be told.
        """
        ...

    def read(self, start: int, size: int, etag: str | None) -> Reading:
        """Return up to *size* bytes from *start*, of the object with that *etag* and no other.

        Raises:
            ObjectChanged: the tag is another one.
            StoreError: it can not be read.
        """
        ...
