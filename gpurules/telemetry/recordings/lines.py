"""Reads the lines of a file, with a bounded part of it in memory."""

import codecs
from collections.abc import Callable, Iterator
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import NamedTuple, TypeAlias

from gpurules.telemetry.recordings.files import DAMAGE, RecordingFile
from gpurules.telemetry.source import TelemetryError

MAX_LINE = 1 << 20
"""The longest line in bytes; a snapshot of a full node takes a fiftieth of it."""
_HEAD = 4096
_PIECE = 1 << 16
"""How much of a file is read at once."""
_NOT_TEXT = 0.1
"""The share of NULs and control characters from which the beginning of a file is not text."""
_CONTROLS = bytes(n for n in range(32) if n not in b"\t\n\r\f\x1b")
Complain: TypeAlias = Callable[[int, str], None]
"""What is called with the line and the kind of damage where the rest of a file cannot be read."""


class Line(NamedTuple):
    """A line without its end; numbers count from 1. The last line of a file is *cut off* if it has no end."""

    number: int
    text: str
    is_cut_off: bool = False


def read_lines(path: Path, complain: Complain | None = None) -> Iterator[Line]:
    """Yield the lines of the file at *path*, compressed or not: UTF-8, or UTF-16 as PowerShell redirects it.

    Bytes that are not of the encoding, and NULs, are read as ``\\ufffd``, which is a part of no number and no time.

    Raises:
        TelemetryError: the file cannot be read, is not text, or has a line beyond ``MAX_LINE``.
    """
    file = open_recording(path)
    yield from close_after(file, lines_of(file, str(path), complain))


def open_recording(path: Path) -> RecordingFile:
    """Return the open file at *path*.

    Raises:
        TelemetryError: it cannot be opened, or its compression is not supported.
    """
    try:
        return RecordingFile(path)
    except OSError as error:
        raise TelemetryError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except ValueError:  # a NUL or a lone surrogate in the path itself
        raise TelemetryError(f"{str(path)!r} is not the path of a file") from None


def lines_of(file: RecordingFile, place: str, complain: Complain | None = None) -> Iterator[Line]:
    """Yield the lines of an open file.

    If it is damaged, or truncated within a compressed stream, its rest is skipped and *complain* is called.

    Raises:
        TelemetryError: it is not text, has a line beyond ``MAX_LINE``, or is damaged and there is no *complain*.
    """
    number = 0
    try:
        encoding = _encoding(place, file.reader.peek(_HEAD)[:_HEAD])
        lines = _utf8_lines(place, file.reader) if encoding is None else _wide_lines(place, file.reader, encoding)
        for line in lines:
            number = line.number
            yield line
    except DAMAGE as error:
        _report_damage(place, number, f"the compressed file is damaged or cut off here ({error})", complain)
    except OSError as error:
        _report_damage(place, number, f"reading the file failed: {(error.strerror or str(error)).lower()}", complain)


def close_after(file: RecordingFile, lines: Iterator[Line]) -> Iterator[Line]:
    """Yield *lines*, and close *file* at the end or when iteration stops."""
    try:
        yield from lines
    finally:
        file.close()


def _report_damage(place: str, number: int, what: str, complain: Complain | None) -> None:
    if complain is None or not number:
        raise TelemetryError(f"{place}:{number + 1}: {what}")
    complain(number + 1, f"{what}; only the part before it is used")


def _encoding(place: str, head: bytes) -> str | None:
    """Return the encoding of a text that is not UTF-8: UTF-16 has a mark, or a NUL in nearly every other position."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    low, high = head[0::2], head[1::2]
    if len(head) > 3 and high.count(0) > 0.6 * len(high) and low.count(0) < 0.1 * len(low):
        return "utf-16-le"
    if len(head) > 3 and low.count(0) > 0.6 * len(low) and high.count(0) < 0.1 * len(high):
        return "utf-16-be"
    if head[257:262] == b"ustar":
        raise TelemetryError(f"{place} is a tar archive; extract the recording first (tar xf)")
    if sum(map(head.count, (bytes((control,)) for control in _CONTROLS))) > _NOT_TEXT * len(head):
        raise TelemetryError(f"{place} is neither text nor a known compressed format (gz, xz, bz2, zst, zip)")
    return None


def _too_long(place: str, number: int) -> TelemetryError:
    return TelemetryError(f"{place}:{number}: the line is longer than {MAX_LINE >> 20} MiB; is this a recording?")


def _utf8_lines(place: str, file: BufferedReader) -> Iterator[Line]:
    number, rest, make = 0, b"", tuple.__new__  # what a NamedTuple does in Python takes twice as long
    while piece := file.read1(_PIECE):
        whole, end, beginning = piece.rpartition(b"\n")
        if not end:
            rest += piece
        else:
            block, rest = rest + whole, beginning
            if block.find(b"\n", 0, MAX_LINE) < 0 and len(block) >= MAX_LINE:  # only the first can be that long
                raise _too_long(place, number + 1)
            for text in _decode(block, number == 0).split("\n"):
                number += 1
                yield make(Line, (number, text.rstrip("\r"), False))
        if len(rest) > MAX_LINE:
            raise _too_long(place, number + 1)
    if rest:
        yield Line(number + 1, _decode(rest, number == 0).rstrip("\r"), is_cut_off=True)


def _decode(raw: bytes, is_first: bool) -> str:
    text = raw.removeprefix(codecs.BOM_UTF8 if is_first else b"").decode("utf-8", "replace")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _wide_lines(place: str, file: BufferedReader, encoding: str) -> Iterator[Line]:
    number = 0
    text_file = TextIOWrapper(file, encoding=encoding, errors="replace")
    try:
        while text := text_file.readline(MAX_LINE + 1):
            number += 1
            if len(text) > MAX_LINE:
                raise _too_long(place, number)
            yield Line(number, text.rstrip("\n").replace("\0", "\ufffd"), text[-1:] != "\n")
    finally:
        text_file.detach()
