"""The directory of a staging area, by descriptor: no name in it can lead elsewhere."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gpurules.clients.staging.trouble import StagingRefused, translate_errors

MODE = 0o700
FILE_MODE = 0o600
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_PROC = Path("/proc/self/fd")


def is_plain(found: os.stat_result) -> bool:
    """Return whether it is a regular file of this user with a single link."""
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == os.geteuid()


class Folder:
    """The open directory *path*; every name is looked up in it, and symbolic links are not followed.

    Raises:
        StagingFull: a call found no space.
        StagingTrouble: a call failed.
    """

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self.file = file

    @classmethod
    @contextmanager
    def opened_at(cls, path: Path) -> Iterator["Folder"]:
        """Open *path*, which may itself be a symbolic link.

        Raises:
            StagingRefused: it belongs to another user, or others may write to it.
            StagingTrouble: it cannot be opened.
        """
        with translate_errors(path):
            file = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with translate_errors(path):
                found = os.fstat(file)
            _refuse_strangers(path, found)
            yield cls(path, file)
        finally:
            os.close(file)

    def open(self, name: str, flags: int) -> int:
        """Open a file; a new one is private to this user."""
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO in its place must not block
        with translate_errors(self.path):
            return os.open(name, flags, FILE_MODE, dir_fd=self.file)

    def stat(self, name: str) -> os.stat_result | None:
        """Return the status of a file; None if there is none."""
        with translate_errors(self.path):
            try:
                return os.stat(name, dir_fd=self.file, follow_symlinks=False)
            except FileNotFoundError:
                return None

    def unlink(self, name: str) -> bool:
        """Remove an entry of any kind except a directory; return whether it existed."""
        with translate_errors(self.path):
            try:
                os.unlink(name, dir_fd=self.file)
            except FileNotFoundError:
                return False
            return True

    def touch(self, name: str) -> None:
        """Update its time of last use, if possible."""
        with suppress(OSError):
            os.utime(name, dir_fd=self.file, follow_symlinks=False)

    def names(self) -> list[str]:
        """Return all names."""
        with translate_errors(self.path):
            return os.listdir(self.file)  # noqa: PTH208  # by its descriptor, which no Path has

    def free(self) -> int:
        """Return the free space of the disk.

        Units: bytes.
        """
        with translate_errors(self.path):
            found = os.statvfs(self.file)
        return found.f_bavail * found.f_frsize

    def place(self, name: str) -> Path:
        """Return a path to *name* that is valid while this directory is open, even if the directory is renamed."""
        below = _PROC / str(self.file)
        return (below if below.exists() else self.path) / name


def _refuse_strangers(path: Path, found: os.stat_result) -> None:
    """Refuse a directory in which another user could create files.

    One of root is refused for other users too: they could only stage in it if everyone could.
    """
    user = os.geteuid()
    if found.st_uid != user:
        raise StagingRefused(
            f"the staging area {str(path)!r} belongs to user {found.st_uid}, but this process runs as user {user}; "
            "use a separate folder for each user"
        )
    if found.st_mode & _OTHERS_WRITE:
        raise StagingRefused(
            f"other users can write to the staging area {str(path)!r} (mode {stat.S_IMODE(found.st_mode):04o}); "
            f"run: chmod 700 {str(path)!r}"
        )
