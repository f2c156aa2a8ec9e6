"""Stdin and stdout of a language server: reserved for the protocol, bounded, and closed without errors."""

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
    """The editor's messages. A message longer than 64 MiB is skipped; memory is allocated only as bytes arrive."""

    def __init__(self, raw: BinaryIO, outgoing: "Outgoing") -> None:
        self._raw = raw
        self._outgoing = outgoing

    def readline(self) -> bytes:
        """Return the next header line; empty at the end of input, or when the reader is closed."""
        if self._outgoing.is_closed:
            return b""
        try:
            return self._raw.readline(_MAX_HEADER_BYTES)
        except (OSError, ValueError):
            return b""

    def read(self, n: int) -> bytes:
        """Return a message of *n* bytes; empty if it is truncated."""
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
    """Messages to the editor, from any thread; once the editor has gone, nothing more is written."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._lock = Lock()
        self.is_closed = False

    def write(self, data: bytes) -> None:
        """Write a complete message."""
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
    """Reserve stdin and stdout for the protocol.

    Other output, for example of a plug-in, goes to stderr, and other readers get end of file.
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
    """Close a pipe without a reader silently, discarding its buffer."""
    try:
        target.flush()
    except (OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, target.fileno())
        os.close(nothing)
