"""The door to files that a user or a ruleset names, and that a program kept: regular files only, within a limit.

A pipe may never end, a device may have side effects, and both look like any other path until they are opened.
"""

import errno
import os
import stat
from collections.abc import Iterable
from fnmatch import fnmatchcase
from os import PathLike
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


class NotRegularError(OSError):
    """A path leads to something that is not a regular file."""


def check_regular(mode: int, path: str | PathLike[str]) -> None:
    """Make sure that *mode* is that of a regular file.

    Raises:
        NotRegularError: it is that of something else.
        IsADirectoryError: it is that of a directory.
    """
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    kind = next((kind for is_of, kind in _KINDS if is_of(mode)), "not a file")
    raise NotRegularError(errno.EINVAL, f"it is {kind}, and only regular files can be read", os.fspath(path))


def open_input(path: str | PathLike[str]) -> BinaryIO:
    """Open the regular file at *path* for reading, without waiting for anything but its file system.

    Raises:
        OSError: it cannot be opened, or is something else than a regular file.
        ValueError: the path has a null character.
    """
    check_regular(os.stat(path).st_mode, path)  # noqa: PTH116  (opening a device may do something already)
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        check_regular(os.fstat(file).st_mode, path)  # it may have been replaced since
        return os.fdopen(file, "rb")
    except BaseException:
        os.close(file)
        raise


def read_input(path: str | PathLike[str], limit: int) -> bytes:
    """Return the content of the regular file at *path*; of one that is larger than *limit*, one byte more than that.

    The limit holds while a file grows as it is read.

    Raises:
        OSError: it cannot be read, or is something else than a regular file.
        ValueError: the path has a null character.
    """
    with open_input(path) as file:
        chunks, left = [], limit + 1
        try:
            while left > 0 and (chunk := file.read(min(left, _CHUNK))):
                chunks.append(chunk)
                left -= len(chunk)
        except OSError as error:  # reading does not say of what
            raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from None
    return b"".join(chunks)


def file_stamp(path: str | PathLike[str]) -> tuple[int, int, int] | None:
    """Return what changes when the file at *path* does: inode, time of its last change and size.

    Missing: None where there is no such file, or it may not be looked at.
    """
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def is_folder_or_url(place: str) -> bool:
    """Return whether *place* can only be a store: a folder, or a URL, which is looked up when it is read."""
    return "://" in place or Path(place).is_dir()


def is_among(path: str, globs: Iterable[str]) -> bool:
    """Return whether one of *globs* means *path*: the whole of it, or its last part where the glob has no ``/``.

    >>> is_among("old/a.yaml", ["a.*"]), is_among("old/a.yaml", ["new/*"])
    (True, False)
    """
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path, glob) or ("/" not in glob and fnmatchcase(name, glob)) for glob in globs)
