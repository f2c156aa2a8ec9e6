"""Errors of a staging area. None of them reaches a reader: the transfer goes directly, and the error is counted."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from gpurules.clients.objects.store import StoreError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StagingFull(StoreError):
    """The staging area has no space for the object."""


class StagingTrouble(StoreError):
    """The staging area cannot be used. ``fault`` is the name under which the governor counts it."""

    fault = "staging_failed"

    @property
    def kind(self) -> str:
        """A key of the cause, so that the log reports each once."""
        cause = self.__cause__
        return f"{self.fault} {errno.errorcode.get(cause.errno or 0, '')}" if isinstance(cause, OSError) else self.fault


class StagingRefused(StagingTrouble):
    """Other users could write to the staging area, or it belongs to one of them."""

    fault = "staging_refused"


class StagingLocked(StagingTrouble):
    """Another process holds a lock of the staging area and makes no progress."""

    fault = "staging_locked"


class StagingDamaged(StagingTrouble):
    """A staged copy differs from what was staged."""

    fault = "staging_damaged"


@contextmanager
def translate_errors(path: object) -> Iterator[None]:
    """Translate system errors of the area *path* into errors of the area.

    Raises:
        StagingFull: its disk, its inodes or the user's share of them are used up.
        StagingTrouble: anything else.
    """
    try:
        yield
    except OSError as error:
        raise in_area(path, error) from error


def in_area(path: object, error: OSError | StoreError) -> StoreError:
    """Return the error of the area *path* for *error*."""
    if isinstance(error, StagingFull | StagingTrouble):
        return error
    if isinstance(error, OSError) and error.errno in FULL:
        return StagingFull(f"the disk of the staging area {str(path)!r} is full: {error.strerror}")
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return StagingTrouble(f"the staging area {str(path)!r} cannot be used: {why}")
