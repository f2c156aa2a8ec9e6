"""The one door to JSON: what is written is strict, and shows in a terminal or a log what it says and nothing else.

Strict: no NaN and no infinity, which other programs refuse; a number that is neither is null, as what is missing is.
Control characters, C1, marks that turn text around and what else is not drawn are ``\\u`` escapes, so that a file name
cannot drive the terminal that JSON is looked at in. A parser of the JSON restores the text.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from json import JSONDecodeError
from types import NoneType
from typing import Any

__all__ = ["JSONDecodeError", "canonical", "dumps", "end_of", "escape", "loads", "pack"]

_UNDRAWN = re.compile(
    "[\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
"""What is not drawn (the categories Cc, Cf, Cs, Zl and Zp up to U+FFFF), but for what JSON escapes itself."""


def dumps(
    data: object,
    *,
    indent: int | None = None,
    compact: bool = False,
    ascii_only: bool = False,
    default: Callable[[object], object] | None = None,
) -> str:
    """Return *data* as strict JSON, in which every character is drawn, or with *ascii_only* is of ASCII.

    Missing: a number that is not finite is null.

    >>> dumps({"a": [1.5, float("nan")], "b": "\\x1b[31m\\u202e\\x9bé"})
    '{"a": [1.5, null], "b": "\\\\u001b[31m\\\\u202e\\\\u009bé"}'
    """
    separators = (",", ":") if compact else None

    def written(what: object) -> str:
        return json.dumps(
            what, indent=indent, separators=separators, default=default,
            ensure_ascii=ascii_only, allow_nan=False,
        )  # fmt: skip

    try:
        text = written(data)
    except ValueError:
        text = written(_finite(data))
    return escape(text)


def escape(text: str) -> str:
    """Return JSON in which every character is drawn: those that are not are ``\\u`` escapes."""
    return _UNDRAWN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_PACKED = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def pack(data: object) -> bytes:
    """Return *data* as JSON of ASCII without spaces, quickly: for other programs, not for people.

    Missing: a number that is not finite is null.
    """
    try:
        return _PACKED.encode(data).encode()
    except ValueError:
        return _PACKED.encode(_finite(data)).encode()


def canonical(data: object, default: Callable[[object], object] | None = None) -> str:
    """Return *data* as JSON of ASCII with its keys in order: equal data is equal text, as for a digest."""
    return _canonical_encoder(default).encode(_finite(data))


@lru_cache(maxsize=8)
def _canonical_encoder(default: Callable[[object], object] | None) -> json.JSONEncoder:
    return json.JSONEncoder(sort_keys=True, default=default, allow_nan=False)


def loads(text: str | bytes) -> Any:
    """Return what JSON says; NaN and infinities, which are not JSON, are read as numbers that their readers refuse.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or has a number of too many digits.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def end_of(text: str, start: int) -> int:
    """Return where the value that begins at *start* ends.

    Raises:
        ValueError: none begins there.
    """
    return json.JSONDecoder().raw_decode(text, start)[1]


def _finite(data: object) -> object:
    """Return *data* with null for every number that is not finite."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {str(key) if isinstance(key, float) else key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [value if type(value) in _PLAIN else _finite(value) for value in data]
    return data


_PLAIN = frozenset({str, int, bool, NoneType})
