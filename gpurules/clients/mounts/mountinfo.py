"""Reads the mounts of this machine."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
REMOTE = ("fuse.", "nfs", "ceph", "lustre", "gpfs", "beegfs", "cifs", "smb")
NOT_REMOTE = frozenset({"fuse.lxcfs", "fuse.portal", "fuse.gvfsd-fuse", "fusectl"})


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount: its id, mount point, type, source and device number (``0:52``)."""

    id: str
    device: str
    point: str
    type: str
    source: str

    @property
    def is_remote(self) -> bool:
        """Whether its data come over a network, according to its type."""
        return self.type.startswith(REMOTE) and self.type not in NOT_REMOTE


def mounts(table: Path = MOUNTINFO) -> Iterator[Mount]:
    """Return every mount, the latest last; none if the system does not report them.

    Source: proc_pid_mountinfo(5).
    """
    try:
        lines = table.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if "-" in fields[6:] and len(fields) > fields.index("-", 6) + 2:
            end = fields.index("-", 6)
            yield Mount(fields[0], fields[2], _plain(fields[4]), fields[end + 1], _plain(fields[end + 2]))


def _plain(text: str) -> str:
    r"""Return a field with its escapes decoded: a space is ``\040``."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def mount_of(path: str | os.PathLike[str], table: Path = MOUNTINFO) -> Mount | None:
    """Return the mount of *path*; None if it cannot be determined."""
    real = os.path.realpath(path)
    found: Mount | None = None
    for mount in mounts(table):
        is_above = real == mount.point or real.startswith(mount.point.rstrip("/") + "/")
        if is_above and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found
