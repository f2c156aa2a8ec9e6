"""What can be wrong with a staging area. None of it reaches a reader: the transfer goes directly, and it is counted."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from gpurules.clients.objects.store import StoreError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StagingFull(StoreError):
    """The staging area has no room for the object."""


class StagingTrouble(StoreError):
    """The staging area cannot be used. ``fault`` is the name under which the governor counts it."""

    fault = "staging_failed"

    @property
    def kind(self) -> str:
        """What distinguishes one cause from another, for a log that reports each once."""
        cause = self.__cause__
        return f"{self.fault} {errno.errorcode.get(cause.errno or 0, '')}" if isinstance(cause, OSError) else self.fault


class StagingRefused(StagingTrouble):
    """Other users could write to the staging area, or it belongs to one of them."""

    fault = "staging_refused"


class StagingLocked(StagingTrouble):
    """Another process holds a lock of the staging area and makes no progress."""

    fault = "staging_locked"


class StagingDamaged(StagingTrouble):
    """A staged copy is not what was staged."""

    fault = "staging_damaged"


@contextmanager
def translate_errors(path: object) -> Iterator[None]:
    """Raise what the system says of the area *path* as an error of the area.

    Raises:
        StagingFull: its disk, its inodes or the user's share of them are used up.
        StagingTrouble: anything else.
    """
    try:
        yield
    except OSError as error:
        raise in_area(path, error) from error


def in_area(path: object, error: OSError | StoreError) -> StoreError:
    """Return what *error* means for the area *path*."""
    if isinstance(error, StagingFull | StagingTrouble):
        return error
    if isinstance(error, OSError) and error.errno in FULL:
        return StagingFull(f"the disk of the staging area {str(path)!r} is full: {error.strerror}")
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return StagingTrouble(f"the staging area {str(path)!r} cannot be used: {why}")
