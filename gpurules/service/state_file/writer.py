"""Writes a state file: two slots in shared memory, one of which is always complete."""

import mmap
import os
import threading
from dataclasses import replace
from pathlib import Path
from struct import Struct

from gpurules.backends.native.cells import StateEncoder
from gpurules.input_files import read_input
from gpurules.service.state_file.layout import (
    CLOSED_OFFSET,
    HEADER_SIZE,
    MAGIC,
    MAX_SLOT_BYTES,
    SEQUENCE_OFFSET,
    Header,
    boot_id,
)

MIN_GPUS, MIN_TEXT = 16, 4096
_WORD = Struct("<Q")


class StateFileError(OSError):
    """A state file cannot be written, or something else is at its path."""


class StateWriter:
    """A state file open for writing. Its owner holds a lock.

    A reader uses the slot that the sequence number selects; the other one is written, and then the number is raised. So
    a reader never waits, and a writer that dies leaves a complete slot. If a state has another ruleset or does not fit,
    a new file replaces the old one, which is marked as closed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Write to *path* at the first state."""
        self.path = Path(path)
        self._memory: mmap.mmap | None = None
        self._header: Header | None = None
        self._sequence = 0
        self._fence = threading.Lock()
        self._fence.acquire()

    def write(self, slot: bytes, version: str, encoder: StateEncoder) -> None:
        """Publish a slot; its sequence number is that of ``next_sequence``.

        Raises:
            StateFileError: the file cannot be written, or the state is larger than a file may be.
            OSError: the same, as the system has it.
        """
        header = self._header
        fits = header is not None and len(slot) <= header.slot_size and header.version == version
        if self._memory is None or header is None or not fits or header.fingerprint != encoder.schema.fingerprint:
            header = self._renew(len(slot), version, encoder)
        memory = self._memory
        assert memory is not None
        # Slot by parity: what a reader of the current number copies is not touched before the number has moved on.
        sequence = self._sequence + 1
        start = header.slot_offset + (sequence & 1) * header.slot_size
        memory[start : start + len(slot)] = slot
        self._fence.release()  # a barrier: what was written is seen before the number is, on every processor
        self._fence.acquire()
        memory[SEQUENCE_OFFSET : SEQUENCE_OFFSET + 8] = _WORD.pack(sequence)
        self._sequence = sequence

    @property
    def next_sequence(self) -> int:
        """The sequence number of the next slot."""
        return self._sequence + 1

    def _renew(self, size: int, version: str, encoder: StateEncoder) -> Header:
        """Create a new file at the path, with twice the capacity, and mark the old one as closed."""
        directory = encoder.schema.directory.encode("utf-8", "replace")
        room = max(2 * size, encoder.size(MIN_GPUS, MIN_TEXT))
        offset = HEADER_SIZE + len(directory) + -len(directory) % 64
        if room > MAX_SLOT_BYTES:
            raise StateFileError(f"the state of {size} bytes is too large for a state file")
        header = Header(
            version,
            encoder.schema.fingerprint,
            boot_id(),
            offset,
            room + -room % 64,
            len(encoder.schema.gpu),
            len(encoder.schema.node),
            HEADER_SIZE,
            len(directory),
            self._sequence,
        )
        old, self._memory = self._memory, self._create(replace(header), directory)
        self._header = header
        _close(old)
        return header

    def _create(self, header: Header, directory: bytes) -> mmap.mmap:
        """Create a file at the path and return its mapped memory."""
        self._check_replaceable()
        if not self.path.parent.is_dir():
            raise StateFileError(f"{self.path.parent} is not a folder, so {self.path.name} cannot be written there")
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        try:
            file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise StateFileError(error.errno, error.strerror, str(self.path)) from None
        try:
            os.posix_fallocate(file, 0, header.file_size)  # a full disk is detected now, not as a fault while writing
            os.pwrite(file, header.pack() + directory, 0)
            memory = mmap.mmap(file, header.file_size)
            self._replace(fresh)
            return memory
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        finally:
            os.close(file)

    def _replace(self, fresh: Path) -> None:
        """Move *fresh* to the path; a file there, left by a killed agent, is marked as closed."""
        try:
            before = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            before = None
        try:
            fresh.replace(self.path)
            if before is not None:
                os.pwrite(before, _WORD.pack(1), CLOSED_OFFSET)
        finally:
            if before is not None:
                os.close(before)

    def _check_replaceable(self) -> None:
        """Make sure that the file at the path may be replaced.

        Raises:
            StateFileError: it is not a state file.
        """
        try:
            begins = read_input(self.path, len(MAGIC))
        except FileNotFoundError:
            return
        if not begins.startswith(MAGIC):
            raise StateFileError(f"{self.path} is not a state file and would be overwritten; choose another path")

    def close(self) -> None:
        """Mark the file as closed and remove it: readers see at once that the agent has ended."""
        memory, self._memory, self._header = self._memory, None, None
        if memory is not None:
            self.path.unlink(missing_ok=True)
            _close(memory)


def _close(memory: mmap.mmap | None) -> None:
    if memory is not None:
        memory[CLOSED_OFFSET : CLOSED_OFFSET + 8] = _WORD.pack(1)
        memory.close()
