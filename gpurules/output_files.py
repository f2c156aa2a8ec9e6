"""Files that gpurules writes: whole or not at all, and where those are that it keeps by itself."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from gpurules.input_files import check_regular


def state_folder(name: str) -> Path:
    """Return where gpurules keeps *name* for a user unless another place is given.

    Source: the XDG base directory specification, ``$XDG_STATE_HOME``.
    """
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "gpurules" / name


def replace_file(path: Path, data: bytes) -> None:
    """Write *data* so that a reader sees the old file or the new one, never half of it.

    The disk is not waited for: after a power cut the file may be empty. A link is replaced, not followed.

    Raises:
        OSError: it cannot be written, or is not a regular file; what was there is still there.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISLNK(mode := path.lstat().st_mode):
            check_regular(mode, path)  # a device is not replaced
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink(missing_ok=True)
        raise
