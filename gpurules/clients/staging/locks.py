"""Locks between processes: files of the area that can be removed with what they protect."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from gpurules.clients.staging.folder import Folder, is_plain
from gpurules.clients.staging.trouble import StagingLocked, StagingTrouble, translate_errors

LOOK_SECONDS = 0.05
TRIES = 100


class Waiting:
    """How long to wait for a lock: *check* may raise meanwhile, and *progress* returns the progress of its holder.

    Units: *patience_seconds*, without progress.
    """

    def __init__(
        self, check: Callable[[], object], patience_seconds: float, progress: Callable[[], object] = lambda: None
    ) -> None:
        self._check = check
        self._patience = patience_seconds
        self._progress = progress
        self._seen: object = None
        self._since = time.monotonic()

    def at_most(self, seconds: float) -> "Waiting":
        """Return a copy with at most this patience."""
        return Waiting(self._check, min(self._patience, seconds), self._progress)

    def pause(self) -> None:
        """Wait a little.

        Raises:
            StagingLocked: the patience is exhausted.
        """
        self._check()
        seen, now = self._progress(), time.monotonic()
        if seen != self._seen:
            self._seen, self._since = seen, now
        elif now - self._since > self._patience:
            raise StagingLocked(f"a lock of the staging area has been held for {self._patience:g} s without progress")
        time.sleep(LOOK_SECONDS)


@contextmanager
def hold_lock(folder: Folder, name: str, waiting: Waiting, *, is_shared: bool = False) -> Iterator[None]:
    """Hold the lock *name*, shared or exclusively.

    Raises:
        StagingLocked: another process holds it and makes no progress.
        StagingTrouble: it cannot be locked.
    """
    for _ in range(TRIES):
        file = _opened(folder, name)
        try:
            while not _taken(folder, file, is_shared):
                waiting.pause()
            if _is_in_place(folder, name, file):
                yield
                return
        finally:
            _release(file)
    raise StagingTrouble(f"the lock {name!r} of the staging area {str(folder.path)!r} keeps being replaced")


@contextmanager
def locked_at_once(folder: Folder, name: str) -> Iterator[bool]:
    """Try to hold the lock *name* exclusively, and return whether that succeeded."""
    file = _opened(folder, name)
    try:
        yield _taken(folder, file, False) and _is_in_place(folder, name, file)
    finally:
        _release(file)


def _opened(folder: Folder, name: str) -> int:
    """Open the file of a lock; anything else in its place is removed."""
    found = folder.stat(name)
    if found is not None and not is_plain(found):
        folder.unlink(name)
    return folder.open(name, os.O_RDWR | os.O_CREAT)


def _taken(folder: Folder, file: int, is_shared: bool) -> bool:
    with translate_errors(folder.path):
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _is_in_place(folder: Folder, name: str, file: int) -> bool:
    """Return whether the locked file still has the name: it may have been removed between opening and locking."""
    found = folder.stat(name)
    with translate_errors(folder.path):
        own = os.fstat(file)
    return found is not None and (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)


def _release(file: int) -> None:
    """Unlock, also for forked children that still have the descriptor."""
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)
    with suppress(OSError):
        os.close(file)
