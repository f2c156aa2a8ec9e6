"""Reads the lines of a file, never more than a bounded piece of it at once."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from gpurules.telemetry.source import TelemetryError

MAX_LINE = 1 << 20
"""The longest line in bytes; a snapshot of a full node takes a fiftieth of it."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; numbers count from 1. The last of a file is *cut off* where it has no end."""

    number: int
    text: str
    is_cut_off: bool = False


def read_lines(path: Path) -> Iterator[Line]:
    """Walk through the lines of the file at *path*: UTF-8, or UTF-16 as PowerShell redirects it.

    Raises:
        TelemetryError: the file can not be read, is no text, or has a line beyond ``MAX_LINE``.
    """
    try:
        with path.open("rb") as file:
            if file.peek(2)[:2] in _UTF16:
                yield from _utf16_lines(path, file)
            else:
                yield from _utf8_lines(path, file)
    except OSError as error:
        raise TelemetryError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except ValueError:  # a NUL or a lone surrogate in the path itself
        raise TelemetryError(f"{str(path)!r} is no path of a file") from None


def _too_long(path: Path, number: int) -> TelemetryError:
    return TelemetryError(f"{path}:{number}: the line is longer than {MAX_LINE >> 20} MiB; is this a recording?")


def _utf8_lines(path: Path, file: BufferedReader) -> Iterator[Line]:
    number = 0
    while raw := file.readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE:
            raise _too_long(path, number)
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if b"\0" in raw:
            raise TelemetryError(
                f"{path}:{number}: the line has a NUL byte, so this is no text; cut the damaged part out"
            )
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise TelemetryError(
                f"{path}:{number}: byte {error.start + 1} of the line is no UTF-8; convert the file, as with iconv"
            ) from None
        yield Line(number, text.rstrip("\r\n"), not text.endswith("\n"))


def _utf16_lines(path: Path, file: BufferedReader) -> Iterator[Line]:
    number = 0
    text_file = TextIOWrapper(file, encoding="utf-16")
    try:
        while text := text_file.readline(MAX_LINE + 1):
            number += 1
            if len(text) > MAX_LINE:
                raise _too_long(path, number)
            if "\0" in text:
                raise TelemetryError(
                    f"{path}:{number}: the line has a NUL, so this is no text; cut the damaged part out"
                )
            yield Line(number, text.rstrip("\n"), not text.endswith("\n"))
    except UnicodeError:
        raise TelemetryError(
            f"{path}:{number + 1}: the text is no UTF-16 from here on; cut the damaged part out"
        ) from None
    finally:
        text_file.close()
