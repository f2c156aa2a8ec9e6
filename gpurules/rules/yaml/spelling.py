"""Data in the spelling of YAML, in one line."""

import re
from collections.abc import Mapping

from gpurules.strict_json import dumps

_PLAIN = re.compile(r"[A-Za-z0-9_./%+-]+(?: [A-Za-z0-9_./%+-]+)*")


def scalar(text: str) -> str:
    """Return *text* as YAML writes it in brackets: plain where that is read as it stands."""
    if _PLAIN.fullmatch(text) and not text.startswith(("-", "%")) and text not in ("~", "null", ".."):
        return text
    if text.isprintable() and "\\" not in text:
        return "'" + text.replace("'", "''") + "'"
    return dumps(text)


def flow(value: object) -> str:
    """Return *value* in one line of YAML.

    >>> flow({"type": "number", "default": "85C", "steps": [1, 0.5]})
    '{type: number, default: 85C, steps: [1, 0.5]}'
    """
    match value:
        case Mapping():
            return "{" + ", ".join(f"{scalar(str(key))}: {flow(one)}" for key, one in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(flow, value)) + "]"
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:.12g}" if isinstance(value, float) else str(value)
        case _:
            return scalar(str(value))
