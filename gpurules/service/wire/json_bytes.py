"""The only user of msgspec: strict JSON as bytes, several times as fast as the standard library."""

from typing import Annotated, Any

import msgspec

from gpurules.strict_json import dumps, escape, loads

_ENCODER = msgspec.json.Encoder(enc_hook=str)
_DECODER = msgspec.json.Decoder()
Invalid = msgspec.ValidationError
"""The JSON is of another shape than expected. A ``ValueError``."""


def encode(data: object) -> bytes:
    """Return *data* as JSON of printable characters only; a number that is not finite is null.

    >>> encode({"a": [1.5, float("nan")], "b": "\\x1b\\u202e"})
    b'{"a":[1.5,null],"b":"\\\\u001b\\\\u202e"}'
    """
    try:
        raw = _ENCODER.encode(data)
    except (TypeError, ValueError, OverflowError):  # lone surrogates of a file name, a key that is not a string
        return dumps(data, compact=True, default=str).encode()
    if raw.isascii() and b"\x7f" not in raw:
        return raw
    return escape(raw.decode()).encode()


def decode(data: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is not JSON, or is nested too deeply.
    """
    try:
        return _DECODER.decode(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError:
        if b"\\ud" not in data.lower():
            raise
        return loads(data)  # half a surrogate pair: a file name that is not UTF-8


def decoder(shape: Any) -> "msgspec.json.Decoder[Any]":
    """Return a decoder of JSON of one *shape*, which rejects unknown members and wrong types."""
    return msgspec.json.Decoder(shape)


def structure(name: str, members: "list[tuple[str, Any, Any]]") -> Any:
    """Return a type of objects with these *members* (name, type and default) and no others."""
    return msgspec.defstruct(name, members, forbid_unknown_fields=True, kw_only=True, gc=False)


def bounded_number(kind: Any, minimum: float | None, maximum: float | None) -> Any:
    """Return the numeric type *kind* within bounds; None: unbounded."""
    return Annotated[kind, msgspec.Meta(ge=minimum, le=maximum)]
