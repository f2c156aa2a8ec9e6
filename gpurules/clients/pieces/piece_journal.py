"""The journal of a download: the pieces of an object that a part file contains, each with its checksum.

One header line and one line per piece, all ASCII:

    gpurules-pieces 2 <digest of url and piece size> <digest of tag and size> <device> <inode>
    <start> <CRC-32 of the piece, 8 hexadecimal digits>

Nothing in it is trusted: a line of any other form is ignored, and a piece counts only if the part file still has it.
"""

import os
import re
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from gpurules.clients.objects.store import ObjectFacts
from gpurules.clients.regular_files import create_regular, is_at, open_regular, remove_foreign
from gpurules.strict_json import dumps

MAX_BYTES = 64 * 1024**2
"""A larger journal is not read; one line has some 25 bytes, so that is millions of pieces."""
_HEADER = re.compile(rb"gpurules-pieces 2 [0-9a-f]{64} [0-9a-f]{64} [0-9]{1,20} [0-9]{1,20}(?=\n)")
_RECORD = re.compile(rb"^([0-9]{1,19}) ([0-9a-f]{8})(?=\n)", re.MULTILINE)


class Binding(NamedTuple):
    """The binding of a journal: the object, its version, and the identity of the part file."""

    source: str
    version: str
    part: tuple[int, int]

    @classmethod
    def of(cls, url: str, piece_size: int, facts: ObjectFacts | None, part: int) -> "Binding":
        """Return the binding of the open file *part* to a version of an object; without *facts*, to no version."""
        found = os.fstat(part)
        version = "" if facts is None else _digest(facts.etag, facts.size)
        return cls(_digest(url, piece_size), version, (found.st_dev, found.st_ino))

    def line(self) -> bytes:
        """Return the header line, without its line ending."""
        return f"gpurules-pieces 2 {self.source} {self.version} {self.part[0]} {self.part[1]}".encode("ascii")


class PieceJournal:
    """The journal at *path*. A damaged journal is never an error: the download just starts over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header = b""
        self._file = -1
        self.recorded: dict[int, int] = {}
        with suppress(OSError):
            self._file = open_regular(path, os.O_RDWR | os.O_APPEND)
            self._read()

    def _read(self) -> None:
        if os.fstat(self._file).st_size > MAX_BYTES:
            return
        data = os.pread(self._file, MAX_BYTES, 0)
        header = _HEADER.match(data)
        if header is None:
            return
        self._header = header[0]
        self.recorded = {int(start): int(crc, 16) for start, crc in _RECORD.findall(data, header.end() + 1)}

    def is_of(self, binding: Binding) -> bool:
        """Return whether the journal has exactly this binding; one of no version fits any version."""
        if binding.version:
            return self._header == binding.line()
        source, _, part = self._header.decode("ascii").removeprefix("gpurules-pieces 2 ").partition(" ")
        return (source, part.partition(" ")[2]) == (binding.source, f"{binding.part[0]} {binding.part[1]}")

    def start(self, binding: Binding) -> None:
        """Create an empty journal if there is none (see ``remove``); if that fails, go on without a journal."""
        self._header, self.recorded = binding.line(), {}
        with suppress(OSError):
            remove_foreign(self._path)
            self._file = create_regular(self._path, os.O_WRONLY | os.O_APPEND)
        self._append(self._header + b"\n")

    def record(self, start: int, crc: int) -> None:
        """Record a piece that is in the part file."""
        self._append(b"%d %08x\n" % (start, crc))

    def _append(self, line: bytes) -> None:
        """Append *line* in one write; on a full disk the download goes on, but this piece cannot be resumed."""
        if self._file >= 0:
            with suppress(OSError):
                os.write(self._file, line)

    def remove(self) -> None:
        """Delete the journal, unless another process has replaced it with its own, and close it."""
        with suppress(OSError):
            if self._file < 0 or is_at(self._path, self._file):
                self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def _digest(*values: object) -> str:
    return sha256(dumps(values, ascii_only=True).encode("ascii")).hexdigest()
