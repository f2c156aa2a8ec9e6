"""The kernel's readahead of a mount of any kind, which follows ``reduce_prefetch``."""

import os
from pathlib import Path

from gpurules.clients.client import Capability
from gpurules.clients.mounts.mountinfo import Mount, mount_of, mounts
from gpurules.clients.settings.restorable_setting import RestorableSetting, SettingError
from gpurules.clients.settings.tunable_client import Tunable, TunableClient
from gpurules.model.reading import finite

SYS = Path("/sys")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ReadaheadKind:
    """The kind of client, as registered."""

    name = "readahead"
    capabilities = frozenset({Capability.PREFETCH})
    argument = "PATH (on the mount)"

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        if not (SYS / "class/bdi").is_dir():
            return "this system has no /sys/class/bdi (it exists only on Linux)"
        found = [file for mount in mounts() if (file := _file_of(mount)) is not None]
        if not found:
            return "no mount on this machine has its own readahead"
        if not any(os.access(file, os.W_OK) for file in found):
            return "read_ahead_kb of the mounts cannot be written; run the agent as root, with /sys writable"
        return None

    def notes(self) -> tuple[str, ...]:
        """Return notes on what can be controlled: the remote mounts of this machine."""
        remote = [(mount, _file_of(mount)) for mount in mounts() if mount.is_remote]
        mounts_text = [f"{mount.point} ({mount.type})" for mount, file in remote if file and os.access(file, os.W_OK)]
        return (f"remote mounts: {', '.join(mounts_text)}",) if mounts_text else ("there are no remote mounts now",)

    def open(self, argument: str) -> TunableClient:
        """Return the client for the mount of the path *argument*.

        Raises:
            SettingError: its readahead cannot be controlled.
        """
        return readahead(argument)


class ReadaheadSetting:
    """``read_ahead_kb`` of the backing device of a mount.

    Units: KiB, as text.
    Source: the kernel's Documentation/ABI/testing/sysfs-class-bdi.
    """

    def __init__(self, file: Path, point: str) -> None:
        self._file = file
        # device numbers are reused for other mounts, so the key includes the boot and the mount point
        self.key = f"read_ahead_kb of {point} ({file.parent.name}, boot {_boot()[:8]})"

    def read(self) -> str:
        """Return the value."""
        try:
            return self._file.read_text().strip()
        except OSError as error:
            raise SettingError(f"{self.key} cannot be read: {error.strerror}") from None

    def write(self, value: str) -> None:
        """Change the value."""
        try:
            self._file.write_text(value)
        except OSError as error:
            raise SettingError(f"{self.key} cannot be written: {error.strerror}; it needs root") from None


def readahead(path: str | os.PathLike[str], folder: Path | None = None) -> TunableClient:
    """Return the client that adjusts the readahead of the mount of *path* by the rules; 0 KiB disables it.

    The previous value is recorded in *folder*, and restored at the end or after a crash. The setting applies to all
    readers of the mount, and on a disk to all of its mounts.

    Raises:
        SettingError: the mount has no readahead of its own, it cannot be written, or another process controls it.
    """
    mount = mount_of(path)
    file = None if mount is None else _file_of(mount)
    if mount is None or file is None:
        where = str(path) if mount is None else f"{mount.point} ({mount.type})"
        raise SettingError(f"{where} has no readahead of its own to control")
    if not os.access(file, os.W_OK):
        raise SettingError(f"the readahead of {mount.point} cannot be written; run as root, with /sys writable")
    kept = RestorableSetting(ReadaheadSetting(file, mount.point), folder)
    return TunableClient(f"readahead {mount.point}", {Capability.PREFETCH: Tunable(kept, _scaled)})


def _scaled(said: object, before: str) -> str:
    factor = finite(said)
    return before if factor is None else str(round(int(before) * min(1.0, max(0.0, factor))))


def _file_of(mount: Mount) -> Path | None:
    """Return the file of the mount's readahead; a partition has that of its disk.

    Missing: the kernel has none, as for filesystems in memory.
    """
    for file in (
        SYS / "class/bdi" / mount.device / "read_ahead_kb",
        (SYS / "dev/block" / mount.device).resolve().parent / "bdi/read_ahead_kb",
    ):
        if file.is_file():
            return file
    return None


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
