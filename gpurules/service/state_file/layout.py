"""The header of a state file, version 1, with the offsets of its parts. All numbers are little-endian."""

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MAGIC = b"GPURULES"
LAYOUT_VERSION = 1
HEADER_SIZE = 256
SEQUENCE_OFFSET = 88
CLOSED_OFFSET = 96
MAX_SLOT_BYTES = 1 << 24

_FORMAT = struct.Struct("<8sII64sQQQQIIIIIIQ")


@dataclass(frozen=True, slots=True)
class Header:
    """The header; only ``sequence`` and ``closed`` change while a file is in use.

    Units: offsets and sizes in bytes.
    """

    version: str
    fingerprint: int
    boot: int
    slot_offset: int
    slot_size: int
    gpu_columns: int
    node_columns: int
    directory_offset: int
    directory_length: int
    sequence: int = 0
    closed: int = 0

    @property
    def file_size(self) -> int:
        """The size of the whole file."""
        return self.slot_offset + 2 * self.slot_size

    def pack(self) -> bytes:
        """Return the header as bytes."""
        fields = (
            MAGIC,
            LAYOUT_VERSION,
            HEADER_SIZE,
            self.version.encode()[:64],
            self.fingerprint,
            self.sequence,
            self.closed,
            self.boot,
            self.slot_offset,
            self.slot_size,
            self.gpu_columns,
            self.node_columns,
            self.directory_offset,
            self.directory_length,
            self.file_size,
        )
        return _FORMAT.pack(*fields).ljust(HEADER_SIZE, b"\0")


def unpack(data: bytes) -> Header:
    """Parse the header at the start of *data*.

    Raises:
        ValueError: it is not a header of this version, or is inconsistent.
    """
    if len(data) < HEADER_SIZE or not data.startswith(MAGIC):
        raise ValueError("it is not a state file")
    _, version, _, ruleset, fingerprint, sequence, closed, boot, *sizes = _FORMAT.unpack_from(data)
    if version != LAYOUT_VERSION:
        raise ValueError(f"its layout is of version {version}, and this reader knows {LAYOUT_VERSION}")
    offset, size, gpu, node, directory, length, _ = sizes
    if offset % 8 or size % 8 or size > MAX_SLOT_BYTES:
        raise ValueError("its slots are at invalid offsets")
    name = ruleset.rstrip(b"\0").decode("utf-8", "replace")
    return Header(name, fingerprint, boot, offset, size, gpu, node, directory, length, sequence, closed)


@lru_cache(maxsize=1)
def boot_id() -> int:
    """Return an id of this boot, since clocks restart with it: FNV-1a, 64 bits.

    Missing: 0 if the system does not report it.
    """
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    except OSError:
        return 0
    value = 0xCBF29CE484222325
    for byte in text:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value
