"""Opens state files safely: regular files of this user only, never through a link, never blocking."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def open_regular(path: Path, flags: int) -> int:
    """Open *path* with *flags* and return the descriptor; a file created by ``O_CREAT`` is private (mode 0600).

    Symbolic links are not followed. A hard link is refused as well: writing would change the file's other name.

    Raises:
        OSError: it cannot be opened, or is not a regular file of this user with a single name (``EPERM``).
    """
    _refuse_foreign(path, _lstat(path))
    file = os.open(path, flags | _FLAGS, 0o600)
    try:
        _refuse_foreign(path, os.fstat(file))
    except OSError:
        os.close(file)
        raise
    return file


def create_regular(path: Path, flags: int) -> int:
    """Create *path*, which must not exist, with mode 0600 and return the descriptor.

    Raises:
        OSError: it exists, or cannot be created.
    """
    return os.open(path, flags | _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)


def remove_foreign(path: Path) -> None:
    """Remove what is at *path* unless it is a regular file with a single name; a link itself, never its target."""
    found = _lstat(path)
    if found is not None and (not stat.S_ISREG(found.st_mode) or found.st_nlink > 1):
        with suppress(OSError):
            path.unlink()


def is_at(path: Path, file: int) -> bool:
    """Return whether *path* is the open *file* itself, and not another file or a link to it."""
    found, own = _lstat(path), os.fstat(file)
    return found is not None and (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)


def _lstat(path: Path) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _refuse_foreign(path: Path, found: os.stat_result | None) -> None:
    if found is None:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1 or found.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "not a regular file of this user with a single name", str(path))
