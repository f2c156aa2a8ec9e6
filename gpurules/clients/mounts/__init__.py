"""Mounts of any kind: the kernel's readahead, and the limits of rclone and JuiceFS."""

from gpurules.clients.mounts.juicefs import JuiceFSKind, juicefs
from gpurules.clients.mounts.rclone import RcloneKind, rclone
from gpurules.clients.mounts.readahead import ReadaheadKind, readahead

__all__ = ["JuiceFSKind", "RcloneKind", "ReadaheadKind", "juicefs", "rclone", "readahead"]
