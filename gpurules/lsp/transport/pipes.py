"""Stdin and stdout of a language server: kept for the protocol alone, bounded, and never an error when they close."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import BinaryIO

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_CHUNK = 1024 * 1024
_MAX_HEADER_BYTES = 4096
_IGNORED = b'{"jsonrpc": "2.0", "method": "$/gpurules/ignored", "params": null}'


class Incoming:
    """What the editor sends.

    A message longer than 64 MiB is read to its end and stands for nothing;
    no memory is taken before its bytes are there.
    """

    def __init__(self, raw: BinaryIO, outgoing: "Outgoing") -> None:
        self._raw = raw
        self._outgoing = outgoing

    def readline(self) -> bytes:
        """Return the next line of a header; empty at the end of input, or when the reader is closed."""
        if self._outgoing.is_closed:
            return b""
        try:
            return self._raw.readline(_MAX_HEADER_BYTES)
        except (OSError, ValueError):
            return b""

    def read(self, n: int) -> bytes:
        """Return a message of *n* bytes; empty where it is cut short."""
        parts, left = [], n
        while left > 0:
            try:
                part = self._raw.read(min(left, _CHUNK))
            except (OSError, ValueError):
                return b""
            if not part:
                return b""
            left -= len(part)
            if n <= MAX_MESSAGE_BYTES:
                parts.append(part)
        return b"".join(parts) if n <= MAX_MESSAGE_BYTES else _IGNORED


class Outgoing:
    """What the editor is sent, from any thread; when it has gone, nothing more is written."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._lock = Lock()
        self.is_closed = False

    def write(self, data: bytes) -> None:
        """Write a message whole."""
        with self._lock:
            if not self.is_closed:
                try:
                    self._raw.write(data)
                    self._raw.flush()
                except (OSError, ValueError):
                    self.is_closed = True

    def close(self) -> None:
        """Write nothing more."""
        with self._lock:
            self.is_closed = True


@contextmanager
def protocol_pipes() -> Iterator[tuple[Incoming, Outgoing]]:
    """Give stdin and stdout to the protocol.

    Whatever else is printed meanwhile, by a plug-in say, goes to stderr, and whatever else reads gets nothing.
    """
    sys.stdout.flush()
    with os.fdopen(os.dup(0), "rb") as source, os.fdopen(os.dup(1), "wb") as target:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        outgoing = Outgoing(target)
        try:
            yield Incoming(source, outgoing), outgoing
        finally:
            _hush(target)


def _hush(target: BinaryIO) -> None:
    """Close a pipe without a reader silently, whatever is left in its buffer."""
    try:
        target.flush()
    except (OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, target.fileno())
        os.close(nothing)
