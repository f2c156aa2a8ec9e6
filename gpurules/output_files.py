"""Files that gpurules writes: whole or not at all, and where those are that it keeps by itself."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gpurules.input_files import check_regular


def state_folder(name: str) -> Path:
    """Return where gpurules keeps *name* for a user unless another place is given.

    Source: the XDG base directory specification, ``$XDG_STATE_HOME``.
    """
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "gpurules" / name


def replace_file(path: Path, data: bytes, mode: int | None = 0o600) -> None:
    """Write *data* so that a reader sees the old file or the new one, never half of it; see ``replacing``.

    Raises:
        OSError: it cannot be written, or is not a regular file; what was there is still there.
    """
    with replacing(path, mode) as opened:
        opened.write(data)


_IRREPLACEABLE = (errno.EBUSY, errno.EACCES, errno.EPERM, errno.EROFS, errno.EXDEV)
"""Errors of a file that can be written but not replaced: mounted by itself, or in a folder that cannot be written."""


def write_file(path: Path, text: str) -> None:
    """Write the output that a user asked for at *path*, so that a reader sees the old file or the new one.

    A link is followed. A device or a pipe (``/dev/stdout``) is written directly, and so is a file that can be written
    but not replaced.

    Raises:
        OSError: it cannot be written.
    """
    data = text.encode("utf-8", "backslashreplace")
    if str(path.absolute()).startswith(("/dev/", "/proc/")) or (path.exists() and not path.is_file()):
        path.write_bytes(data)
        return
    try:
        replace_file(_target(path), data, mode=None)
    except OSError as error:
        if error.errno not in _IRREPLACEABLE or not path.is_file():
            raise
        path.write_bytes(data)


def _target(path: Path) -> Path:
    """Return the file that *path* leads to, whether it is there or not.

    Raises:
        OSError: links lead in a circle.
    """
    try:
        return Path(os.path.realpath(path, strict=True))
    except FileNotFoundError:
        return Path(os.path.realpath(path))


@contextmanager
def replacing(path: Path, mode: int | None = 0o600) -> Iterator[BinaryIO]:
    """Give a file to write to that becomes the one at *path* when the statement ends; after an error it is gone.

    The disk is not waited for: after a power cut the file may be empty. A link is replaced, not followed.

    Missing: *mode* None: the permissions of the file that was there, else those that the umask leaves.

    Raises:
        OSError: it cannot be written, or is not a regular file; what was there is still there.
    """
    kept = None
    with suppress(FileNotFoundError):
        if not stat.S_ISLNK(before := path.lstat().st_mode):
            check_regular(before, path)  # a device is not replaced
            kept = stat.S_IMODE(before) if mode is None else None
    fresh = path.with_name(
        f".gpurules-{os.urandom(8).hex()}"
    )  # short: the name of the file may be as long as names can be
    try:
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666 if mode is None else mode)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # the name that the user knows
    try:
        with os.fdopen(file, "wb") as opened:
            if kept is not None:
                os.fchmod(file, kept)
            yield opened
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
