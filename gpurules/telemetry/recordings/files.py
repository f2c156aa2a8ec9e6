"""Opens the files of recordings, compressed or not, as streams of bytes, holding only a bounded piece.

The type of a file is detected by its first bytes, not its name. The expansion of a compressed file is bounded: to
``MAX_EXPANDED`` bytes, and beyond the first ``FREE`` bytes to a factor of ``MAX_RATIO``.
"""

import bz2
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeAlias

from gpurules.telemetry.source import TelemetryError, TelemetryUnavailable

MAX_EXPANDED = 1 << 40
MAX_RATIO = 1000
FREE = 64 << 20
"""Bytes that any file, however small, may expand to."""
MAX_WINDOW = 256 << 20
"""Bytes that a decompressor may hold."""
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile)
"""What decompressors raise where a file is damaged or cut off."""
_CHUNK = 1 << 16
_STEP = 512
"""Bytes of zstd at a time, which give no more than 16 MiB: a block of 4 bytes may give 128 KiB."""
Stream: TypeAlias = IO[bytes] | io.RawIOBase | io.BufferedIOBase

_FOREIGN = (
    (b"\x04\x22\x4d\x18", "compressed with lz4; decompress it first (lz4 -d)"),
    (b"\x1f\x9d", "compressed with compress; decompress it first (uncompress)"),
    (b"7z\xbc\xaf\x27\x1c", "an archive of 7-Zip; extract the recording first (7z x)"),
    (b"Rar!", "an archive of RAR; extract the recording first (unrar x)"),
    (b"LZIP", "compressed with lzip; decompress it first (lzip -d)"),
    (b"PAR1", "a Parquet file, which is not a tool's recording; export it as CSV"),
    (b"SQLite format 3", "a database of SQLite; export its table as CSV"),
    (b"%PDF", "a PDF"),
)


class _Xz(io.RawIOBase):
    """The content of an xz file, with a memory limit, unlike the standard library's reader."""

    def __init__(self, file: Stream) -> None:
        self._file = file
        self._decompressor: lzma.LZMADecompressor | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            if self._decompressor is None or self._decompressor.eof:
                rest = b"" if self._decompressor is None else self._decompressor.unused_data.lstrip(b"\0")
                data = rest or self._file.read(_CHUNK)
                if not data:
                    return 0
                self._decompressor = lzma.LZMADecompressor(memlimit=MAX_WINDOW)
            else:
                data = self._file.read(_CHUNK) if self._decompressor.needs_input else b""
                if not data and self._decompressor.needs_input:
                    raise EOFError("the file ends within a compressed stream")
            expanded = self._decompressor.decompress(data, len(buffer))
            if expanded:
                buffer[: len(expanded)] = expanded
                return len(expanded)


class _Counted(io.RawIOBase):
    """A compressed file that counts the bytes read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


class _Bounded(io.RawIOBase):
    """The output of a decompressor, limited in proportion to the input."""

    def __init__(self, place: str, stream: Stream, consumed: Callable[[], int]) -> None:
        self._place = place
        # one step at a time: a read of several loses what was expanded before the damage
        self._read = stream.read1 if isinstance(stream, io.BufferedIOBase) else stream.read
        self._consumed = consumed
        self._expanded = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._read(min(len(buffer), _CHUNK)) or b""
        self._expanded += len(data)
        is_too_much = self._expanded > max(FREE, MAX_RATIO * self._consumed()) or self._expanded > MAX_EXPANDED
        if is_too_much:
            raise TelemetryError(
                f"{self._place} expands to more than {MAX_RATIO} times its size; decompress it yourself if you trust it"
            )
        buffer[: len(data)] = data
        return len(data)


class _Zstd(io.RawIOBase):
    """The content of a zstd file, frame by frame; unlike the library's reader, it detects a truncated frame."""

    def __init__(self, place: str, file: Stream) -> None:
        try:
            import zstandard
        except ImportError:
            raise TelemetryUnavailable(
                f"{place} is compressed with zstd, but the module zstandard is not installed; install it with "
                "'pip install gpurules[zstd]', or decompress the file first (zstd -d)"
            ) from None
        self._file = file
        self._error = zstandard.ZstdError
        self._frames = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._expanded = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            while not self._expanded:
                rest = self._frame.unused_data if self._frame is not None and self._frame.eof else b""
                data = rest or self._file.read(_STEP) or b""
                if not data:
                    if self._frame is not None and not self._frame.eof:
                        raise EOFError("the file ends within a compressed frame")
                    return 0
                if self._frame is None or self._frame.eof:
                    self._frame = self._frames.decompressobj()
                self._expanded = memoryview(self._frame.decompress(data))
        except self._error as error:
            raise EOFError(str(error)) from None
        count = min(len(buffer), len(self._expanded))
        buffer[:count], self._expanded = self._expanded[:count], self._expanded[count:]
        return count


def _open_zip(place: str, file: IO[bytes]) -> Stream:
    """Return the content of the only file in a ZIP archive."""
    if not file.seekable():
        raise TelemetryError(f"{place} is a ZIP archive, which cannot be read from a pipe; extract the recording first")
    try:
        archive = zipfile.ZipFile(file)
        members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
        if any(member.filename == "[Content_Types].xml" for member in members):
            raise TelemetryError(f"{place} is a spreadsheet workbook; save its sheet as CSV")
        if len(members) != 1:
            raise TelemetryError(f"{place} is a ZIP archive of {len(members)} files; extract the recording first")
        return archive.open(members[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise TelemetryError(f"{place} is a ZIP archive that cannot be read ({error}); extract it first") from None


_DECOMPRESSORS: tuple[tuple[bytes, Callable[[str, _Counted], Stream]], ...] = (
    (b"\x1f\x8b", lambda place, source: gzip.GzipFile(fileobj=source, mode="rb")),
    (b"\xfd7zXZ\x00", lambda place, source: _Xz(source)),
    (b"BZh", lambda place, source: bz2.BZ2File(source)),
    (b"\x28\xb5\x2f\xfd", _Zstd),
)


class RecordingFile:
    """The open file of a recording.

    Raises:
        OSError: it cannot be opened.
        TelemetryError: its compression is not supported, or it is not a recording.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self.reader = self._open_stream(str(path), self._file.peek(16)[:16])
        except BaseException:
            self._file.close()
            raise

    def _open_stream(self, place: str, head: bytes) -> io.BufferedReader:
        foreign = next((what for magic, what in _FOREIGN if head.startswith(magic)), None)
        if foreign is not None:
            raise TelemetryError(f"{place} is {foreign}")
        if head.startswith(b"PK\x03\x04"):
            return io.BufferedReader(_Bounded(place, _open_zip(place, self._file), self._file.tell))
        opener = next((opener for magic, opener in _DECOMPRESSORS if head.startswith(magic)), None)
        if opener is None:
            return self._file
        source = _Counted(self._file)
        return io.BufferedReader(_Bounded(place, opener(place, source), lambda: source.count))

    @property
    def share(self) -> float | None:
        """The share of the file that has been read, 0 to 1.

        Missing: it is a pipe, or empty.
        """
        try:
            return min(1.0, self._file.tell() / self._size) if self._size else None
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """Close the file."""
        self._file.close()
