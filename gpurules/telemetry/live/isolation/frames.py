"""The protocol between sampler and parent: JSON objects, each preceded by its length in four bytes."""

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from gpurules.strict_json import dumps, loads

MAX_FRAME = 16 << 20
_LENGTH = struct.Struct(">I")


class FrameError(Exception):
    """The data is not a frame."""


def frame(message: Mapping[str, object]) -> bytes:
    """Return *message* as a frame.

    >>> frame({"read": 1})
    b'\\x00\\x00\\x00\\n{"read":1}'
    """
    body = dumps(message, compact=True, ascii_only=True).encode()
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Collects received bytes, and returns the complete messages."""

    def __init__(self) -> None:
        self._waiting = b""

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Add bytes, and yield the messages that they complete.

        Raises:
            FrameError: a frame is too long, or is not a JSON object.
        """
        self._waiting += data
        while len(self._waiting) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._waiting)
            if length > MAX_FRAME:
                raise FrameError(f"a frame of {length} bytes")
            end = _LENGTH.size + length
            if len(self._waiting) < end:
                return
            body, self._waiting = self._waiting[_LENGTH.size : end], self._waiting[end:]
            try:
                message = loads(body)
            except (ValueError, RecursionError):
                raise FrameError("a frame that is not JSON") from None
            if not isinstance(message, dict):
                raise FrameError("a frame that is not an object")
            yield message
