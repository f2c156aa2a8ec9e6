"""Resolves the target of a write, and names the temporary files beside it."""

import errno
import os
import stat
from hashlib import sha256
from pathlib import Path

NAME_MAX = 255
"""Maximum length of a name in bytes, if the filesystem does not report it."""
LONGEST_SUFFIX = 64

AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def is_stream(path: Path) -> bool:
    """Return whether *path* is a FIFO, a device, or a file that the process has open: these are written sequentially.

    Everything else is replaced atomically: a symbolic link by a file, while its target is unchanged.

        Raises:
            IsADirectoryError: it is a folder, or a link to one.
            FileNotFoundError: its folder does not exist.
            NotADirectoryError: its folder is not a directory.
            OSError: it is a socket, or cannot be examined.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not path.parent.exists():
            raise FileNotFoundError(errno.ENOENT, "there is no folder", str(path.parent)) from None
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "a folder exists in place of the file", str(path))
    if stat.S_ISSOCK(mode):
        raise OSError(errno.ENXIO, "a socket exists in place of the file", str(path))
    return not stat.S_ISREG(mode) or _is_open_file(path)


def is_read_in_order(path: Path) -> bool:
    """Return whether *path* has no known size and can only be read sequentially: a FIFO, a device, a file of /proc.

    Raises:
        OSError: it is a folder, or cannot be examined.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder exists in place of the file", str(path))
    return not stat.S_ISREG(found.st_mode) or found.st_size == 0


def _is_open_file(path: Path) -> bool:
    """Whether *path* is a link in /dev or /proc to an open file of the process, like ``/dev/stdout``."""
    folder = path.parent.resolve()
    return path.is_symlink() and (folder == Path("/dev") or Path("/proc") in folder.parents)


def checked_path(path: AnyPath) -> Path:
    """Return *path* if it can name a file.

    Raises:
        IsADirectoryError: it ends with a slash.
        ValueError: no file can have that name.
    """
    text = os.fsdecode(path)
    if "\0" in text:
        raise ValueError(f"{text!r} is not a path: it contains a NUL")
    if not text or text.endswith(os.sep):
        raise IsADirectoryError(errno.EISDIR, "the path is that of a folder, not of a file", text)
    return Path(text)


def stem_beside(target: Path) -> str:
    """Return the prefix of the hidden temporary files beside *target*, short enough for a suffix.

    That is its own name if a suffix still fits after it, else a digest of it.

    >>> stem_beside(Path("/tmp/model.pt"))
    '.model.pt'
    >>> len(stem_beside(Path("/tmp") / ("x" * 255)))
    41
    """
    try:
        limit = os.pathconf(target.parent, "PC_NAME_MAX")
    except (OSError, ValueError):
        limit = NAME_MAX
    name = os.fsencode(target.name)
    if len(name) + 1 + LONGEST_SUFFIX <= limit:
        return f".{target.name}"
    return f".{sha256(name).hexdigest()[:40]}"


def umask() -> int:
    """Return the umask of this process, without ever changing it.

    Missing: 0o077 if it cannot be determined.
    Source: ``Umask`` of /proc/self/status, Linux 4.7 and later.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    found = next((line.partition(":")[2].strip() for line in lines if line.startswith("Umask:")), "077")
    return int(found, 8)
