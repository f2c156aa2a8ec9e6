"""Files that gpurules writes: whole or not at all, and where those are that it keeps by itself."""

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
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666 if mode is None else mode)
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
